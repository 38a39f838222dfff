"""Cost per step against the number of electrode atoms: see README.md.

python benchmarks/charges/scaling.py
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from cached_systems import CACHE, checked, sheet_systems
from figures import plot_scaling
from harness import check_local, report_errors, run_rounds
from measure import WARM_UP
from modes import CG_ERROR, CG_TOLERANCE, scaling_modes
from record import describe, environment, finished, write_json, write_text
from summary import Row, markdown_table, print_table, scaling_cells, summarise

from voxion.contract.schema import read_contract
from voxion.demo import model_path
from voxion.systems.description import load_system

NOTES = [
    "ratio, added: against fixed charges in the same round, medians over rounds.",
    "set-up: from the first run command to its first step; with mat_inv it computes the "
    "electrode's matrix and inverts it. It is not part of the time per step.",
    "peak memory: of the largest of the run's processes; with mat_inv it is reached during set-up.",
    f"cg: conjugate gradients to a tolerance of {CG_TOLERANCE:g}, which on a sheet of 336 C leaves "
    f"charge errors of some {CG_ERROR} against the inverted matrix.",
]

EMBEDDED = model_path()


def main(
    model: Annotated[Path, typer.Option(help="Local model (inputs site-potentials).")] = EMBEDDED,
    system: Annotated[
        list[Path] | None,
        typer.Option(
            help="Folder of a built and equilibrated system; repeat for several. By default three "
            "sheets of 336, 1344 and 5376 atoms, built on first use in runs/benchmarks."
        ),
    ] = None,
    rounds: Annotated[int, typer.Option(min=1)] = 3,
    steps: Annotated[int, typer.Option(min=1, help="Measured.")] = 40,
    ranks: Annotated[int, typer.Option(min=1)] = 1,
    setup_limit: Annotated[
        float, typer.Option(min=0.0, help="Minutes of set-up after which a mode is given up.")
    ] = 15.0,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path(__file__).parent,
) -> None:
    """Compare the local model with fix electrode/conq on sheets of growing size."""
    with report_errors():
        check_local(model)
        folders = [checked(folder) for folder in system] if system else sheet_systems()
        out.mkdir(parents=True, exist_ok=True)
        results = compare(folders, model, rounds, steps, ranks, setup_limit)
        _report(results, out)


def compare(
    systems: list[Path], model: Path, rounds: int, steps: int, ranks: int, setup_limit: float
) -> dict[str, Any]:
    """Measure all modes on all systems; the raw results."""
    work = CACHE / "logs"
    descriptions = {folder: load_system(folder) for folder in systems}
    results: dict[str, Any] = {
        "environment": environment(),
        "systems": {folder.name: d.title for folder, d in descriptions.items()},
        "electrode_atoms": {
            folder.name: sum(s.atoms for s in d.surfaces) for folder, d in descriptions.items()
        },
        "local_model": read_contract(model).model_dump(mode="json"),
        "rounds": rounds,
        "steps": steps,
        "warm_up": WARM_UP,
        "ranks": ranks,
        "setup_limit": 60.0 * setup_limit,
    }
    results["measurements"] = run_rounds(
        [(folder, scaling_modes(d, model)) for folder, d in descriptions.items()],
        work,
        rounds=rounds,
        steps=steps,
        ranks=[ranks],
        setup_limit=60.0 * setup_limit,
    )
    return finished(results)


def tables_of(results: dict[str, Any]) -> list[tuple[int, list[Row]]]:
    """Rows by number of electrode atoms."""
    return [
        (atoms, summarise(_of(results, name), results["steps"]))
        for name, atoms in results["electrode_atoms"].items()
    ]


def _of(results: dict[str, Any], system: str) -> list[dict[str, Any]]:
    return [m for m in results["measurements"] if m["system"] == system]


def _report(results: dict[str, Any], out: Path) -> None:
    sizes = tables_of(results)
    atoms = results["electrode_atoms"]
    too_long = sorted(
        {(atoms[m["system"]], m["label"]) for m in results["measurements"] if m["loop"] is None}
    )
    head, cells = scaling_cells(sizes, too_long, results["setup_limit"])
    title = f"Cost per step against electrode atoms, {results['ranks']} MPI rank(s)"
    print_table(title, head, cells)
    text = [f"# {title}\n", *(f"{line}\n" for line in describe(results))]
    text += [f"- {name}" for name in results["systems"].values()]
    text += ["", markdown_table(head, cells), *(f"- {note}" for note in NOTES)]
    summary = {number: [asdict(row) for row in rows] for number, rows in sizes}
    write_json(out / "scaling.json", {**results, "summary": summary})
    write_text(out / "scaling.md", "\n".join([*text, "\n![added time and set-up](scaling.png)\n"]))
    plot_scaling(sizes, out / "scaling.png")
    for note in NOTES:
        typer.echo(f"- {note}")
    typer.echo(f"Written: scaling.json, scaling.md and scaling.png in {out}")


if __name__ == "__main__":
    typer.run(main)
