"""Saliency maps of atoms, the checks that they can be trusted, and a page that shows both."""
