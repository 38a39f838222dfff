"""Figures of simulated membranes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from voxion.campaigns.membranes.results import Density
from voxion.figures import COLOURS, REFERENCE, colours_of, styled

if TYPE_CHECKING:
    import MDAnalysis

SLICE = 0.5  # share of the box's depth that the picture shows
LONGEST_BOND = 1.95  # angstrom, C-S; hydrogen is left out
_SIZES = {"polymer": 60.0, "ion": 110.0, "water": 22.0}
_ELEMENTS = {"C": REFERENCE, "O": COLOURS[1], "S": COLOURS[4], "N": COLOURS[0], "F": COLOURS[2]}


@styled
def plot_densities(densities: Sequence[Density]) -> Figure:
    """Draw density and radius of gyration of each seed over the equilibration."""
    figure = Figure((8.6, 2.9), layout="constrained")
    left, right = figure.subplots(1, 2)
    for seed, (one, colour) in enumerate(zip(densities, colours_of(densities), strict=True), 1):
        left.plot(one.time, one.density, color=colour, lw=1.1, label=f"seed {seed}")
        right.plot(one.time, one.gyration, color=colour, lw=1.1)
    left.set(xlabel="time, ps", ylabel="density, g/cm³", title="Density")
    right.set(xlabel="time, ps", ylabel="radius of gyration, Å", title="Chains")
    left.legend()
    return figure


@styled
def plot_box(universe: MDAnalysis.Universe) -> Figure:
    """Draw a slice of the box without hydrogen: polymer by element, ions large, water small."""
    from MDAnalysis.lib.distances import self_capped_distance

    figure = Figure((5.2, 5.2), layout="constrained")
    axes = figure.subplots()
    edge = float(universe.dimensions[0])
    positions = np.mod(universe.atoms.positions, edge)
    elements = universe.atoms.names.astype("U1")
    residues = universe.atoms.resnames.astype(str)
    shown = (elements != "H") | (universe.atoms.names == universe.atoms.resnames)
    shown &= positions[:, 2] > (1 - SLICE) * edge
    positions, elements, residues = positions[shown], elements[shown], residues[shown]
    kinds = np.where(residues == "WAT", "water", "ion").astype("U7")
    kinds[np.char.startswith(residues, "R") & (np.char.str_len(residues) == 3)] = "polymer"
    depth = (positions[:, 2] / edge - 1 + SLICE) / SLICE
    polymer = np.flatnonzero(kinds == "polymer")
    near = self_capped_distance(positions[polymer], LONGEST_BOND, return_distances=False)
    pairs = polymer[near]
    axes.add_collection(
        LineCollection(positions[pairs, :2].tolist(), colors="#7a808a", linewidths=2.2, zorder=1)
    )
    for kind in ("water", "polymer", "ion"):
        members = np.flatnonzero(kinds == kind)
        members = members[np.argsort(depth[members])]
        fixed = {"water": COLOURS[5], "ion": COLOURS[3]}.get(kind)
        colours = [
            to_rgba(fixed or _ELEMENTS.get(elements[i], REFERENCE), 0.3 + 0.7 * depth[i])
            for i in members
        ]
        axes.scatter(
            positions[members, 0], positions[members, 1], s=_SIZES[kind], c=colours, lw=0, zorder=2
        )
    axes.set(xlim=(0, edge), ylim=(0, edge), aspect="equal", xlabel="x, Å", ylabel="y, Å")
    axes.grid(visible=False)
    return figure
