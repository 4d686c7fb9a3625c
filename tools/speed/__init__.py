"""What flashing costs in the simulated board's virtual time: the table of `make bench` and its regression figures."""
