"""Tables of measured coefficients, their molecules and splits."""
