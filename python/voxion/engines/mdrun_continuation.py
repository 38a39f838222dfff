"""Continuing a run of ``gmx mdrun`` with the charges that it had at a checkpoint."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from voxion.engines.gromacs import Gromacs, Options, difference_beyond_charges, run_tool
from voxion.engines.gromacs_topology import set_charges
from voxion.errors import VoxionError
from voxion.files import replacing

STATE_FORMAT = "voxion-mdrun-state"


def read_charges(state: Path, step: int, checkpoint: Path) -> dict[int, float]:
    """Charges in effect at a checkpoint, from the file that the kernel keeps beside it.

    Parameters
    ----------
    state : Path
        File of the kernel.
    step : int
        Of the checkpoint.
    checkpoint : Path
        For messages.

    Returns
    -------
    dict
        Charge (e) by atom, counted from 1.
    """
    try:
        content: dict[str, Any] = json.loads(state.read_text())
        if (content["format"], content["version"]) != (STATE_FORMAT, 1):
            raise VoxionError(f"{state} is not of format {STATE_FORMAT}, version 1.")
        records = {int(record["step"]): record["charges"] for record in content["checkpoints"]}
        if step in records:
            return {
                int(atom): float(charge)
                for surface in records[step]
                for atom, charge in zip(surface["atoms"], surface["charges"], strict=True)
            }
    except OSError as error:
        raise VoxionError(
            f"{checkpoint} cannot be continued: the charges of its step {step} are kept in "
            f"{state}, which cannot be read: {error.strerror or error}. Put the file back, or "
            "start without -cpi."
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise VoxionError(f"{state} is damaged: {type(error).__name__} {error}.") from None
    steps = " and ".join(str(found) for found in records) or "none"
    raise VoxionError(
        f"{checkpoint} is of step {step}; {state} has the charges of steps {steps}. Continue from "
        "the checkpoint of such a step: mdrun keeps the one before the last as *_prev.cpt."
    )


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
        try:
            text = mdp.read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise VoxionError(f"--grompp: {mdp} cannot be read: {error}.") from None
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
        topology = set_charges((folder / "processed.top").read_text(), charges)
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
    """Give parameters of an mdp file other values; GROMACS ignores case, ``-`` and ``_``."""

    def plain(name: str) -> str:
        return re.sub("[-_]", "", name.strip().lower())

    names = {plain(name) for name in values}
    lines = [line for line in mdp.splitlines() if plain(line.partition("=")[0]) not in names]
    return "\n".join([*lines, *(f"{name} = {value}" for name, value in values.items()), ""])
