"""``python -m voxion`` is ``voxion``."""

from voxion.cli import main

main()
