"""Checks of trajectory files before MDAnalysis reads them.

MDAnalysis takes positions from a file and believes that they are those of the topology's atoms. A
text dump says which atoms it holds, of which types, at which step; the headers of the binary
formats say how many atoms and, by the file's size, whether the last frame is whole.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from voxion.errors import VoxionError

ANGSTROM_UNITS = ("real", "metal")
# big-endian numbers at the beginning of each frame; 2023: xtc with more than 3e8 atoms
MAGIC = {".xtc": (1995, 2023), ".trr": (1993,)}
COORDINATES = (("x", "y", "z"), ("xs", "ys", "zs"), ("xu", "yu", "zu"), ("xsu", "ysu", "zsu"))


@dataclass(frozen=True)
class Atoms:
    """Atoms of a topology in its order: IDs as in LAMMPS, and types."""

    ids: NDArray[np.int64]
    types: NDArray[np.str_]


@dataclass(frozen=True)
class Extent:
    """Number of whole frames of a trajectory, and where it breaks off; empty if it does not."""

    frames: int
    broken: str = ""


def check_data_units(topology: Path) -> None:
    """Check the units that LAMMPS notes in the first line of the data files that it writes.

    Raises
    ------
    VoxionError
        Lengths are not in angstrom.
    """
    with topology.open(errors="replace") as stream:
        found = re.search(r"units = (\w+)", stream.readline(10_000))
    if found and found.group(1) not in ANGSTROM_UNITS:
        raise VoxionError(
            f"{topology} was written with LAMMPS units {found.group(1)}, in which lengths are not "
            f"in angstrom: expected units {' or '.join(ANGSTROM_UNITS)}; convert the run."
        )


def check_magic(trajectory: Path) -> None:
    """Check that a binary trajectory begins as its suffix says.

    Raises
    ------
    VoxionError
        It does not, or it is empty.
    """
    suffix = trajectory.suffix.lower()
    head = _head(trajectory, 8)
    if suffix == ".dcd":
        right = head[4:] == b"CORD"
    else:
        right = len(head) == 8 and struct.unpack(">i", head[:4])[0] in MAGIC[suffix]
    if not right:
        what = "is empty" if not head else f"is no {suffix} file: it does not begin like one"
        raise VoxionError(f"{trajectory} {what}; give the trajectory that the run wrote.")


def _head(path: Path, size: int) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(size)
    except OSError as error:
        raise VoxionError(f"{path} cannot be read: {error.strerror}.") from None


def dcd_extent(trajectory: Path) -> Extent:
    """Find how many whole frames a .dcd file has, from its size.

    Raises
    ------
    VoxionError
        Its header is damaged, or it has no whole frame.
    """
    with trajectory.open("rb") as stream:
        records = [_record(stream.read, trajectory) for _ in range(3)]
        header = stream.tell()
    control = struct.unpack("<20i", records[0][4:84])
    (atoms,) = struct.unpack("<i", records[2][:4])
    if atoms < 1 or control[8]:
        raise VoxionError(
            f"{trajectory} has {atoms} atoms, {control[8]} of them fixed: expected a .dcd with the "
            "positions of all atoms in every frame."
        )
    cell = 8 + 48 if control[10] else 0
    frame = cell + (4 if control[11] else 3) * (8 + 4 * atoms)
    frames, rest = divmod(trajectory.stat().st_size - header, frame)
    broken = f"inside frame {frames}" if rest else ""
    return _not_empty(trajectory, Extent(frames, broken))


def _record(read, trajectory: Path) -> bytes:  # type: ignore[no-untyped-def]
    """Read one Fortran record: its length, its bytes, and its length again."""
    length = struct.unpack("<i", read(4).ljust(4, b"\0"))[0]
    content: bytes = read(length) if 0 < length < 100_000 else b""
    if not content or len(content) < length or read(4) != struct.pack("<i", length):
        raise VoxionError(
            f"{trajectory} has a damaged header: expected a little-endian .dcd of LAMMPS."
        )
    return content.ljust(84, b"\0")


def _not_empty(trajectory: Path, extent: Extent) -> Extent:
    if extent.frames < 1:
        raise VoxionError(f"{trajectory} has no whole frame: it breaks off {extent.broken}.")
    return extent


# --- text dumps -------------------------------------------------------------------------------


def dump_extent(trajectory: Path, atoms: Atoms) -> Extent:
    """Go through a text dump of LAMMPS: whole frames, and that its atoms are the topology's.

    Parameters
    ----------
    trajectory : Path
    atoms : Atoms
        Atoms of the topology.

    Raises
    ------
    VoxionError
        A frame has no column of IDs, other atoms, types or units than the topology, no positions,
        or a step that is not later than the one before; or there is no whole frame.
    """
    order = np.argsort(atoms.ids)
    expected = Atoms(atoms.ids[order], atoms.types[order])
    frames, last = 0, None
    with trajectory.open(errors="replace") as stream:
        for header, rows in _frames(stream, trajectory):
            where = f"{trajectory}, step {header.step}"
            if rows is None:
                break
            if not isinstance(header.step, int):
                raise VoxionError(f"{where}: the step is no whole number; the dump is damaged.")
            if last is not None and header.step <= last:
                raise VoxionError(
                    f"{where} comes after step {last}: a run that was continued wrote some steps "
                    "again; leave out the frames that were written twice."
                )
            _check_frame(where, header, rows, expected)
            last = header.step
            frames += 1
        else:
            return _not_empty(trajectory, Extent(frames))
    return _not_empty(trajectory, Extent(frames, f"inside the frame of step {header.step}"))


@dataclass
class _Header:
    step: str | int = "unknown"
    atoms: int = 0
    columns: tuple[str, ...] = ()


def _frames(stream: TextIO, trajectory: Path) -> Iterator[tuple[_Header, list[str] | None]]:
    """Yield the header and the lines of each frame; None for the lines of one that breaks off."""
    header = _Header()
    for line in stream:
        item = line.strip()
        if item in ("ITEM: UNITS", "ITEM: TIME"):
            raise VoxionError(
                f"{trajectory} has lines {item!r}, which MDAnalysis does not read: dump without "
                "'dump_modify units yes' and 'time yes'."
            )
        if item == "ITEM: TIMESTEP":
            header = _Header()
            text = stream.readline()
            header.step = _whole(text) if text.endswith("\n") else "unknown"
        elif item == "ITEM: NUMBER OF ATOMS":
            header.atoms = _number_of_atoms(stream.readline(), trajectory, header)
        elif item.startswith("ITEM: ATOMS"):
            header.columns = tuple(item.split()[2:])
            rows = list(islice(stream, header.atoms))
            whole = len(rows) == header.atoms and rows[-1].endswith("\n")
            yield header, rows if whole else None
            if not whole:
                return
            header = _Header()
    if header != _Header():
        yield header, None


def _whole(text: str) -> int | str:
    return int(text) if re.fullmatch(r"\s*\d{1,18}\s*", text) else f"{text.strip()[:20]!r}"


def _number_of_atoms(text: str, trajectory: Path, header: _Header) -> int:
    number = _whole(text)
    if not isinstance(number, int) or number < 1:
        if not text.endswith("\n"):
            return 1  # the file ends here
        raise VoxionError(
            f"{trajectory}, step {header.step}: {number} is no number of atoms; the dump is "
            "damaged."
        )
    return number


def _check_frame(where: str, header: _Header, rows: list[str], expected: Atoms) -> None:
    columns = header.columns
    if "id" not in columns:
        raise VoxionError(
            f"{where}: the dump has no column 'id' (it has {' '.join(columns)[:200]}), and LAMMPS "
            "writes atoms in another order in each frame: dump again with 'id type x y z'."
        )
    if not any(set(names) <= set(columns) for names in COORDINATES):
        raise VoxionError(
            f"{where}: the dump has no positions x y z, scaled or unwrapped: it has "
            f"{' '.join(columns)[:200]}."
        )
    if header.atoms != len(expected.ids):
        raise VoxionError(
            f"{where}: the dump has {header.atoms} atoms, the data file {len(expected.ids)}: dump "
            "all atoms, or give the data file of this run."
        )
    _check_atoms(where, columns, rows, expected)


def _check_atoms(where: str, columns: tuple[str, ...], rows: list[str], expected: Atoms) -> None:
    wanted = [columns.index(name) for name in ("id", "type") if name in columns]
    words = [row.split() for row in rows]
    short = next((n for n, row in enumerate(words) if len(row) != len(columns)), None)
    if short is not None:
        raise VoxionError(
            f"{where}: row {short + 1} of its atoms has {len(words[short])} values for "
            f"{len(columns)} columns; the dump is damaged."
        )
    table = np.array([[row[column] for column in wanted] for row in words])
    try:
        ids = table[:, 0].astype(np.int64)
    except ValueError:
        raise VoxionError(
            f"{where}: an atom's ID is no whole number; the dump is damaged."
        ) from None
    order = np.argsort(ids, kind="stable")
    differing = np.flatnonzero(ids[order] != expected.ids)
    if len(differing):
        raise VoxionError(
            f"{where}: the IDs of its atoms are not those of the data file (the first that "
            f"differs is {ids[order][differing[0]]}, expected {expected.ids[differing[0]]}): they "
            "belong to different runs, or the dump is damaged."
        )
    if len(wanted) < 2:
        return
    types = table[order, 1]
    differing = np.flatnonzero(types != expected.types)
    if len(differing):
        first = differing[0]
        raise VoxionError(
            f"{where}: {len(differing)} atoms have another type than in the data file, the first "
            f"is ID {expected.ids[first]} with type {types[first]}, there "
            f"{expected.types[first]}: dump and data file belong to different runs."
        )
