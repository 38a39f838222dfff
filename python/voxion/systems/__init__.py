"""Builders of systems that the engines run as they are."""

SYSTEM_FILE = "system.json"  # description of a built system, in its folder
