"""The chip around the core: clocks and their gates, power, pins, and the XSPI blocks."""
