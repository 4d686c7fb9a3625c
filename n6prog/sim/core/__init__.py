"""The Cortex-M55 of the simulated board: memory, private peripherals, debug state, and the emulated core itself."""
