"""The fault matrix behind tools/endurance.py: faults at seeded moments of a flash, and what must hold afterwards."""
