"""Charges of polarisable surfaces: data sets, models, training, export and scores."""
