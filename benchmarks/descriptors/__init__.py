"""Cost of radial distribution functions."""
