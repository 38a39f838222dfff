"""Training of models of charges, and their export."""
