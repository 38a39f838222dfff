"""From the SMILES of membranes to activity coefficients."""
