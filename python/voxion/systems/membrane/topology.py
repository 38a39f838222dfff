"""Topologies of polymer, ions and water by tleap, and of the system that they make, by ParmEd."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from voxion.errors import VoxionError
from voxion.files import replacing
from voxion.systems.membrane.amber_tools import run_program, working_folder
from voxion.systems.membrane.chain import Chain, write_mol2
from voxion.systems.membrane.conditions import WaterModel
from voxion.systems.membrane.fixed_charges import charged_atoms

if TYPE_CHECKING:
    import parmed

ION_SOURCE = (
    "ions: Joung, Cheatham, J. Phys. Chem. B 112, 9020 (2008), 10.1021/jp8001614; divalent ones of "
    "Li and Merz, as AmberTools' leaprc.water has them"
)
WATER_SOURCES: dict[WaterModel, str] = {
    "spce": "SPC/E: Berendsen, Grigera, Straatsma, J. Phys. Chem. 91, 6269 (1987), "
    "10.1021/j100308a038",
    "tip3p": "TIP3P: Jorgensen et al., J. Chem. Phys. 79, 926 (1983), 10.1063/1.445869",
}
# parmchk2's estimate of how far a parameter that it borrowed is from the right one
LARGE_PENALTY = 10.0


@dataclass(frozen=True)
class Polymer:
    """Topology of a chain, and the parameters that were guessed badly.

    Attributes
    ----------
    structure : parmed.Structure
    guessed : tuple of str
        Lines of parmchk2's file with a penalty over `LARGE_PENALTY`.
    """

    structure: parmed.Structure
    guessed: tuple[str, ...]


def polymer_topology(
    chain: Chain, positions: NDArray[np.float64], frcmod: Path | None, failed: Path
) -> Polymer:
    """Return the topology of a chain, or of an ion of several atoms, with GAFF2.

    Parameters
    ----------
    chain : Chain
    positions : ndarray [atoms, 3]
        Angstrom.
    frcmod : Path, optional
        A user's parameters, which replace those of GAFF2 and parmchk2.
    failed : Path
        Where the programs' files are kept if they fail.

    Raises
    ------
    VoxionError
        A program failed, or GAFF2 has no parameter and nothing like it; with its types.
    """
    with working_folder(failed) as folder:
        write_mol2(folder / "chain.mol2", chain, positions)
        arguments = "-i chain.mol2 -f mol2 -o chain.frcmod -s gaff2".split()
        run_program("parmchk2", arguments, folder, "the polymer (missing parameters)")
        lines = (folder / "chain.frcmod").read_text().splitlines()
        absent = [line.split("  ")[0] for line in lines if "ATTN" in line]
        if absent and frcmod is None:
            raise VoxionError(
                f"GAFF2 has no parameters of {', '.join(absent[:5])}, nor any like them: give "
                "them in a frcmod file."
            )
        load = ["loadamberparams chain.frcmod"]
        if frcmod is not None:
            (folder / "user.frcmod").write_bytes(frcmod.read_bytes())
            load.append("loadamberparams user.frcmod")
        commands = ["source leaprc.gaff2", *load, "POL = loadmol2 chain.mol2"]
        (structure,) = _saved(commands, ["POL"], folder, "the polymer")
    return Polymer(structure, tuple(line for line in lines if _penalty(line) > LARGE_PENALTY))


def _penalty(line: str) -> float:
    _, found, rest = line.partition("penalty score=")
    return float(rest.split(")")[0].split()[0]) if found else 0.0


def water_and_ions(water: WaterModel, ions: Sequence[str], failed: Path) -> list[parmed.Structure]:
    """Return topologies of a water molecule and of single-atom ions.

    Parameters
    ----------
    water : "spce" or "tip3p"
    ions : sequence of str
        tleap's names, those of `IONS`.
    failed : Path
        Where the program's files are kept if it fails.
    """
    with working_folder(failed) as folder:
        return _saved([f"source leaprc.water.{water}"], ["WAT", *ions], folder, "water and ions")


def _saved(
    commands: Sequence[str], units: Sequence[str], folder: Path, what: str
) -> list[parmed.Structure]:
    lines = [*commands, *(f"saveamberparm {u} {u}.prmtop {u}.inpcrd" for u in units), "quit"]
    (folder / "leap.in").write_text("\n".join(lines) + "\n")
    output = run_program("tleap", ["-f", "leap.in"], folder, f"{what} (topology)")
    if not all((folder / f"{unit}.prmtop").exists() for unit in units):
        missing = [line.strip() for line in output.splitlines() if "Could not find" in line]
        raise VoxionError(
            f"{what}: tleap made no topology{f' ({missing[0]})' if missing else ''}; give missing "
            "parameters in a frcmod file."
        )
    return [_loaded(folder / f"{unit}.prmtop", folder / f"{unit}.inpcrd") for unit in units]


def _loaded(topology: Path, coordinates: Path) -> parmed.Structure:
    import parmed

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        amber = parmed.load_file(str(topology), str(coordinates))
        # the class of AMBER's files would keep charges of its own beside those of the atoms
        structure = amber.copy(parmed.Structure)
    for atom in structure.atoms:
        atom.charge = round(atom.charge, 6)  # AMBER's unit of charge leaves a rest of 1e-9 e
    return structure


def combine(
    parts: Sequence[tuple[parmed.Structure, int]], positions: NDArray[np.float64], edge: float
) -> parmed.Structure:
    """Return the structure of all molecules, in this order, in a cube."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        present = [structure * count for structure, count in parts if count]
        whole = present[0]
        for structure in present[1:]:
            whole = whole + structure
    whole.coordinates = positions
    whole.box = [edge, edge, edge, 90.0, 90.0, 90.0]
    return whole


def write_gromacs_topology(path: Path, structure: parmed.Structure, title: str) -> None:
    """Write a topology for GROMACS; the file appears whole or not at all."""
    import parmed

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        topology = parmed.gromacs.GromacsTopologyFile.from_structure(structure)
        with replacing(path) as temporary:
            topology.write(str(temporary))
            text = temporary.read_text()
            # ParmEd's own head has user, machine and date; molecules of several residues a number
            text = f"; {title}\n\n" + text[text.index("[ defaults ]") :]
            text = text.replace("Generic title", title).replace("system1", "polymer")
            temporary.write_text(text)


def tethered_atoms(structure: parmed.Structure, chain: Chain) -> str:
    """Select the atoms of the fixed charges that ions meet, in MDAnalysis' language.

    Raises
    ------
    VoxionError
        The chain has no charged group.
    """
    found = dict.fromkeys(
        (structure.atoms[i].residue.name, structure.atoms[i].name)
        for i in charged_atoms(chain.molecule)
    )
    if not found:
        raise VoxionError("The polymer has no charged group.")
    return " or ".join(f"(resname {residue} and name {name})" for residue, name in found)
