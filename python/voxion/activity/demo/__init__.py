"""Embedded synthetic data set of activity coefficients."""

from pathlib import Path

DEMO = Path(__file__).parent
