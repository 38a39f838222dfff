"""Measures of a phase's morphology."""
