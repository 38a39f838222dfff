"""Solvation descriptors of a simulated membrane: from trajectories to the 12 numbers."""
