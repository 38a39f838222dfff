"""Runs one LAMMPS input in a process of its own: ``python worker.py INPUT RANKS``.

Prints the peak memory (GB) of the largest of its processes; an error goes to standard error.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

from voxion.engines.lammps import run_lammps
from voxion.errors import VoxionError


def main() -> None:
    script, ranks = Path(sys.argv[1]), int(sys.argv[2])
    try:
        run_lammps(script, processes=ranks, log=script.with_suffix(".log").name)
    except VoxionError as error:
        sys.exit(str(error))
    # Linux counts kilobytes
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e9)


if __name__ == "__main__":
    main()
