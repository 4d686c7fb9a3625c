"""What the boot ROM does, without any of its code."""
