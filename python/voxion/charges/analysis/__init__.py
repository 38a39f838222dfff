"""Analysis of runs with a model's charges: densities, potentials, capacitance."""
