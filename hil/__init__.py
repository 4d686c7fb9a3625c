"""Rigs of boards. Empty so far: scripts use `n6prog.connect`, which is what rigs will be built on."""
