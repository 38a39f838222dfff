"""Cost per step of two electrodes at a voltage: see README.md.

python -m benchmarks.charges.pairs
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from benchmarks.charges.modes import CG_TOLERANCE, VOLTAGE, pair_modes
from benchmarks.charges.scaling import (
    MEMORY_NOTE,
    RATIO_NOTE,
    Out,
    Ranks,
    Rounds,
    SetupLimit,
    Steps,
    compare,
    write_report,
)
from benchmarks.charges.systems import checked, pair_systems
from benchmarks.common.models import check_local
from benchmarks.common.report import report_errors
from benchmarks.common.systems import ROOT

MODEL = ROOT / "examples" / "07_capacitor" / "graphene-conp.pt"
NOTES = [
    f"All modes but the fixed charges, which are zero, hold the electrodes at {VOLTAGE:g} V.",
    RATIO_NOTE,
    "set-up: from the first run command to its first step; with mat_inv it computes the "
    "electrodes' matrix and inverts it. It is not part of the time per step.",
    MEMORY_NOTE,
    f"cg: conjugate gradients to a tolerance of {CG_TOLERANCE:g}.",
]


def main(
    model: Annotated[Path, typer.Option(help="Local model of a pair of electrodes.")] = MODEL,
    system: Annotated[
        list[Path] | None,
        typer.Option(
            help="Folder of a built and equilibrated pair of electrodes without a charge; repeat "
            "for several. By default pairs of 480, 672 and 5376 atoms, built on first use in "
            "runs/benchmarks."
        ),
    ] = None,
    rounds: Rounds = 3,
    steps: Steps = 40,
    ranks: Ranks = 1,
    setup_limit: SetupLimit = 20.0,
    out: Out = Path(__file__).parent,
) -> None:
    """Compare fix voxion/charge with fix electrode/conp on two electrodes at a voltage."""
    with report_errors():
        check_local(model)
        folders = [checked(folder) for folder in system] if system else pair_systems()
        results = compare(pair_modes, folders, model, rounds, steps, ranks, setup_limit)
        write_report(results, NOTES, out, "pairs")


if __name__ == "__main__":
    typer.run(main)
