"""Explains a graph model: saliency maps, their checks, and one page with both and its errors."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from rich.progress import track

from voxion.activity.data.domain import familiarity
from voxion.activity.data.table import ActivityData, Floats
from voxion.activity.explain.charged_groups import ChargedGroups, charged_groups, write_table
from voxion.activity.explain.checks import Checks, check_map, shuffled_ensembles
from voxion.activity.explain.drawing import map_svg, plot_maps
from voxion.activity.explain.figures import plot_checks, plot_fold_errors
from voxion.activity.explain.saliency import (
    METHODS,
    Membrane,
    SaliencyMap,
    atom_types,
    load_networks,
    membranes_of,
    normalised,
    predict_gamma,
    saliency,
    type_sums,
)
from voxion.activity.fitting.export import data_hash
from voxion.activity.fitting.figure import plot_parity
from voxion.activity.fitting.fit import SUMMARY_FILE
from voxion.activity.models.estimator import FLOOR, Prediction
from voxion.activity.models.network import ActivityNetwork
from voxion.errors import VoxionError
from voxion.files import replacing
from voxion.pages import png_source, render_page
from voxion.training_folder import torch_threads

TEMPLATES = Path(__file__).parent / "templates"
PAGE_FILE = "page.html"
DPI = 130
Maps = dict[str, SaliencyMap]  # by method
CheckMeans = dict[str, float | None]


def explain_model(
    model: Path, data: ActivityData, out: Path, *, progress: bool = False
) -> dict[str, CheckMeans]:
    """Draw the saliency maps of a model, check them, and write a page.

    Parameters
    ----------
    model : Path
        Graph model of 'voxion activity fit', with its ``summary.json`` beside it if there is one.
    data : ActivityData
        Membranes to explain, measured.
    out : Path
        New folder: ``page.html``, ``saliency.csv`` (sums of atom types), ``atoms.csv``,
        ``table4.csv``, ``table4.md``, ``sanity.csv``, ``sanity.png``, ``maps.png`` and a folder
        ``maps`` of SVG files.
    progress : bool
        Show a progress bar.

    Returns
    -------
    dict of method to dict
        Means over the membranes of what ``sanity.csv`` holds.

    Raises
    ------
    VoxionError
        `out` exists; the model is no graph model or one for other features; a molecule cannot be
        read; a row is wholly outside the training data.
    """
    if out.exists():
        raise VoxionError(f"{out} exists already: give the name of a new folder.")
    networks, contract = load_networks(model)
    familiarity(data, contract)
    membranes = membranes_of(data)
    with torch_threads(1):  # the matrices are small
        maps = [{name: saliency(networks, one, name) for name in METHODS} for one in membranes]
        shuffled = shuffled_ensembles(networks)
        checks = {name: list[Checks]() for name in METHODS}
        for one in track(membranes, "Checks", disable=not progress):
            for name in METHODS:
                checks[name].append(check_map(networks, shuffled, one, name))
        predicted = _predict(networks, data, membranes)
        single = [[saliency([k], one, METHODS[1]) for k in networks] for one in membranes]
    groups = [
        charged_groups(data, one, found[METHODS[1]], apart, predicted)
        for one, found, apart in zip(membranes, maps, single, strict=True)
    ]
    trained_on_these = data_hash(data) == contract.data_hash
    held_out = _held_out(model.parent / SUMMARY_FILE, data) if trained_on_these else {}
    figures = {
        "maps": plot_maps(membranes, [found[METHODS[1]] for found in maps], METHODS[1]),
        "sanity": plot_checks(checks),
    }
    if held_out:
        every = {name: Prediction(v, v, v) for name, v in held_out.items()}
        fitted = Prediction(predicted, predicted, predicted)
        figures["parity"] = plot_parity(data, fitted, every, contract.model)
        figures["errors"] = plot_fold_errors(data, held_out)
    drawings = [map_svg(one, found) for one, found in zip(membranes, maps, strict=True)]
    means = {method: _means(found) for method, found in checks.items()}
    content = {
        "model": model,
        "contract": contract,
        "networks": len(networks),
        "rows": len(data),
        "mae": float(np.abs(predicted - data.measured).mean()),
        "trained_on_these": trained_on_these,
        "held_out": list(held_out),
        "groups": [asdict(one) for one in groups],
        "membranes": [
            {"name": one.name, "svg": drawing, "rows": len(one.rows)}
            for one, drawing in zip(membranes, drawings, strict=True)
        ],
        "checks": means,
        "better": {method: _better(found) for method, found in checks.items()},
    }
    _write(out, content, figures, membranes, maps, checks, groups)
    return means


def _predict(
    networks: Sequence[ActivityNetwork], data: ActivityData, membranes: Iterable[Membrane]
) -> Floats:
    found = np.zeros(len(data))
    for one in membranes:
        found[one.rows] = predict_gamma(networks, one).numpy()
    return np.maximum(found, FLOOR)


def _held_out(summary: Path, data: ActivityData) -> dict[str, Floats]:
    """Return what `fit` predicted for rows that were left out, if it wrote that."""
    try:
        content = json.loads(summary.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise VoxionError(
            f"{summary} cannot be read ({error}): fit the model again with 'voxion activity fit'."
        ) from None
    found = {
        str(name): np.array(values, dtype=np.float64)
        for name, values in content.get("predictions", {}).items()
    }
    return {name: values for name, values in found.items() if values.shape == (len(data),)}


def _means(checks: Sequence[Checks]) -> CheckMeans:
    rows = [_check_row(one) for one in checks]
    return {
        name: None if rows[0][name] is None else float(np.mean([row[name] for row in rows]))
        for name in rows[0]
    }


def _check_row(one: Checks) -> CheckMeans:
    return {
        "members": float(np.mean(one.members)) if one.members else None,
        "shuffled": float(np.mean(one.shuffled)),
        "shuffled_absolute": float(np.mean(np.abs(one.shuffled))),
        **{name: one.deletion.mean(name) for name in ("raising_first", "random", "lowering_first")},
    }


def _better(checks: Sequence[Checks]) -> int:
    """Count the membranes whose map orders atoms better than chance, from both ends."""
    return sum(
        one.deletion.mean("raising_first")
        < one.deletion.mean("random")
        < one.deletion.mean("lowering_first")
        for one in checks
    )


def _write(
    out: Path,
    content: dict[str, Any],
    figures: dict[str, Figure],
    membranes: Sequence[Membrane],
    maps: Sequence[Maps],
    checks: dict[str, list[Checks]],
    groups: Sequence[ChargedGroups],
) -> None:
    """Write all files into a folder beside, which gets its name when it is complete."""
    temporary = out.with_name(f".{out.name}.partial")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        (temporary / "maps").mkdir(parents=True)
        sources = {name: _png(figure) for name, figure in figures.items()}
        for name in ("maps", "sanity"):
            (temporary / f"{name}.png").write_bytes(sources[name])
        for one in content["membranes"]:
            file = temporary / "maps" / f"{one['name'].replace('/', '_')}.svg"
            file.write_text(one["svg"], encoding="utf-8")
        _write_csv(temporary / "saliency.csv", TYPE_COLUMNS, _type_rows(membranes, maps))
        _write_csv(temporary / "atoms.csv", ATOM_COLUMNS, _atom_rows(membranes, maps))
        _write_csv(temporary / "sanity.csv", CHECK_COLUMNS, _check_rows(membranes, checks))
        write_table(groups, temporary)
        embedded = {name: png_source(picture) for name, picture in sources.items()}
        page = render_page(TEMPLATES / "activity.html", {**content, "figures": embedded})
        (temporary / PAGE_FILE).write_text(page, encoding="utf-8")
        temporary.replace(out)
    except OSError as error:
        raise VoxionError(f"{out} cannot be written: {error.strerror or error}.") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI)
    return buffer.getvalue()


TYPE_COLUMNS = ("polymer", "salt", "molecule", "method", "type", "atoms", "sum", "normalised")
ATOM_COLUMNS = ("polymer", "salt", "molecule", "method", "atom", "type", "saliency")
CHECK_COLUMNS = (
    *("polymer", "salt", "method", "members", "shuffled", "shuffled_absolute"),
    *("raising_first", "random", "lowering_first"),
)


def _molecule_maps(
    membranes: Sequence[Membrane], maps: Sequence[Maps]
) -> Iterable[tuple[list[str], list[str], Floats]]:
    """Return the first four columns, the atoms' types and values of each map."""
    for one, found in zip(membranes, maps, strict=True):
        for method, values in found.items():
            for kind in ("polymer", "salt"):
                molecule = getattr(one, kind)
                labels = [one.polymer_name, one.salt_name, kind, method]
                yield labels, atom_types(molecule.structure), getattr(values, kind)


def _type_rows(membranes: Sequence[Membrane], maps: Sequence[Maps]) -> Iterable[list[str]]:
    for labels, types, values in _molecule_maps(membranes, maps):
        sums = type_sums(values, types)
        shares = normalised(sums)
        for name, total in sums.items():
            numbers = [str(types.count(name)), f"{total:.6g}", f"{shares[name]:.4f}"]
            yield [*labels, name, *numbers]


def _atom_rows(membranes: Sequence[Membrane], maps: Sequence[Maps]) -> Iterable[list[str]]:
    for labels, types, values in _molecule_maps(membranes, maps):
        for atom, (name, value) in enumerate(zip(types, values, strict=True)):
            yield [*labels, str(atom), name, f"{value:.6g}"]


def _check_rows(
    membranes: Sequence[Membrane], checks: dict[str, list[Checks]]
) -> Iterable[list[str]]:
    for method, found in checks.items():
        for membrane, one in zip(membranes, found, strict=True):
            values = ["" if v is None else f"{v:.5g}" for v in _check_row(one).values()]
            yield [membrane.polymer_name, membrane.salt_name, method, *values]


def _write_csv(path: Path, header: Sequence[str], rows: Iterable[list[str]]) -> None:
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
