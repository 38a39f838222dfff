"""Models of activity coefficients."""
