"""Voxel grids of a run: reading, packing, exporting, viewing, classifying."""
