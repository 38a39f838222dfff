"""Harness of the tests of fix voxion/voxels: small fluids, and grids made by numpy."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch
import zarr

from voxion.engines.lammps import cell_of, gather

BIN = Path(sys.executable).parent

# A charged Lennard-Jones fluid of two species; {box} is a region of LAMMPS.
FLUID = """\
units lj
atom_style charge
atom_modify map yes
boundary {boundary}
lattice fcc 0.7
region box {box}
create_box 2 box
create_atoms 1 box
set type 1 type/ratio 2 0.4 77
mass 1 1.0
mass 2 3.0
set type 1 charge 0.5
set type 2 charge -0.75
group two type 2
velocity all create 1.5 4711
pair_style lj/cut 2.5
pair_coeff * * 1 1
timestep 0.004
"""
# Particles that do not see each other: a trajectory that does not depend on the order of sums.
GAS = FLUID.replace(
    "pair_style lj/cut 2.5\npair_coeff * * 1 1", "pair_style zero 1.0\npair_coeff * *"
)
CUBE = "block 0 4 0 4 0 4"
TRICLINIC = "prism 0 4 0 5 0 4 1 -0.5 0.8"


def fluid(box: str = CUBE, boundary: str = "p p p", template: str = FLUID) -> list[str]:
    return template.format(box=box, boundary=boundary).splitlines()


def run_commands(engine, *commands: str) -> None:
    for command in commands:
        engine.command(command)


def atoms(engine) -> dict[str, np.ndarray]:
    kinds = gather(engine, "type")
    return {
        "x": gather(engine, "x"),
        "type": kinds,
        "mass": np.array([0.0, 1.0, 3.0])[kinds],
        "charge": gather(engine, "q"),
        "number": np.ones(len(kinds)),
    }


def histogram(
    engine, values: np.ndarray, shape: tuple[int, int, int], periodic=(True, True, True)
) -> np.ndarray:
    """Density of values [atoms] on a grid [nz, ny, nx] of the present box."""
    cell, origin = cell_of(engine)
    fractional = (gather(engine, "x") - origin) @ np.linalg.inv(cell)
    counts = np.array(shape)[::-1]  # along x, y, z
    index = np.floor(fractional * counts).astype(int)
    index = np.where(periodic, index % counts, np.clip(index, 0, counts - 1))
    grid = np.zeros(shape)
    np.add.at(grid, tuple(index.T[::-1]), values)
    return grid / (np.linalg.det(cell) / counts.prod())


def grids(path: Path) -> np.ndarray:
    """All frames of a store, [frame, channel, z, y, x], read by plain zarr."""
    return np.asarray(zarr.open_group(path, mode="r")["grid"][:])


def array(path: Path, name: str) -> np.ndarray:
    return np.asarray(zarr.open_group(path, mode="r")[name][:])


def lammps_program(
    script: Path, ranks: int = 1, check: bool = True, **options
) -> subprocess.CompletedProcess:
    """Run an input script in its folder as a user does."""
    command = [str(BIN / "lmp"), "-in", script.name, "-log", f"{script.name}.log"]
    if ranks > 1:
        command = [str(BIN / "mpirun"), "-n", str(ranks), *command]
    run = subprocess.run(
        command,
        cwd=script.parent,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        **options,
    )
    if check:
        assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-2000:]
    return run


class Slab(torch.nn.Module):
    """Logits that grow with the density in the lower and in the upper half of the box."""

    def forward(self, grid: torch.Tensor) -> torch.Tensor:
        profile = grid[:, 0].mean(3).mean(2)
        half = profile.shape[1] // 2
        return 10.0 * torch.stack([profile[:, :half].mean(1), profile[:, half:].mean(1)], 1)


def save_classifier(path: Path, module: torch.nn.Module | None = None, **changes) -> Path:
    contract = {
        "contract_version": 1,
        "kind": "voxel-classifier",
        "length_unit": "angstrom",
        "charge_unit": "e",
        "torch_version": "2.13.0",
        "voxion_version": "0.1.0",
        "data_hash": "sha256:" + "0" * 64,
        "channels": ["mass"],
        "channel_units": ["m/sigma^3"],
        "grid": [8, 4, 4],
        "normalisation": "min-max",
        "labels": ["lower", "upper"],
        "input_ranges": {"min": [0.0], "max": [5.0]},
        **changes,
    }
    torch.jit.script(module or Slab()).save(
        str(path), _extra_files={"voxion.json": json.dumps(contract)}
    )
    return path
