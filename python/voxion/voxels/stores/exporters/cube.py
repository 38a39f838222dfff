"""Gaussian cube files, for VMD, PyMOL, OVITO and Avogadro.

The format (https://gaussian.com/cubegen) has lengths in bohr and values that belong to points: a
voxel becomes its centre.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from voxion.voxels.stores.exporters.frame import BOHR, ExportedFrame


def write_cube(frame: ExportedFrame, path: Path) -> None:
    """Write the one channel of `frame`.

    A unit of length that is no multiple of angstrom (lj) is written as if it were angstrom, so
    that the grid lies over the run's trajectory in a viewer.
    """
    (values,) = frame.values
    lines = [f"voxion voxels: {frame.channels[0]}", frame.comment()]
    lines.append(_line(0, frame.first_centre / BOHR))  # no atoms
    lines += [_line(n, v / BOHR) for n, v in zip(values.shape, frame.vectors, strict=True)]
    with path.open("w", encoding="ascii", errors="replace") as file:
        file.write("\n".join(lines) + "\n")
        # z runs fastest; each row of z begins a line
        for row in values.reshape(-1, values.shape[2]):
            cells = [f"{v:13.5E}" for v in row.tolist()]
            file.writelines("".join(cells[i : i + 6]) + "\n" for i in range(0, len(cells), 6))


def _line(count: int, vector: np.ndarray) -> str:
    return f"{count:5d}" + "".join(f"{v:12.6f}" for v in vector)
