"""The debug port of the simulated board: SW-DP and its two access ports."""
