"""Groups of atoms of a run, selected in MDAnalysis' language."""

from __future__ import annotations

import MDAnalysis
from MDAnalysis.exceptions import NoDataError, SelectionError

from voxion.errors import VoxionError

LIGHTEST = 2.5  # u: hydrogen and deuterium are lighter


def select(universe: MDAnalysis.Universe, what: str, selection: str) -> MDAnalysis.AtomGroup:
    """Select atoms.

    Parameters
    ----------
    universe : MDAnalysis.Universe
    what : str
        Name of the group in messages.
    selection : str
        In MDAnalysis' language.

    Raises
    ------
    VoxionError
        The selection is not understood, asks for what the topology does not say, or is empty.
    """
    try:
        atoms = universe.select_atoms(selection)
    except (SelectionError, NoDataError, AttributeError, ValueError) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise VoxionError(
            f"The selection of the {what}, {selection!r}, does not work: {reason}. "
            f"{_known(universe)}"
        ) from None
    if len(atoms) == 0:
        raise VoxionError(
            f"The selection of the {what}, {selection!r}, finds no atoms. {_known(universe)}"
        )
    return atoms


def check_groups(groups: dict[str, MDAnalysis.AtomGroup]) -> None:
    """Check that pairs between the groups are pairs of different molecules.

    Parameters
    ----------
    groups : dict
        By name; water is called "water oxygens".

    Raises
    ------
    VoxionError
        Groups share atoms or, where the topology has bonds, molecules; or there are hydrogens
        among the water oxygens.
    """
    names = list(groups)
    for number, one in enumerate(names):
        for other in names[number + 1 :]:
            common = groups[one] & groups[other]
            if len(common):
                raise VoxionError(
                    f"The selections of the {one} and the {other} overlap: {len(common)} atoms, "
                    f"the first with index {common[0].index}, are in both. Select them apart."
                )
            _check_molecules(groups, one, other)
    water = groups["water oxygens"]
    if hasattr(water, "masses") and (hydrogens := int((water.masses < LIGHTEST).sum())):
        raise VoxionError(
            f"The selection of the water oxygens finds {hydrogens} hydrogens among "
            f"{len(water)} atoms: select the oxygens only."
        )


def _check_molecules(groups: dict[str, MDAnalysis.AtomGroup], one: str, other: str) -> None:
    if not hasattr(groups[one].universe, "bonds") or not len(groups[one].universe.bonds):
        return
    common = set(groups[one].fragindices) & set(groups[other].fragindices)
    if common:
        raise VoxionError(
            f"The selections of the {one} and the {other} have atoms in {len(common)} common "
            "molecules, whose bonds would show up as peaks. Select atoms of different molecules."
        )


def _known(universe: MDAnalysis.Universe) -> str:
    """Tell by what atoms can be selected."""
    for attribute, keyword in (("names", "name"), ("types", "type")):
        if hasattr(universe.atoms, attribute):
            values = sorted(set(map(str, getattr(universe.atoms, attribute))))
            shown = " ".join(values[:12]) + (" ..." if len(values) > 12 else "")
            return f"Atoms have, for {keyword!r}: {shown}."
    return "Atoms have neither names nor types: select by 'index'."
