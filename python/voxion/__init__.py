"""Voxion: trained models inside the molecular-dynamics engine, charges in, voxels out."""

from importlib.metadata import version

__version__ = version("voxion")
