"""Stores of voxel grids: reading, packing, export, a page."""
