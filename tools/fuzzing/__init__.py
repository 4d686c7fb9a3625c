"""Random inputs for everything that reads a file: made, run with limits, counted."""
