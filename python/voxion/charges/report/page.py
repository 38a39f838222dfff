"""One HTML page that shows what models of the surface charges are worth on a data set.

It is one file: figures are embedded, nothing is loaded from elsewhere. The text is in
``templates/report.html``; here is what it is filled with.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from voxion.charges.analysis.density import BLOCKS, DensityProfile, density_profiles
from voxion.charges.analysis.pair_density import pair_densities
from voxion.charges.data.bins import BIN_WIDTH, EPSILON
from voxion.charges.data.dataset import ChargeDataset
from voxion.charges.data.opening import open_dataset
from voxion.charges.data.splits import split_dataset
from voxion.charges.evaluation.scores import FramesToScore, Predictions, predict
from voxion.charges.evaluation.scores import report as score_predictions
from voxion.charges.models.planar_pair import planar_pair
from voxion.charges.report.pair_plots import plot_electrode_charges, plot_pair_densities
from voxion.charges.report.plots import (
    charge_histogram,
    plot_histograms,
    plot_parity,
    plot_profiles,
    plot_s_curves,
    plot_series,
    plot_total_charges,
)
from voxion.charges.report.sheet_map import plot_error_map
from voxion.charges.report.tables import (
    REFERENCE_RUN,
    ScoredModel,
    describe_data,
    describe_models,
    electrode_table,
    profile_table,
    provenance,
    score_tables,
    species_labels,
)
from voxion.charges.sampling.electrolyte_runs import DatasetRun, open_run, sheet_height
from voxion.contract.schema import read_contract
from voxion.errors import VoxionError
from voxion.files import replacing
from voxion.pages import render_page

TEMPLATES = Path(__file__).parent / "templates"
# Text as outlines: a page looks the same where the fonts are missing
SVG: Any = {"svg.fonttype": "path", "svg.hashsalt": "voxion"}


def make_report(
    dataset: str | Path,
    models: Sequence[str | Path],
    runs: Mapping[str, str | Path] | None = None,
    output: str | Path = "report.html",
    *,
    frames: FramesToScore = "held-out",
    progress: bool = False,
) -> Path:
    """Write the report of models on a data set.

    Parameters
    ----------
    dataset : path
        Data set with reference charges, of one sheet or of two planar electrodes at potentials;
        also the reference of the density profiles.
    models : sequence of path
        Exported models, at least one.
    runs : mapping of name to path, optional
        Other runs of the system for the density profiles: data sets, or ``TOPOLOGY,TRAJECTORY`` of
        LAMMPS. Not for two electrodes.
    output : path
        HTML file to write.
    frames : "held-out" or "all"
        Frames to score: the last tenth, which a training split by time has not used, or all.
    progress : bool
        Show progress bars.

    Returns
    -------
    Path
        `output`.

    Raises
    ------
    VoxionError
        No model is given, an input cannot be read, or a model does not fit the data set.
    """
    if not models:
        raise VoxionError("A report needs at least one model, found none.")
    runs, output = dict(runs or {}), Path(output)
    if output.is_dir():
        raise VoxionError(f"{output} is a folder; give the name of an HTML file to write.")
    if REFERENCE_RUN in runs:
        raise VoxionError(f"A run cannot be named {REFERENCE_RUN!r}, which is the data set.")
    data = open_dataset(dataset)
    _check_surface(data, runs)
    parts = split_dataset(data)
    chosen = np.arange(data.frames) if frames == "all" else parts.held_out
    scored = [
        _score(name, path, data, chosen, parts.seen, progress)
        for name, path in zip(model_names(models), models, strict=True)
    ]
    figures = _figures(data, chosen, scored)
    profiles: dict[str, dict[str, DensityProfile]] = {}
    no_profiles = None
    if data.electrodes is None:
        profiles, no_profiles = _profiles(data, runs, progress)
        if profiles:
            figures["profiles"] = _embed(plot_profiles(profiles, species_labels(data)))
    else:
        figures |= _pair_figures(data, chosen, scored)
    fingerprint = data.fingerprint()
    content = {
        "title": data.title,
        "epsilon": EPSILON,
        "bin_width": BIN_WIDTH,
        "frames": frames,
        "data": describe_data(data, chosen, fingerprint),
        "models": describe_models(scored, fingerprint),
        "scores": score_tables(scored),
        "baseline": scored[0].scores.constant,
        "best": min(scored, key=lambda one: one.scores.model.mae),
        "without_sum": [one.name for one in scored if not one.has_sum],
        "figures": figures,
        "electrodes": electrode_table(scored),
        "blocks": BLOCKS,
        "profiles": profile_table(species_labels(data), profiles),
        "no_profiles": no_profiles,
        "provenance": provenance(dataset, models, runs, output, frames),
    }
    return _write(output, content)


def _check_surface(data: ChargeDataset, runs: Mapping[str, str | Path]) -> None:
    if data.electrodes is None:
        sheet_height(data.surface_positions, str(data.path))
        return
    planar_pair(data)
    if runs:
        raise VoxionError(
            f"{data.path} has two electrodes: density profiles of other runs "
            f"({', '.join(runs)}) are drawn for one sheet only; leave --run out."
        )


def model_names(paths: Sequence[str | Path]) -> list[str]:
    """Short names that tell model files apart: the file's, else its folder's, else the path.

    Raises
    ------
    VoxionError
        A model is given twice.
    """
    files = [Path(path) for path in paths]
    resolved = [file.resolve() for file in files]
    if len(set(resolved)) < len(files):
        raise VoxionError("A model is given twice: give each model once.")
    names = [
        file.parent.name if file.stem == "model" and file.parent.name else file.stem
        for file in resolved
    ]
    if len(set(names)) < len(names):
        return [str(file) for file in files]
    return names


def _score(
    name: str,
    path: str | Path,
    data: ChargeDataset,
    chosen: Any,
    known: Any,
    progress: bool,
) -> ScoredModel:
    predictions = predict(path, data, chosen, known, progress)
    return ScoredModel(
        name=name,
        path=Path(path),
        contract=read_contract(path),
        predictions=predictions,
        scores=score_predictions(predictions, path, data.path),
    )


def _figures(data: ChargeDataset, chosen: Any, models: Sequence[ScoredModel]) -> dict[str, Any]:
    times, reference = data.times[chosen], models[0].predictions.reference
    # models without bins are counted in those of one that has them, so that figures compare
    bins = [one.predictions.bins for one in models if one.predictions.bins]
    minimum = bins[0].minimum if bins else float(data.surface_charges().min())
    frame = typical_frame(models[0].predictions)
    baselines = {
        "constant": models[0].predictions.constant - reference,
        "each atom's mean": models[0].predictions.atom_means - reference,
    }
    sums = {}
    sheets = {"the sheet": np.ones(data.surface_atoms, bool)}
    if data.electrodes is None:
        sums = {one.name: one.predictions.raw.sum(1) for one in models if one.has_sum}
    else:
        members = data.electrodes.members()
        sheets = {f"electrode {name}": atoms for name, atoms in members.items()}
    return {
        "histograms": [
            (one, _embed(plot_histograms(_histogram(one, minimum), one.name))) for one in models
        ],
        "sums": _embed(plot_total_charges(times, sums, data.total_charge)) if sums else None,
        "maps": [
            (
                one,
                electrode,
                _embed(
                    plot_error_map(
                        data.surface_positions[atoms],
                        data.cells[chosen[frame]],
                        reference[frame, atoms],
                        one.predictions.charges[frame, atoms],
                        one.name,
                    )
                ),
            )
            for one in models
            for electrode, atoms in sheets.items()
        ],
        "map_time": f"{times[frame]:g} ps",
        "s_curves": _embed(
            plot_s_curves({m.name: m.predictions.charges - reference for m in models}, baselines)
        ),
        "parity": [(one, _embed(plot_parity(reference, one.said, one.name))) for one in models],
        "series": _embed(
            plot_series(times, reference, {m.name: m.predictions.charges for m in models})
        ),
    }


def _pair_figures(
    data: ChargeDataset, chosen: Any, models: Sequence[ScoredModel]
) -> dict[str, Any]:
    """Figures that two electrodes at a voltage have beside those of one sheet."""
    pair = planar_pair(data)
    upper = models[0].predictions.electrodes[pair.upper]
    predicted = {one.name: one.predictions.electrodes[pair.upper].predicted for one in models}
    labels = species_labels(data)
    return {
        "electrode_charges": _embed(plot_electrode_charges(data.times[chosen], upper, predicted)),
        "densities": _embed(plot_pair_densities(pair_densities(data, list(labels)), labels)),
    }


def _histogram(model: ScoredModel, minimum: float) -> Any:
    bins = model.predictions.bins
    return charge_histogram(
        model.predictions.reference, model.said, minimum if bins is None else bins.minimum
    )


def typical_frame(predictions: Predictions) -> int:
    """Find the frame whose root mean square error is the median one."""
    errors = np.square(predictions.charges - predictions.reference).mean(1)
    return int(np.argsort(errors)[len(errors) // 2])


def _profiles(
    data: ChargeDataset, runs: Mapping[str, str | Path], progress: bool
) -> tuple[dict[str, dict[str, DensityProfile]], str | None]:
    """Profiles of all runs; or why there are none, when nobody asked for them."""
    species = list(species_labels(data))
    try:
        profiles = {REFERENCE_RUN: density_profiles(DatasetRun(data), species, progress=progress)}
    except VoxionError as error:
        if runs:
            raise
        return {}, str(error)
    for name, path in runs.items():
        run = open_run(path, species, data.periodic[2])
        profiles[name] = density_profiles(run, species, progress=progress)
    return profiles, None


def _embed(figure: Figure) -> str:
    """Turn a figure into a data address."""
    buffer = io.BytesIO()
    with matplotlib.rc_context(SVG):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(buffer.getvalue()).decode()


def _write(output: Path, content: Mapping[str, Any]) -> Path:
    text = render_page(TEMPLATES / "report.html", dict(content))
    with replacing(output) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return output
