"""Saliency of a membrane's fixed charges and counter-ions.

Table 4 of Naghshnejad et al. (chemrxiv-2024-jcjg3), with the values beside the colours.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from rdkit import Chem

from voxion.activity.data.table import DESCRIPTORS, ActivityData, Floats
from voxion.activity.explain.saliency import (
    Membrane,
    SaliencyMap,
    atom_types,
    normalised,
    type_sums,
)
from voxion.files import replacing

FAINT, LIGHT = 0.1, 0.4  # absolute values that are called no colour, and a light one
ION_WATER, FIXED_ION = DESCRIPTORS.index("cn_ion_water"), DESCRIPTORS.index("cn_fixed_ion")


@dataclass(frozen=True)
class ChargedGroups:
    """A row of table 4; ranges are over the concentrations.

    Attributes
    ----------
    kind : str
        AEM or CEM, by the sign of the polymer's charge; empty for a polymer without.
    polymer, salt : str
    fixed, fixed_values, fixed_colour, fixed_networks : str
        Group that bears the fixed charge, the normalised sums of its atoms' types, what they are
        called, and how many networks by themselves give their sum the sign that all together do.
    counter_ion, counter_ion_values, counter_ion_colour, counter_ion_networks : str
        The same of the salt's ion of opposite charge.
    cn_ion_water, cn_fixed_ion : str
        F and N of the paper: water oxygens around a counter-ion, counter-ions around a fixed
        charge.
    measured, predicted : str
        Coefficients; predicted by the model that was fitted to these rows, if it was.
    """

    kind: str
    polymer: str
    salt: str
    fixed: str
    fixed_values: str
    fixed_colour: str
    fixed_networks: str
    counter_ion: str
    counter_ion_values: str
    counter_ion_colour: str
    counter_ion_networks: str
    cn_ion_water: str
    cn_fixed_ion: str
    measured: str
    predicted: str


def charged_groups(
    data: ActivityData,
    membrane: Membrane,
    found: SaliencyMap,
    single: Sequence[SaliencyMap],
    predicted: Floats,
) -> ChargedGroups:
    """Return a membrane's row.

    Parameters
    ----------
    data : ActivityData
        Measured; the membrane is one of it.
    membrane : Membrane
    found : SaliencyMap
        Map of the mean of all networks.
    single : sequence of K SaliencyMap
        Map of each network by itself.
    predicted : ndarray [N]
        Coefficients of all rows of `data`.
    """
    polymer, salt = membrane.polymer.structure, membrane.salt.structure
    charge = Chem.GetFormalCharge(polymer)
    fixed = fixed_group(polymer)
    ions = [atom.GetIdx() for atom in salt.GetAtoms() if atom.GetFormalCharge() * charge < 0]
    fixed_values = _values(polymer, found.polymer, fixed)
    counter = _with_neighbours(salt, ions)
    ion_values = _values(salt, found.salt, counter)
    rows = membrane.rows
    return ChargedGroups(
        kind={1: "AEM", -1: "CEM"}.get(int(np.sign(charge)), ""),
        polymer=membrane.polymer_name,
        salt=membrane.salt_name,
        fixed=_group_name(polymer, fixed),
        fixed_values=_text(fixed_values),
        fixed_colour=colour_name(list(fixed_values.values())),
        fixed_networks=_agreeing(found.polymer, [one.polymer for one in single], fixed),
        counter_ion=_group_name(salt, _with_neighbours(salt, ions[:1])),
        counter_ion_values=_text(ion_values),
        counter_ion_colour=colour_name(list(ion_values.values())),
        counter_ion_networks=_agreeing(found.salt, [one.salt for one in single], counter),
        cn_ion_water=_range(data.descriptors[rows, ION_WATER]),
        cn_fixed_ion=_range(data.descriptors[rows, FIXED_ION]),
        measured=_range(data.measured[rows]),
        predicted=_range(predicted[rows]),
    )


def write_table(rows: Sequence[ChargedGroups], folder: Path) -> None:
    """Write ``table4.csv`` and ``table4.md``."""
    names = [field.name for field in fields(ChargedGroups)]
    cells = [[getattr(row, name) for name in names] for row in rows]
    path = folder / "table4.csv"
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerows([names, *cells])
    lines = [_line(names), _line(["---"] * len(names)), *map(_line, cells)]
    with replacing(folder / "table4.md") as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def fixed_group(structure: Chem.Mol) -> list[int]:
    """Return the atoms of all groups that bear the polymer's charge.

    The charged atoms themselves, and where they are at an end, as the O- of a sulfonate, the atom
    that they hang on with its other ends of the same element.
    """
    sign = np.sign(Chem.GetFormalCharge(structure))
    charged = [a.GetIdx() for a in structure.GetAtoms() if a.GetFormalCharge() * sign > 0]
    return _with_neighbours(structure, charged)


def _with_neighbours(structure: Chem.Mol, charged: Sequence[int]) -> list[int]:
    members = set(charged)
    for index in charged:
        atom = structure.GetAtomWithIdx(index)
        if atom.GetDegree() != 1:
            continue
        (centre,) = atom.GetNeighbors()
        members.add(centre.GetIdx())
        members |= {
            near.GetIdx()
            for near in centre.GetNeighbors()
            if near.GetDegree() == 1 and near.GetAtomicNum() == atom.GetAtomicNum()
        }
    return sorted(members)


def _group_name(structure: Chem.Mol, members: Sequence[int]) -> str:
    """Name one of the groups by its formula, as SO3-: the one of the first member."""
    if not members:
        return ""
    atoms = [structure.GetAtomWithIdx(index) for index in members]
    first = next(atom for atom in atoms if atom.GetFormalCharge())
    one = [structure.GetAtomWithIdx(i) for i in _with_neighbours(structure, [first.GetIdx()])]
    one.sort(key=lambda atom: -atom.GetDegree())
    counts: dict[str, int] = {}
    for atom in one:
        counts[atom.GetSymbol()] = counts.get(atom.GetSymbol(), 0) + 1
    charge = sum(atom.GetFormalCharge() for atom in one)
    formula = "".join(f"{name}{n if n > 1 else ''}" for name, n in counts.items())
    if abs(charge) > 1:
        formula += f" {abs(charge)}" if len(one) > 1 else str(abs(charge))
    return formula + ("+" if charge > 0 else "-")


def _values(structure: Chem.Mol, values: Floats, members: Sequence[int]) -> dict[str, float]:
    """Return the normalised sums of the members' types."""
    types = atom_types(structure)
    shares = normalised(type_sums(values, types))
    return {types[index]: shares[types[index]] for index in members}


def _agreeing(found: Floats, single: Sequence[Floats], members: Sequence[int]) -> str:
    if not members:
        return ""
    sign = np.sign(found[members].sum())
    count = sum(bool(np.sign(one[members].sum()) == sign) for one in single)
    return f"{count}/{len(single)}"


def _text(values: dict[str, float]) -> str:
    if len(values) == 1:
        return f"{next(iter(values.values())):+.2f}"
    return " ".join(f"{name} {value:+.2f}" for name, value in values.items())


def colour_name(values: Sequence[float]) -> str:
    """Call normalised values by their colours: red above zero, blue below.

    Values up to `FAINT` have none, those up to `LIGHT` a light one; the strongest decides, and a
    group with strong atoms of both signs is "blue/red".
    """
    highest, lowest = max(values, default=0.0), min(values, default=0.0)
    strongest = max(highest, -lowest)
    if strongest <= FAINT:
        return "nothing"
    if min(highest, -lowest) > FAINT:
        return "blue/red"
    colour = "red" if highest > -lowest else "blue"
    return colour if strongest > LIGHT else f"lighter {colour}"


def _range(values: Floats) -> str:
    low, high = float(values.min()), float(values.max())
    return f"{low:.3g}" if low == high else f"{low:.3g}-{high:.3g}"
