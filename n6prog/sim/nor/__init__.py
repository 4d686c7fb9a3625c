"""The NOR flash as a command-level device."""
