"""``python -m voxion`` is ``voxion``."""

from voxion.cli.app import main

main()
