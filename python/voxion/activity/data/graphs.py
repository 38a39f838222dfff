"""Molecular graphs with the 69 atom features of Naghshnejad et al. (chemrxiv-2024-jcjg3), table 1.

The features are the canonical set of 74 that DGL-LifeSci made usual, without its last five, the
total number of hydrogens: one-hot element, degree (0-10) and implicit hydrogens (0-6), formal
charge, radical electrons, one-hot hybridisation, aromaticity.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from rdkit import Chem
from torch import Tensor
from torch_geometric.data import Data

from voxion.activity.data.polymers import read_molecule
from voxion.errors import VoxionError

# the list of DGL-LifeSci's canonical features, in its order; table 1 gives the number 43 but names
# a shorter list, which lacks the alkali metals of its own salts
ELEMENTS = tuple(
    "C N O S F Si P Cl Br Mg Na Ca Fe As Al I B V K Tl Yb Sb Sn Ag Pd Co Se Ti Zn H Li Ge Cu Au "
    "Ni Cd In Mn Zr Cr Pt Hg Pb".split()
)
DEGREES = range(11)
HYDROGENS = range(7)
HYBRIDISATIONS = ("SP", "SP2", "SP3", "SP3D", "SP3D2")
FEATURES = (
    *ELEMENTS,
    *(f"degree {n}" for n in DEGREES),
    *(f"{n} implicit H" for n in HYDROGENS),
    "formal charge",
    "radical electrons",
    *(name.lower() for name in HYBRIDISATIONS),
    "aromatic",
)


def molecule_graphs(names: NDArray[np.str_], smiles: dict[str, str], kind: str) -> dict[str, Data]:
    """Make the graph of each distinct molecule, by name and in the order of the names.

    Parameters
    ----------
    names : ndarray of str [N]
    smiles : dict of str to str
    kind : str
        "polymer" or "salt", for messages.

    Raises
    ------
    VoxionError
        As `molecule_graph`.
    """
    return {
        name: molecule_graph(smiles[name], f"{kind} {name}") for name in np.unique(names).tolist()
    }


def molecule_graph(text: str, name: str) -> Data:
    """Make the graph of a molecule.

    Parameters
    ----------
    text : str
        SMILES or composition, see `voxion.activity.data.polymers.read_molecule`.
    name : str
        Name of the molecule, for messages.

    Returns
    -------
    torch_geometric.data.Data
        With `x` [n, 69], the atoms' features in RDKit's order, and `edge_index` [2, 2 m], each
        bond in both directions.

    Raises
    ------
    VoxionError
        The molecule cannot be read, or has an element or a valence that has no feature.
    """
    molecule = read_molecule(text, name)
    rows = [_features(atom, name) for atom in molecule.GetAtoms()]
    bonds = [(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in molecule.GetBonds()]
    pairs = bonds + [(j, i) for i, j in bonds]
    edges = torch.tensor(pairs, dtype=torch.long).reshape(-1, 2).T.contiguous()
    return Data(x=torch.tensor(rows, dtype=torch.float32), edge_index=edges)


def normalised_adjacency(edges: Tensor, atoms: int) -> Tensor:
    """Return D^-1/2 (A + 1) D^-1/2 [n, n] of edges [2, E]: eq. 2 of Kipf and Welling (2017).

    D is the diagonal of the row sums of A + 1, the adjacency with each atom its own neighbour.
    """
    adjacency = torch.eye(atoms, device=edges.device)
    adjacency[edges[0], edges[1]] = 1.0
    scale = adjacency.sum(dim=1).rsqrt()
    return scale[:, None] * adjacency * scale[None, :]


def _features(atom: Chem.Atom, name: str) -> list[float]:
    hydrogens = atom.GetValence(Chem.ValenceType.IMPLICIT)
    hybridisation = atom.GetHybridization().name
    return [
        *_one_hot(atom.GetSymbol(), ELEMENTS, "the element", name),
        *_one_hot(atom.GetDegree(), DEGREES, "the degree", name),
        *_one_hot(hydrogens, HYDROGENS, "the number of implicit hydrogens", name),
        float(atom.GetFormalCharge()),
        float(atom.GetNumRadicalElectrons()),
        # a single ion has none of these, and no 1
        *(float(hybridisation == known) for known in HYBRIDISATIONS),
        float(atom.GetIsAromatic()),
    ]


def _one_hot(value: object, known: tuple[str, ...] | range, what: str, name: str) -> list[float]:
    if value not in known:
        raise VoxionError(
            f"{name}: {what} {value} of an atom is none of those that a graph can describe "
            f"({', '.join(str(k) for k in known)})."
        )
    return [float(value == k) for k in known]
