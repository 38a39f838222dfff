"""Time of a model's answer as TorchScript and as AOTInductor package: see README.md.

python -m benchmarks.charges.formats
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import numpy as np
import torch
import typer

from benchmarks.common.demonstration import TOTAL_CHARGE, Configuration, demonstration, tiled
from benchmarks.common.models import EMBEDDED
from benchmarks.common.report import Page, describe, environment, finished, report_errors
from voxion import _core
from voxion.charges.models.packaged import Electrode, package_site_potentials
from voxion.charges.training.fitted import restored
from voxion.contract.model_file import write_model_file
from voxion.contract.schema import CONTRACT_FILE, read_contract

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
MODELS = {
    "embedded": EMBEDDED,
    "example 06, with electrons": EXAMPLES / "06_dftb_labels/graphene-dftb.pt",
    "example 07, graphene": EXAMPLES / "07_capacitor/graphene-conp.pt",
}
COPIES = (1, 2, 4, 8)  # of the demonstration's sheet along x and y, for the embedded model
NOTES = [
    "model: its answer alone, from potentials at the sites to charges, which the first MPI rank "
    "computes for all; update: with the potentials at the sites and the checks, of one process.",
    "step: with fixed charges on one rank, of scaling.md; for sizes that are not in it, in "
    "proportion to the number of atoms.",
    "ranks: where the model's answer takes as long as a step's share of one rank, so that more "
    "ranks gain little, if all else is shared evenly.",
]


def main(
    repeats: Annotated[int, typer.Option(min=3)] = 30,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path(__file__).parent,
) -> None:
    """Compare TorchScript and AOTInductor packages of the models that voxion brings."""
    with report_errors(), tempfile.TemporaryDirectory() as work:
        torch.set_num_threads(1)
        results: dict[str, Any] = {"environment": environment("lammps"), "repeats": repeats}
        results["rows"] = [
            _measure(name, path, copies, repeats, Path(work))
            for name, path in MODELS.items()
            for copies in (COPIES if name == "embedded" else (1,))
        ]
        how = f"Medians of {repeats} calls in turn, processor time, one thread."
        page = Page("Models as TorchScript and as package", describe(finished(results), how))
        head = ["model", "electrode atoms", "largest difference, e"]
        for what in ("model", "update"):
            head += [f"{what}: TorchScript, ms", "package, ms", "ratio"]
        page.table("Answers of models", head, [_answer_cells(row) for row in results["rows"]])
        steps = _steps()
        head = ["electrode atoms", "step, ms", "ranks, TorchScript", "ranks, package"]
        sizes = [row for row in results["rows"] if row["model"] == "embedded"]
        page.table("Where one rank's part limits", head, [_rank_cells(r, steps) for r in sizes])
        page.notes(NOTES)
        page.write(out, "formats", results)


def _measure(name: str, archive: Path, copies: int, repeats: int, work: Path) -> dict[str, Any]:
    configuration = tiled(demonstration(), copies)
    total = TOTAL_CHARGE * copies**2
    package = _packaged(archive, configuration, total, work / f"{archive.stem}.pt2")
    models = {"torchscript": str(archive), "package": str(package)}
    inputs = _model_inputs(archive, configuration, total)
    sources, charges, surface, cell = configuration
    actions: dict[str, Callable[[], Any]] = {}
    for form, path in models.items():
        model, predictor = _core.Model(path), _core.ChargePredictor(path)
        actions[f"model, {form}"] = partial(model.run, "forward", inputs)
        actions[f"update, {form}"] = partial(
            predictor.predict, sources, charges, surface, cell, (True, True, False), total
        )
    answers = [actions[f"model, {form}"]() for form in models]
    times = _times(actions, repeats)
    difference = float(np.abs(answers[0] - answers[1]).max())
    return {"model": name, "atoms": len(surface), "difference": difference, "ms": times}


def _packaged(archive: Path, configuration: Configuration, total: float, path: Path) -> Path:
    fitted = restored(archive)
    contract = fitted.contract
    _, _, surface, cell = configuration
    electrode = Electrode(torch.from_numpy(surface.copy()), torch.from_numpy(cell.copy()), total)
    return write_model_file(
        fitted.model,
        {CONTRACT_FILE: contract.to_json()},
        path,
        check=lambda written: None,
        package=lambda: package_site_potentials(
            fitted.model, electrode, contract.total_charge_input
        ),
    )


def _model_inputs(archive: Path, configuration: Configuration, total: float) -> list[np.ndarray]:
    sources, charges, surface, cell = configuration
    contract = read_contract(archive)
    radial = contract.radial_functions
    assert radial is not None
    potentials = _core.site_potentials(
        surface,
        sources,
        charges,
        cell,
        (True, True, False),
        list(radial.widths),
        radial.cutoff,
        contract.largest_wave_vector,
    )
    return [potentials, surface, cell, *([np.array([total])] * contract.total_charge_input)]


def _times(actions: dict[str, Callable[[], Any]], repeats: int) -> dict[str, float]:
    """Median processor times in ms, of calls in turn after two that are not measured."""
    taken: dict[str, list[float]] = {name: [] for name in actions}
    for repeat in range(repeats + 2):
        for name, action in actions.items():
            start = time.process_time()
            action()
            if repeat >= 2:
                taken[name].append(1e3 * (time.process_time() - start))
    return {name: median(values) for name, values in taken.items()}


def _steps() -> dict[int, float]:
    """Processor time of a step with fixed charges, ms, by number of electrode atoms."""
    scaling = json.loads((Path(__file__).parent / "scaling.json").read_text())
    steps: dict[int, float] = {}
    for system, atoms in scaling["electrode_atoms"].items():
        times = [
            m["processor"] / scaling["steps"]
            for m in scaling["measurements"]
            if m["system"] == system and m["mode"] == "fixed"
        ]
        steps[atoms] = 1e3 * median(times)
    return steps


def _answer_cells(row: dict[str, Any]) -> list[str]:
    cells = [row["model"], str(row["atoms"]), f"{row['difference']:.1g}"]
    for what in ("model", "update"):
        script, package = row["ms"][f"{what}, torchscript"], row["ms"][f"{what}, package"]
        cells += [f"{script:.2f}", f"{package:.2f}", f"{package / script:.2f}"]
    return cells


def _rank_cells(row: dict[str, Any], steps: dict[int, float]) -> list[str]:
    largest = max(steps)
    step = steps.get(row["atoms"], steps[largest] * row["atoms"] / largest)
    ranks = [step / row["ms"][f"model, {form}"] for form in ("torchscript", "package")]
    return [str(row["atoms"]), f"{step:.1f}", *(f"{number:.0f}" for number in ranks)]


if __name__ == "__main__":
    typer.run(main)
