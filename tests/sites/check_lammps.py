"""Runs the demonstration's electrode in the LAMMPS that voxion was built for; prints one line.

python tests/sites/check_lammps.py CHARGES.npy

compares the charges after 20 steps, on one rank and on two, with those of the file, which it writes
where there is none; and runs the demonstration, which samples and labels in this process.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from voxion.demo import copy_system, model_path, run_demo
from voxion.engines.build import built_for
from voxion.engines.lammps import lammps_command, lammps_environment, quoted, run_lammps
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


NUMERIC = """\
units real
atom_style full
atom_modify map array
boundary p p f
bond_style zero
angle_style zero
pair_style lj/cut/coul/long 10.0
kspace_style pppm 1.0e-4
kspace_modify slab 2.0
read_data numeric.data
bond_coeff *
angle_coeff *
pair_coeff * * 0.1 3.0
group surface molecule 1
group electrolyte subtract all surface
fix integrate electrolyte nve/limit 0.01
timestep 0.5
fix charges surface voxion/charge 1 {model} sources electrolyte total -4.0 range ignore
run 10
write_dump all custom forces.txt id fx fy fz q modify sort id format float %.12g
"""


def charges_on(folder: Path, processes: int) -> np.ndarray:
    """Return the charges of the surface after 20 steps of the program."""
    script = folder / "in.check"
    script.write_text(RUN.format(model=quoted(model_path())))
    run_lammps(script, processes=processes)
    return np.loadtxt(folder / "charges.txt", skiprows=9)[:, 1]


def with_kokkos(folder: Path) -> float:
    """Return the largest difference of forces that KOKKOS makes, over their root mean square."""
    # its atom styles know no type labels
    script = folder / "in.numeric"
    script.write_text(
        "include in.init\nread_data equilibrated.data\n"
        "write_data numeric.data nocoeff nolabelmap types numeric\n"
    )
    run_lammps(script)
    script = folder / "in.kokkos"
    script.write_text(NUMERIC.format(model=quoted(model_path())))
    forces = []
    for switches in ([], ["-k", "on", "-sf", "kk"]):
        command = lammps_command(script, folder / "log.kokkos", processes=2)
        subprocess.run(
            [*command, *switches],
            cwd=folder,
            env=os.environ | lammps_environment() | {"OMP_PROC_BIND": "false"},
            capture_output=True,
            check=True,
        )
        forces.append(np.loadtxt(folder / "forces.txt", skiprows=9)[:, 1:])
    return float(np.abs(forces[0] - forces[1]).max() / np.sqrt((forces[0] ** 2).mean()))


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
        script = folder / "in.packages"
        script.write_text("info out log config\n")
        kokkos = "KOKKOS" in run_lammps(script).read_text().split()
        told = f", forces with KOKKOS to {with_kokkos(folder):.1e}" if kokkos else ""
        demo = run_demo(Path(work) / "demo", frames=10, interval=0.02, settle=0.02)
    if difference > SAME:
        sys.exit(f"FAILED: {name}: charges differ by {difference:.1e} e")
    print(f"ok: {name}: charges on 1 and 2 ranks to {difference:.1e} e{told}; {demo.lines[1]}")


if __name__ == "__main__":
    try:
        main()
    except VoxionError as error:
        sys.exit(f"FAILED: {error}")
