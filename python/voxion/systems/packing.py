"""Packing of water and ions between two heights with packmol."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
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
    species = [("water", ["O", "H", "H"], water_molecule(), waters)]
    species += [(name, [name], np.zeros((1, 3)), number) for name, number in ions.items()]
    species = [entry for entry in species if entry[3] > 0]
    if not species:
        return np.zeros((0, 3))
    with tempfile.TemporaryDirectory(prefix="voxion-packmol-") as folder:
        for name, symbols, positions, _ in species:
            _write_xyz(Path(folder) / f"{name}.xyz", symbols, positions)
        text = _packmol_input([(s[0], s[3]) for s in species], edges, heights, seed)
        output = _run_packmol(text, Path(folder))
        packed = Path(folder) / "packed.xyz"
        if not packed.is_file() or "Success" not in output:
            reason = [line.strip() for line in output.splitlines() if "ERROR" in line]
            raise VoxionError(
                f"packmol could not pack {waters} water and {sum(ions.values())} ions into "
                f"{edges[0]:.1f} x {edges[1]:.1f} x {heights[1] - heights[0]:.1f} A"
                f"{': ' + reason[0] if reason else ''}; use fewer molecules or a thicker slab, "
                "or another seed."
            )
        return np.loadtxt(packed, skiprows=2, usecols=(1, 2, 3), ndmin=2)


def _packmol_input(
    species: list[tuple[str, int]],
    edges: tuple[float, float],
    heights: tuple[float, float],
    seed: int,
) -> str:
    (lx, ly), (low, high) = edges, heights
    # packmol's periodic box is periodic in z as well: leave the tolerance free there
    top = high + 2 * TOLERANCE
    lines = [
        f"tolerance {TOLERANCE}",
        f"seed {seed}",
        f"nloop {ROUNDS}",
        "filetype xyz",
        "output packed.xyz",
        f"pbc 0.0 0.0 {low:.4f} {lx:.6f} {ly:.6f} {top:.4f}",
    ]
    for name, number in species:
        lines += [
            f"structure {name}.xyz",
            f"  number {number}",
            f"  inside box 0.0 0.0 {low:.4f} {lx:.6f} {ly:.6f} {high:.4f}",
            "end structure",
        ]
    return "\n".join(lines) + "\n"


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


def _write_xyz(path: Path, symbols: list[str], positions: NDArray[np.float64]) -> None:
    rows = [f"{s} {x:.6f} {y:.6f} {z:.6f}" for s, (x, y, z) in zip(symbols, positions, strict=True)]
    path.write_text("\n".join([str(len(symbols)), path.stem, *rows]) + "\n")
