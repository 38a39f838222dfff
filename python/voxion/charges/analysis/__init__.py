"""What a run with a model's charges shows: densities, potentials, capacitance."""
