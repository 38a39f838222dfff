"""Opens a run: its topology and trajectory, which must belong together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import MDAnalysis
import numpy as np
from numpy.typing import NDArray

from voxion.errors import VoxionError
from voxion.trajectories.checks import (
    Atoms,
    Extent,
    check_data_units,
    check_magic,
    dcd_extent,
    dump_extent,
)

Edges = NDArray[np.float32]

EXPECTED = (
    "expected a LAMMPS data file with a .dcd, .xtc or text dump, a .gro or .tpr of GROMACS with "
    "its .xtc or .trr, or a .gro with a text dump of the same atoms"
)
GROMACS = (".gro", ".tpr", ".pdb")
BINARY = (".dcd", ".xtc", ".trr")
LARGEST_RATIO = 3.0  # of a box edge to that in the topology: an expansion, but not nm for angstrom


@dataclass(frozen=True)
class Trajectory:
    """Frames of a simulated run.

    Attributes
    ----------
    universe : MDAnalysis.Universe
    frames : int
        Number of whole frames.
    broken : str
        Where the trajectory breaks off, for a message; empty if it is whole.
    """

    universe: MDAnalysis.Universe
    frames: int
    broken: str


def open_trajectory(topology: Path, *trajectories: Path) -> Trajectory:
    """Open a run; a LAMMPS data file and a text dump may have any suffix.

    A trajectory that breaks off inside a frame, as that of a run that was killed, is used up to
    its last whole frame.

    Parameters
    ----------
    topology : Path
    *trajectories : Path
        One or more files of the same kind, in the order of time.

    Raises
    ------
    VoxionError
        A file is missing or of another kind; the two have different atoms, types or units, or
        boxes that no run joins; there is no whole frame; or another file than the last breaks off.
    """
    for path in (topology, *trajectories):
        if not path.is_file():
            problem = "is not a file" if path.exists() else "does not exist"
            raise VoxionError(f"{path} {problem}: {EXPECTED}.")
    suffix = trajectories[0].suffix.lower()
    for path in trajectories:
        if path.suffix.lower() != suffix:
            raise VoxionError(f"{path} and {trajectories[0]} are of different kinds: {EXPECTED}.")
    lammps = topology.suffix.lower() not in GROMACS
    if suffix in BINARY:
        for path in trajectories:
            check_magic(path)
    if lammps:
        check_data_units(topology)
    universe = _universe(topology, **({"topology_format": "DATA"} if lammps else {}))
    extents = []
    if suffix == ".dcd":
        extents = [dcd_extent(path) for path in trajectories]
    elif suffix not in BINARY:
        if not lammps and topology.suffix.lower() != ".gro":
            raise VoxionError(f"{trajectories[0]} is no trajectory of GROMACS: {EXPECTED}.")
        # the numbers in a .gro begin anew at 100,000
        ids = universe.atoms.ids if lammps else universe.atoms.indices + 1
        atoms = Atoms(ids.astype(np.int64), universe.atoms.types.astype(str))
        extents = [dump_extent(path, atoms) for path in trajectories]
    # LAMMPS writes DCD in its own units
    formats = {".dcd": "LAMMPS" if lammps else "DCD", ".xtc": "XTC", ".trr": "TRR"}
    edges = _edges(universe)
    _load(universe, trajectories, formats.get(suffix, "LAMMPSDUMP"))
    extents = extents or [_xdr_extent(universe, trajectories[-1])]
    # of .xtc and .trr, reading on past a break is an error of its own
    for path, extent in zip(trajectories[:-1], extents[:-1], strict=False):
        if extent.broken:
            raise VoxionError(
                f"{path} breaks off {extent.broken}, and {trajectories[-1]} comes after it: only "
                "the last file may; run the missing part again, or leave out what follows."
            )
    _check_boxes(universe, edges, topology, trajectories[0])
    return Trajectory(universe, sum(extent.frames for extent in extents), extents[-1].broken)


def _edges(universe: MDAnalysis.Universe) -> Edges | None:
    """Return the box edges that a topology states; .tpr has no coordinates for MDAnalysis."""
    if not hasattr(universe, "trajectory") or universe.dimensions is None:
        return None
    edges: Edges = universe.dimensions[:3].copy()
    return edges


def _universe(topology: Path, **formats: str) -> MDAnalysis.Universe:
    try:
        return MDAnalysis.Universe(str(topology), **formats)
    except Exception as error:  # its parsers raise whatever damaged text makes them stumble over
        raise _unreadable(f"{topology} cannot be read as a topology", error) from None


def _load(universe: MDAnalysis.Universe, trajectories: Sequence[Path], kind: str) -> None:
    # one file alone is no chain of files
    names = [str(path) for path in trajectories]
    try:
        # dt is not used, and not all formats know it
        universe.load_new(names if len(names) > 1 else names[0], format=kind, dt=1.0)
    except Exception as error:  # its parsers raise whatever damaged files make them stumble over
        raise _unreadable(
            f"{trajectories[0]} with {universe.filename} cannot be read as a run", error
        ) from None


def _unreadable(what: str, error: Exception) -> VoxionError:
    reason = " ".join(str(error).split())[:300] or type(error).__name__
    return VoxionError(f"{what}: {EXPECTED}. MDAnalysis says: {reason}")


def _xdr_extent(universe: MDAnalysis.Universe, trajectory: Path) -> Extent:
    """Find the whole frames of an .xtc or .trr: only the last one can be cut, and reading tells."""
    frames = universe.trajectory.n_frames
    try:
        universe.trajectory[frames - 1]
    except (OSError, EOFError, IndexError):
        if frames < 2:
            raise VoxionError(f"{trajectory} has no whole frame.") from None
        universe.trajectory[0]
        return Extent(frames - 1, f"inside frame {frames - 1}")
    universe.trajectory[0]
    return Extent(frames)


def _check_boxes(
    universe: MDAnalysis.Universe, edges: Edges | None, topology: Path, trajectory: Path
) -> None:
    now = universe.dimensions
    if edges is None or now is None or not (edges > 0).all() or not (now[:3] > 0).all():
        return
    ratio = now[:3] / edges
    if not (ratio.max() < LARGEST_RATIO and ratio.min() > 1 / LARGEST_RATIO):
        found, expected = (" x ".join(f"{x:.4g}" for x in box) for box in (now[:3], edges))
        raise VoxionError(
            f"The first box of {trajectory} is {found} angstrom, that of {topology} {expected}: "
            "they belong to different runs, or one of them is in other units."
        )
