"""What chips, boards and flash parts are: facts, no policy."""
