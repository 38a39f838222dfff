"""What a voxel classifier sees: maximised inputs, attributions and the length scales in them."""
