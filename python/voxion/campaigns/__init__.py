"""Workflows of many runs, by Snakemake."""
