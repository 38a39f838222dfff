"""Models on the CPU and on a GPU."""
