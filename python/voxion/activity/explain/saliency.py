"""Saliency of atoms: those that raise and those that lower a predicted activity coefficient.

Section 2.4 of Naghshnejad et al. (chemrxiv-2024-jcjg3): gradients of the prediction in the atoms'
features, and gradient times input, summed over the atoms of a type (eq. 3) and normalised.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rdkit import Chem
from torch import Tensor
from torch_geometric.data import Data

from voxion.activity.data.graphs import FEATURES, molecule_graph
from voxion.activity.data.polymers import read_molecule
from voxion.activity.data.table import ActivityData, Floats
from voxion.activity.fitting.export import NUMBERS as NUMBER_NAMES
from voxion.activity.models.network import NUMBERS, ActivityNetwork, graph_environments
from voxion.contract.schema import ActivityContract, load_model
from voxion.errors import VoxionError

METHODS = ("gradient", "gradient x input")


@dataclass(frozen=True)
class Molecule:
    """A molecule with its graph; atoms in the same order."""

    structure: Chem.Mol
    graph: Data

    @property
    def features(self) -> Tensor:
        """Features of the atoms, [n, 69]."""
        return self.graph.x


@dataclass(frozen=True)
class Membrane:
    """A polymer in a kind of salt.

    Attributes
    ----------
    polymer_name, salt_name : str
    polymer, salt : Molecule
    rows : ndarray [n] of int
        Rows of the data set: the concentrations at which the membrane was measured.
    numbers : Tensor [n, 14]
        Numbers of these rows, see `ActivityData.numbers`.
    """

    polymer_name: str
    salt_name: str
    polymer: Molecule
    salt: Molecule
    rows: NDArray[np.int64]
    numbers: Tensor

    @property
    def name(self) -> str:
        """Polymer and salt, as in `ActivityData.pairs`."""
        return f"{self.polymer_name}/{self.salt_name}"


@dataclass(frozen=True)
class SaliencyMap:
    """Saliency of atoms for gamma, mean over a membrane's rows.

    Attributes
    ----------
    polymer, salt : ndarray [n]
        Saliency of the atoms of the polymer and of the salt.
    """

    polymer: Floats
    salt: Floats


def load_networks(path: Path) -> tuple[list[ActivityNetwork], ActivityContract]:
    """Return the networks of a model file, and its contract.

    They come without the floor below which no exported prediction falls: it would hide the slope.

    Raises
    ------
    VoxionError
        The file is no model of activity coefficients, none of graphs, or one for other features.
    """
    module, contract = load_model(path, ActivityContract)
    if contract.inputs != "graphs":
        raise VoxionError(
            f"Model {path} is {contract.model!r} and does not see atoms: explain needs a graph "
            "model: fit with --model graph or graph-descriptors."
        )
    if (contract.atom_features, contract.numbers) != (FEATURES, NUMBER_NAMES):
        raise VoxionError(
            f"Model {path} wants other atom features or numbers than this voxion makes; fit it "
            "again with 'voxion activity fit'."
        )
    parts: dict[str, dict[str, Tensor]] = {}
    for name, value in module.state_dict().items():
        _, number, rest = name.split(".", 2)  # networks.0.polymer.first.weight
        parts.setdefault(number, {})[rest] = value
    return [_network(state) for state in parts.values()], contract


def _network(state: dict[str, Tensor]) -> ActivityNetwork:
    hidden, inputs = state["head.0.weight"].shape
    network = ActivityNetwork(hidden, descriptors=inputs == 2 * hidden + NUMBERS)
    network.load_state_dict(state)
    return network.eval().requires_grad_(False)


def membranes_of(data: ActivityData) -> list[Membrane]:
    """Return each pair of polymer and salt once, in the order of their first rows.

    Raises
    ------
    VoxionError
        A molecule cannot be read or has an atom without features.
    """
    polymers = {
        name: _molecule(data.polymer_smiles[name], f"polymer {name}")
        for name in np.unique(data.polymers).tolist()
    }
    salts = {
        name: _molecule(data.salt_smiles[name], f"salt {name}")
        for name in np.unique(data.salts).tolist()
    }
    numbers = torch.tensor(data.numbers, dtype=torch.get_default_dtype())
    found = []
    for pair in dict.fromkeys(data.pairs.tolist()):
        rows = np.flatnonzero(data.pairs == pair)
        polymer, salt = str(data.polymers[rows[0]]), str(data.salts[rows[0]])
        found.append(
            Membrane(polymer, salt, polymers[polymer], salts[salt], rows, numbers[rows.tolist()])
        )
    return found


def _molecule(text: str, name: str) -> Molecule:
    return Molecule(read_molecule(text, name), molecule_graph(text, name))


def predict_gamma(
    networks: Sequence[ActivityNetwork],
    membrane: Membrane,
    polymer_features: Tensor | None = None,
    salt_features: Tensor | None = None,
) -> Tensor:
    """Return gamma [n] of a membrane's rows, the mean of K networks.

    Parameters
    ----------
    polymer_features, salt_features : Tensor [atoms, 69], optional
        In place of the molecules' own.
    """
    polymer, salt = membrane.polymer, membrane.salt
    if polymer_features is None:
        polymer_features = polymer.features
    if salt_features is None:
        salt_features = salt.features
    polymers = graph_environments(polymer_features, polymer.graph.edge_index)
    salts = graph_environments(salt_features, salt.graph.edge_index)
    only = torch.zeros(len(membrane.rows), dtype=torch.int64)
    found = [one(polymers, salts, only, only, membrane.numbers) for one in networks]
    return torch.stack(found).mean(dim=0)


def saliency(networks: Sequence[ActivityNetwork], membrane: Membrane, method: str) -> SaliencyMap:
    """Return what each atom does to gamma by a method of `METHODS`.

    ``gradient`` sums the derivatives in all features of an atom (Simonyan, Vedaldi and Zisserman,
    2013, with the sign), ``gradient x input`` those in the features that it has, times their values
    (Shrikumar et al., 2016).
    """
    from captum.attr import InputXGradient, Saliency

    def gamma(polymer: Tensor, salt: Tensor) -> Tensor:  # captum puts an axis of examples first
        return predict_gamma(networks, membrane, polymer[0], salt[0]).mean()[None]

    inputs = tuple(
        molecule.features[None].clone().requires_grad_(True)
        for molecule in (membrane.polymer, membrane.salt)
    )
    if method == "gradient":
        found = Saliency(gamma).attribute(inputs, abs=False)
    else:
        found = InputXGradient(gamma).attribute(inputs)
    polymer, salt = (one.detach()[0].double().sum(dim=1).numpy() for one in found)
    return SaliencyMap(polymer, salt)


def atom_types(structure: Chem.Mol) -> list[str]:
    """Name each atom's type: element, hydrogens, charge and neighbours, as ``CH2(C,N+)``.

    Aromatic atoms are in lower case.
    """
    return [
        _symbol(atom) + _brackets(sorted(_element(near) for near in atom.GetNeighbors()))
        for atom in structure.GetAtoms()
    ]


def _brackets(parts: list[str]) -> str:
    return f"({','.join(parts)})" if parts else ""


def _element(atom: Chem.Atom) -> str:
    symbol = atom.GetSymbol()
    charge = atom.GetFormalCharge()
    size = str(abs(charge)) if abs(charge) > 1 else ""
    sign = "+" if charge > 0 else "-" if charge < 0 else ""
    return (symbol.lower() if atom.GetIsAromatic() else symbol) + size + sign


def _symbol(atom: Chem.Atom) -> str:
    """Element with its hydrogens before the charge."""
    hydrogens = atom.GetTotalNumHs()
    text = "" if not hydrogens else "H" if hydrogens == 1 else f"H{hydrogens}"
    bare = atom.GetSymbol().lower() if atom.GetIsAromatic() else atom.GetSymbol()
    return bare + text + _element(atom)[len(bare) :]


def type_sums(values: Floats, types: Sequence[str]) -> dict[str, float]:
    """Sum a map [n] over the atoms of each type: eq. 3; in the order of first occurrence."""
    sums = dict.fromkeys(types, 0.0)
    for value, name in zip(values.tolist(), types, strict=True):
        sums[name] += value
    return sums


def normalised(sums: dict[str, float]) -> dict[str, float]:
    """Divide by the largest absolute value, so that signs stay and -1 ... 1 is filled.

    Where all are zero, they stay so.
    """
    largest = max(abs(value) for value in sums.values())
    return {name: value / largest if largest else 0.0 for name, value in sums.items()}
