"""Activity coefficients of ions in ion-exchange membranes."""
