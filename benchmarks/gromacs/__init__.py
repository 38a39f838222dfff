"""Cost of charges and voxels in mdrun."""
