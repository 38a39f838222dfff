"""Writing of GROMACS coordinate and index files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from voxion.files import replacing


def write_gro(
    path: Path,
    title: str,
    positions: NDArray[np.float64],
    atoms: Sequence[tuple[int, str, str]],
    box: Sequence[float],
) -> None:
    """Write a coordinate file with 7 decimals; the file appears whole or not at all.

    GROMACS takes the number of decimals from the distance of the decimal points. (MDAnalysis
    writes 3, which would bend a sheet.)

    Parameters
    ----------
    path : Path
    title : str
    positions : ndarray [N, 3]
        nm.
    atoms : sequence [N] of (residue number, residue name, atom name)
    box : (float, float, float)
        Edges, nm.
    """
    lines = [title, str(len(atoms))]
    rows = zip(atoms, positions.tolist(), strict=True)
    for i, ((number, residue, name), (x, y, z)) in enumerate(rows, 1):
        # the format has 5 digits for the running numbers, which begin anew at 100,000
        lines.append(
            f"{number % 100000:5d}{residue:<5}{name:>5}{i % 100000:5d}{x:12.7f}{y:12.7f}{z:12.7f}"
        )
    lines.append("".join(f"{edge:12.7f}" for edge in box))
    with replacing(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n")


def write_index(path: Path, groups: Mapping[str, NDArray[np.bool_]]) -> None:
    """Write an index file.

    Parameters
    ----------
    path : Path
        With the suffix ``.ndx``.
    groups : mapping of name to ndarray [N], bool
        Which atoms are in the group, in the order of their numbers.
    """
    import MDAnalysis  # slow to load
    from MDAnalysis.selections.gromacs import SelectionWriter

    number = len(next(iter(groups.values())))
    atoms = MDAnalysis.Universe.empty(number).atoms
    with SelectionWriter(str(path)) as writer:
        for name, members in groups.items():
            writer.write(atoms[members], name=name)
