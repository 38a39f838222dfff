"""Structure factors of simulated systems."""
