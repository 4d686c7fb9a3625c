"""Debug probes as USB devices, below pyOCD's own drivers."""
