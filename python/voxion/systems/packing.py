"""Packing of molecules with packmol, between two heights or in a periodic cube."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, radians, sin
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from voxion.errors import VoxionError
from voxion.systems.forcefields import SPCE_ANGLE, SPCE_BOND_LENGTH

# Closest approach of atoms of different molecules (angstrom), packmol's usual value at the density
# of a liquid.
TOLERANCE = 2.0
# packmol's rounds of improvement before it gives up; a liquid needs some ten of them.
ROUNDS = 60


def water_molecule() -> NDArray[np.float64]:
    """Positions of O, H, H of one rigid SPC/E molecule, [3, 3], angstrom."""
    half = radians(SPCE_ANGLE / 2)
    x, y = SPCE_BOND_LENGTH * sin(half), SPCE_BOND_LENGTH * cos(half)
    return np.array([[0.0, 0.0, 0.0], [x, y, 0.0], [-x, y, 0.0]])


def pack(
    waters: int,
    ions: dict[str, int],
    edges: tuple[float, float],
    heights: tuple[float, float],
    seed: int,
) -> NDArray[np.float64]:
    """Pack SPC/E water and single-atom ions into a laterally periodic slab.

    Parameters
    ----------
    waters : int
        Number of water molecules.
    ions : dict of name to number
    edges : (float, float)
        Lateral periodic edges, angstrom.
    heights : (float, float)
        All atoms lie between these z, angstrom.
    seed : int
        The same seed gives the same packing.

    Returns
    -------
    ndarray [3 waters + ions, 3]
        Angstrom; O, H, H of each water, then the ions in the order given.

    Raises
    ------
    VoxionError
        packmol is not installed, or found no packing.
    """
    species = [Molecules("water", ["O", "H", "H"], water_molecule(), waters)]
    species += [Molecules(name, [name], np.zeros((1, 3)), number) for name, number in ions.items()]
    low, high = heights
    # packmol's periodic box is periodic in z as well: leave the tolerance free there
    period = (0.0, 0.0, low, *edges, high + 2 * TOLERANCE)
    packed = _pack(species, (0.0, 0.0, low, *edges, high), period, seed)
    if isinstance(packed, str):
        raise VoxionError(
            f"packmol could not pack {waters} water and {sum(ions.values())} ions into "
            f"{edges[0]:.1f} x {edges[1]:.1f} x {high - low:.1f} A{packed}; use fewer molecules "
            "or a thicker slab, or another seed."
        )
    return packed


@dataclass(frozen=True)
class Molecules:
    """Molecules of one kind.

    Attributes
    ----------
    name : str
        Different for each kind.
    symbols : sequence of str
        Elements of the atoms.
    positions : ndarray [atoms, 3]
        Of one molecule, angstrom.
    number : int
    """

    name: str
    symbols: Sequence[str]
    positions: NDArray[np.float64]
    number: int


def pack_cube(species: Sequence[Molecules], edge: float, seed: int) -> NDArray[np.float64]:
    """Pack molecules into a periodic cube from 0 to `edge`.

    Parameters
    ----------
    species : sequence of Molecules
    edge : float
        Angstrom.
    seed : int
        The same seed gives the same packing.

    Returns
    -------
    ndarray [atoms, 3]
        Angstrom; molecule by molecule, in the order given.

    Raises
    ------
    VoxionError
        packmol is not installed, or found no packing.
    """
    box = (0.0, 0.0, 0.0, edge, edge, edge)
    packed = _pack(species, box, box, seed)
    if isinstance(packed, str):
        raise VoxionError(
            f"packmol could not pack {sum(kind.number for kind in species)} molecules into a cube "
            f"of {edge:.1f} A{packed}; use shorter chains, or another seed."
        )
    return packed


def _pack(
    species: Sequence[Molecules], box: Sequence[float], period: Sequence[float], seed: int
) -> NDArray[np.float64] | str:
    """Return the positions, or what packmol says of its failure."""
    present = [kind for kind in species if kind.number > 0]
    if not present:
        return np.zeros((0, 3))
    with tempfile.TemporaryDirectory(prefix="voxion-packmol-") as folder:
        for kind in present:
            _write_xyz(Path(folder) / f"{kind.name}.xyz", kind.symbols, kind.positions)
        output = _run_packmol(_packmol_input(present, box, period, seed), Path(folder))
        packed = Path(folder) / "packed.xyz"
        if not packed.is_file() or "Success" not in output:
            reason = [line.strip() for line in output.splitlines() if "ERROR" in line]
            return f": {reason[0]}" if reason else ""
        return np.loadtxt(packed, skiprows=2, usecols=(1, 2, 3), ndmin=2)


def _packmol_input(
    species: Sequence[Molecules], box: Sequence[float], period: Sequence[float], seed: int
) -> str:
    lines = [
        f"tolerance {TOLERANCE}",
        f"seed {seed}",
        f"nloop {ROUNDS}",
        "filetype xyz",
        "output packed.xyz",
        f"pbc {_text(period)}",
    ]
    for kind in species:
        lines += [
            f"structure {kind.name}.xyz",
            f"  number {kind.number}",
            f"  inside box {_text(box)}",
            "end structure",
        ]
    return "\n".join(lines) + "\n"


def _text(numbers: Sequence[float]) -> str:
    return " ".join(f"{number:.6f}" for number in numbers)


def _run_packmol(text: str, folder: Path) -> str:
    beside = Path(sys.executable).with_name("packmol")
    command = str(beside) if beside.is_file() else shutil.which("packmol")
    if command is None:
        raise VoxionError("packmol was not found: install it with 'pip install packmol'.")
    script = folder / "packmol.inp"
    script.write_text(text)
    with script.open() as stream:  # packmol rewinds its input: a pipe will not do
        result = subprocess.run(
            [command], stdin=stream, cwd=folder, capture_output=True, text=True, check=False
        )
    return result.stdout + result.stderr


def _write_xyz(path: Path, symbols: Sequence[str], positions: NDArray[np.float64]) -> None:
    rows = [f"{s} {x:.6f} {y:.6f} {z:.6f}" for s, (x, y, z) in zip(symbols, positions, strict=True)]
    path.write_text("\n".join([str(len(symbols)), path.stem, *rows]) + "\n")
