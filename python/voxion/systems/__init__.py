"""Builders of systems that the engines run as they are."""
