"""OpenDX grids, for VMD, PyMOL and Chimera.

The values belong to points: a voxel becomes its centre. GridDataFormats reads them, but it writes
six decimals, too few for densities.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from voxion.voxels.stores.exporters.frame import ExportedFrame

_HEADER = """\
# {title}
object 1 class gridpositions counts {counts}
origin {origin}
delta {a}
delta {b}
delta {c}
object 2 class gridconnections counts {counts}
object 3 class array type float rank 0 items {items} data follows
"""
_FOOTER = """\
attribute "dep" string "positions"
object "{name}" class field
component "positions" value 1
component "connections" value 2
component "data" value 3
"""


def write_opendx(frame: ExportedFrame, path: Path) -> None:
    """Write the one channel of `frame`."""
    (values,) = frame.values
    a, b, c = (_numbers(vector) for vector in frame.vectors)
    flat = values.ravel()  # z runs fastest
    whole = flat.size // 3 * 3
    with path.open("w", encoding="ascii", errors="replace") as file:
        file.write(
            _HEADER.format(
                title=frame.comment()[:78],  # VMD takes no longer lines
                counts=" ".join(str(n) for n in values.shape),
                origin=_numbers(frame.first_centre),
                a=a,
                b=b,
                c=c,
                items=flat.size,
            )
        )
        np.savetxt(file, flat[:whole].reshape(-1, 3), fmt="%.8e")  # VMD wants three a line
        if whole < flat.size:
            np.savetxt(file, flat[None, whole:], fmt="%.8e")
        file.write(_FOOTER.format(name=frame.channels[0]))


def _numbers(vector: np.ndarray) -> str:
    return " ".join(f"{v:.9g}" for v in vector)
