"""The inputs of `voxion mdrun`: jobs file, kernel's state, topology, and what gmx prints."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from tests.engines.test_gromacs_topology import FORMS
from voxion.engines.gromacs import Options, find_gromacs, read_parameters, read_step
from voxion.engines.gromacs_topology import set_charges
from voxion.engines.mdrun import _check_run, _takes_nstlist, read_jobs
from voxion.engines.mdrun_continuation import read_charges, with_parameters
from voxion.files import read_text

from .folders import copy_of, damage_file, make_file
from .harness import Target

SHEET, STEP = 16, 20
JOBS = "index index.ndx\ncharge SHT 20 model.pt sources water # every other search\n"
MDP = "integrator = md\nnsteps = 100\nld-seed = -1 ; another\n"
# A program that prints what lies beside it.
PROGRAM = f"""#!{sys.executable}
import sys
from pathlib import Path
name = "version" if "--version" in sys.argv else "tpr" if "-s" in sys.argv else "cpt"
sys.stdout.buffer.write((Path(sys.argv[0]).parent / name).read_bytes())
"""
PRINTED = {
    "version": "GROMACS version:    2025.2\nMPI library:        thread_mpi\n",
    "tpr": "md.tpr:\ninputrec:\n   integrator                     = md\n"
    "   nstlist                        = 10\n   pbc                            = xyz\n"
    "   verlet-buffer-tolerance        = 0.005\n   ld-seed = 1\n   nsteps = 100\nheader:\n",
    "cpt": f"number of atoms = 5\nstep = {STEP}\nt = 0.04\n",
}


def prepare(folder: Path) -> None:
    """Write the files."""
    surface = {"group": "SHT", "atoms": list(range(1, SHEET + 1)), "charges": [-0.0625] * SHEET}
    records = [{"step": step, "charges": [surface], "voxels": []} for step in (STEP, 10)]
    content = {"format": "voxion-mdrun-state", "version": 1, "checkpoints": records}
    (folder / "jobs.dat.state").write_text(json.dumps(content))
    (folder / "jobs.dat").write_text(JOBS)
    (folder / "topol.top").write_text(FORMS)
    (folder / "run.mdp").write_text(MDP)
    for name, text in PRINTED.items():
        (folder / name).write_text(text)


def damage(good: Path, folder: Path, rng: np.random.Generator) -> Path:
    """Damage one file."""
    names = sorted(path.name for path in good.iterdir())
    chosen = names[rng.integers(len(names))]
    for name in names:
        copy_of(good / name, folder)
    damage_file(folder / chosen, rng)
    if chosen in PRINTED and not (folder / chosen).is_file():  # the program prints nothing
        make_file(folder / chosen, b"")
    (folder / "gmx").write_text(PROGRAM)
    (folder / "gmx").chmod(0o755)
    return folder


def read(path: Path) -> None:
    """Read all of them as a continuation does."""
    gromacs = find_gromacs(str(path / "gmx"))
    jobs = read_jobs(path / "jobs.dat")
    parameters = read_parameters(gromacs, path / "md.tpr")
    _check_run(parameters, jobs, Options([]))
    _takes_nstlist(parameters)
    step = read_step(gromacs, path / "md.cpt")
    charges = read_charges(jobs.state, step, path / "md.cpt")
    assert all(atom > 0 and np.isfinite(charge) for atom, charge in charges.items())
    with_parameters(read_text(path / "run.mdp", "write it again"), {"nsteps": parameters["nsteps"]})
    text = set_charges(
        read_text(path / "topol.top", "write it again"), {3: 0.1, 4: -1 / 3, 5: 1e-7}
    )
    assert "0.1" in text


TARGETS = (Target("gromacs-files", prepare, damage, read),)
