"""Continuing a run of ``gmx mdrun`` with the charges that it had at a checkpoint."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from voxion.arrays import MAX_ATOMS
from voxion.engines.gromacs import Gromacs, Options, difference_beyond_charges, run_tool
from voxion.engines.gromacs_topology import set_charges
from voxion.errors import VoxionError
from voxion.files import read_json, read_text, refusing, replacing

_ADVICE = "put back the file that the run wrote, or start without -cpi"

_Step = Annotated[int, Field(ge=0, lt=2**63)]
_Atom = Annotated[int, Field(ge=1, le=MAX_ATOMS)]
_Charge = Annotated[float, Field(ge=-100, le=100)]  # e


class _Surface(BaseModel):
    atoms: list[_Atom]
    charges: list[_Charge]


class _Record(BaseModel):
    step: _Step
    charges: list[_Surface]


class _State(BaseModel):
    """The part of the kernel's file that the launcher reads; the kernel checks the rest."""

    format: Literal["voxion-mdrun-state"]
    version: Literal[1]
    checkpoints: Annotated[list[_Record], Field(max_length=1000)]


def read_charges(state: Path, step: int, checkpoint: Path) -> dict[int, float]:
    """Charges in effect at a checkpoint, from the file that the kernel keeps beside it.

    Parameters
    ----------
    state : Path
        File of the kernel.
    step : int
        Step of the checkpoint.
    checkpoint : Path
        For messages.

    Returns
    -------
    dict
        Charge (e) by atom, counted from 1.

    Raises
    ------
    VoxionError
        The file is missing or damaged, or has no charges of that step.
    """
    if not state.exists():
        raise VoxionError(
            f"{checkpoint} cannot be continued: the charges of its step {step} are kept in "
            f"{state}, which is not there. {_ADVICE}."
        )
    content = read_json(state, _State, _ADVICE)
    records = {record.step: record.charges for record in content.checkpoints}
    with refusing(state, "file of charges", _ADVICE):
        if len(records) < len(content.checkpoints):
            raise ValueError("it has two records of one step")
        if step in records:
            return _table(records[step])
    steps = " and ".join(str(found) for found in records) or "none"
    raise VoxionError(
        f"{checkpoint} is of step {step}; {state} has the charges of steps {steps}. Continue from "
        "the checkpoint of such a step: mdrun keeps the one before the last as *_prev.cpt."
    )


def _table(surfaces: list[_Surface]) -> dict[int, float]:
    """Charges by atom; each surface has one for each of its atoms, and no atom is in two."""
    charges: dict[int, float] = {}
    for surface in surfaces:
        if len(surface.atoms) != len(surface.charges):
            raise ValueError(
                f"a surface of {len(surface.atoms)} atoms has {len(surface.charges)} charges"
            )
        own = dict(zip(surface.atoms, surface.charges, strict=True))
        if len(own) < len(surface.atoms) or set(own) & set(charges):
            raise ValueError("an atom has two charges")
        charges |= own
    return charges


def continued_input(
    gromacs: Gromacs,
    tpr: Path,
    parameters: Mapping[str, str],
    charges: Mapping[int, float],
    grompp: str | None,
) -> Path:
    """Make a run input again, with other charges and nothing else changed.

    mdrun starts from the charges of its run input, also when it continues from a checkpoint, which
    has everything else: no ``grompp -t`` is needed, and one would let the box of the checkpoint
    change PME's mesh.

    Parameters
    ----------
    gromacs : Gromacs
    tpr : Path
        First run input.
    parameters : mapping
        Its parameters.
    charges : mapping
        Charge (e) by atom, counted from 1.
    grompp : str, optional
        The user's arguments of ``gmx grompp``.

    Returns
    -------
    Path
        Beside the first one.

    Raises
    ------
    VoxionError
        The arguments are missing, or do not make the first run input.
    """
    if grompp is None:
        raise VoxionError(
            f"To continue with the charges of the checkpoint, {tpr} must be made again: add "
            '--grompp "..." with the arguments of gmx grompp that made it (-f, -c, -p, -n, ...).'
        )
    try:
        options = Options(shlex.split(grompp))
    except ValueError as error:
        raise VoxionError(f"--grompp {grompp!r} cannot be read: {error}.") from None
    mdp = options.file("f", "grompp.mdp")
    continued = tpr.with_name(f"{tpr.stem}.continued.tpr")
    with TemporaryDirectory(prefix="voxion") as scratch:
        folder = Path(scratch)
        text = read_text(mdp, "give --grompp the file that made the run input")
        # a seed of -1 draws another every time; the number of steps may have been changed since by
        # gmx convert-tpr
        kept = {name: parameters[name] for name in ("ld-seed", "nsteps")}
        (folder / "run.mdp").write_text(with_parameters(text, kept))
        changes: dict[str, str | None] = {
            "f": str(folder / "run.mdp"),
            "po": str(folder / "mdout.mdp"),
            "pp": str(folder / "processed.top"),
            "o": str(folder / "first.tpr"),
            "quiet": None,
        }
        run_tool(gromacs, "grompp", *options.with_values(changes).words())
        processed = read_text(folder / "processed.top", "write the topology in UTF-8")
        topology = set_charges(processed, charges)
        (folder / "charged.top").write_text(topology)
        changes |= {
            "p": str(folder / "charged.top"),
            "pp": None,
            "o": str(folder / "continued.tpr"),
        }
        run_tool(gromacs, "grompp", *options.with_values(changes).words())
        difference = difference_beyond_charges(gromacs, tpr, folder / "continued.tpr")
        if difference is not None:
            raise VoxionError(
                f"The arguments of --grompp do not make {tpr}: beside the charges they change "
                f"{difference}. Give those, with the files, that made it."
            )
        with replacing(continued) as temporary:
            shutil.copyfile(folder / "continued.tpr", temporary)
    return continued


def with_parameters(mdp: str, values: Mapping[str, str]) -> str:
    """Replace the values of parameters of an mdp file; GROMACS ignores case, ``-`` and ``_``."""

    def plain(name: str) -> str:
        return re.sub("[-_]", "", name.strip().lower())

    names = {plain(name) for name in values}
    lines = [line for line in mdp.splitlines() if plain(line.partition("=")[0]) not in names]
    return "\n".join([*lines, *(f"{name} = {value}" for name, value in values.items()), ""])
