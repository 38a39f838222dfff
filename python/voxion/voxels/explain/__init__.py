"""Explanation of voxel classifiers: maximised inputs, attributions and their length scales."""
