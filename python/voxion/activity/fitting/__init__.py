"""Fitting, evaluation and export of models of activity coefficients."""
