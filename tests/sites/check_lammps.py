"""Runs the demonstration's electrode in the LAMMPS that voxion was built for; prints one line.

python tests/sites/check_lammps.py CHARGES.npy

compares the charges after 20 steps, on one rank and on two, with those of the file, which it writes
where there is none; and runs the demonstration, which samples and labels in this process.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np

from voxion.demo import copy_system, model_path, run_demo
from voxion.engines.build import built_for
from voxion.engines.lammps import quoted, run_lammps
from voxion.errors import VoxionError

SAME = 1e-7  # e; between builds of LAMMPS sums differ in their order

RUN = """\
include in.init
read_data equilibrated.data
include in.settings
include in.dynamics
fix charges surface voxion/charge 10 {model} sources electrolyte total -4.0 range ignore
run 20
write_dump surface custom charges.txt id q modify sort id format line "%d %.15g"
"""


def charges_on(folder: Path, processes: int) -> np.ndarray:
    """Return the charges of the surface after 20 steps of the program."""
    script = folder / "in.check"
    script.write_text(RUN.format(model=quoted(model_path())))
    run_lammps(script, processes=processes)
    return np.loadtxt(folder / "charges.txt", skiprows=9)[:, 1]


def main() -> None:
    """Check, and print."""
    reference = Path(sys.argv[1])
    lammps = built_for().lammps
    name = f"LAMMPS {lammps.version}, {lammps.integers}, {lammps.mpi}"
    if not lammps.plugins:
        name += ", without PLUGIN"
    with tempfile.TemporaryDirectory() as work:
        folder = copy_system(Path(work) / "system")
        found = [charges_on(folder, ranks) for ranks in (1, 2)]
        if not reference.exists():
            np.save(reference, found[0])
        expected = np.load(reference)
        difference = max(np.abs(one - expected).max() for one in found)
        demo = run_demo(Path(work) / "demo", frames=10, interval=0.02, settle=0.02)
    if difference > SAME:
        sys.exit(f"FAILED: {name}: charges differ by {difference:.1e} e")
    print(f"ok: {name}: charges on 1 and 2 ranks to {difference:.1e} e; {demo.lines[1]}")


if __name__ == "__main__":
    try:
        main()
    except VoxionError as error:
        sys.exit(f"FAILED: {error}")
