"""Comparisons with a named peer on the same work, one command each."""
