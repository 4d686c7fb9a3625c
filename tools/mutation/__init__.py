"""Mutation testing of the simulator: one small change of the source at a time, and the tests must notice."""
