"""Doors for other people's programs: the simulated board behind TCP ports (`n6prog sim serve`)."""
