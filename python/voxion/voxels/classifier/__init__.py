"""The 3-D network that recognises phases."""
