"""Scores of models on labelled frames."""
