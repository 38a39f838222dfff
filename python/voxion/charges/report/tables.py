"""Tables and texts of the report on models of the surface charges."""

from __future__ import annotations

import hashlib
import platform
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voxion.charges.analysis.density import MOLAR, DensityProfile, rms_difference
from voxion.charges.data.dataset import ChargeDataset
from voxion.charges.data.splits import potential_stages
from voxion.charges.evaluation.scores import FramesToScore, Predictions, ScoreReport, Scores
from voxion.contract.schema import ChargeContract
from voxion.engines.build import built_for

PACKAGES = ("voxion", "torch", "numpy", "matplotlib", "MDAnalysis")
REFERENCE_RUN = "reference"
_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class ScoredModel:
    """A model, what it predicted, and its scores."""

    name: str
    path: Path
    contract: ChargeContract
    predictions: Predictions
    scores: ScoreReport

    @property
    def said(self) -> NDArray[np.float64]:
        """Charges to count in bins, [F, M], e.

        A binned network's own; of other models those that engines use.
        """
        return self.predictions.raw if self.binned else self.predictions.charges

    @property
    def binned(self) -> bool:
        """True if it is a network with bins."""
        return self.predictions.bins is not None

    @property
    def has_sum(self) -> bool:
        """True if the sum of its charges is a prediction: some leave the total to the engine."""
        missed = self.predictions.raw.sum(1) - self.predictions.total_charge
        return self.contract.total_charge is not None or bool(np.abs(missed).max() < 1e-6)


def describe_data(
    data: ChargeDataset, chosen: NDArray[np.int64], fingerprint: str
) -> dict[str, str]:
    """Say what a data set is and which of its frames are scored."""
    charges = data.surface_charges()
    names, counts = np.unique(data.species_of_sources, return_counts=True)
    cell = data.cells[0]
    source = dict(data.label_source)
    label = str(source.pop("name", "unknown"))
    settings = ", ".join(_setting(key, value) for key, value in source.items())
    return {
        "Data set": str(data.path),
        "Charges from": label + (f": {settings}" if settings else ""),
        "Surface": f"{data.surface_atoms} atoms, " + _charged(data),
        "Electrolyte": f"{data.sources} atoms: "
        + ", ".join(f"{count} {name}" for name, count in zip(names, counts, strict=True)),
        "Cell": " × ".join(f"{np.linalg.norm(vector):.2f}" for vector in cell)
        + f" Å, periodic along {', '.join(_axes(data)) or 'no axis'}",
        "Frames": f"{data.frames}, from {data.times[0]:g} to {data.times[-1]:g} ps",
        "Scored frames": f"{len(chosen)}, from {data.times[chosen[0]]:g} to "
        f"{data.times[chosen[-1]]:g} ps, {len(chosen) * data.surface_atoms} charges",
        "Charges": f"mean {round(charges.mean(), 4) + 0.0:.4f} e, standard deviation "
        f"{charges.std():.4f} e, from {charges.min():.4f} to {charges.max():.4f} e",
        "Fingerprint": fingerprint,
    }


def _charged(data: ChargeDataset) -> str:
    if data.electrodes is None:
        return f"{data.total_charge:g} e in each frame"
    names = " and ".join(data.electrodes.names)
    potentials = [
        ", ".join(f"{value + 0.0:g}" for value in data.electrodes.potentials[frames[0]])
        for frames in potential_stages(data)
    ]
    return f"electrodes {names} at {'; '.join(potentials)} V"


def _setting(key: str, value: Any) -> str:
    if isinstance(value, dict):
        value = ", ".join(f"{name} {one}" for name, one in value.items())
    return str(value) if key == "description" else f"{key.replace('_', ' ')} {value}"


def _axes(data: ChargeDataset) -> list[str]:
    return [axis for axis, periodic in zip("xyz", data.periodic, strict=True) if periodic]


def describe_models(models: Sequence[ScoredModel], fingerprint: str) -> dict[str, Any]:
    """Put what contracts say in a column each; `fingerprint` is the data set's."""
    columns = [_describe_model(one, fingerprint) for one in models]
    rows = {key: [column[key] for column in columns] for key in columns[0]}
    return {"names": [one.name for one in models], "rows": rows}


def _describe_model(model: ScoredModel, fingerprint: str) -> dict[str, str]:
    contract = model.contract
    radial = contract.radial_functions
    same = contract.data_hash == fingerprint
    return {
        "File": str(model.path),
        "SHA-256": hashlib.sha256(model.path.read_bytes()).hexdigest(),
        "Inputs": contract.inputs
        + (
            ""
            if radial is None
            else f": {radial.form}, widths {', '.join(f'{w:g}' for w in radial.widths)} 1/Å, "
            f"cutoff {radial.cutoff:g} Å"
        )
        + (
            ""
            if contract.largest_wave_vector is None
            else f", plane waves to {contract.largest_wave_vector:g} 1/Å"
        ),
        "Sources": ", ".join(
            f"{s.name} {s.charge:+g} e" + (f" × {s.count}" if s.count else "")
            for s in contract.sources
        ),
        "Surface atoms": str(contract.surface_atoms or "any number"),
        "Total charge": "left to the engine"
        if contract.total_charge is None
        else f"{contract.total_charge:g} e",
        "Cell": "any"
        if contract.cell is None
        else " × ".join(f"{np.linalg.norm(vector):.2f}" for vector in contract.cell) + " Å",
        "Trained on": contract.data_hash
        + (" (this data set)" if same else " (other data, or more or fewer)"),
        "Made with": f"voxion {contract.voxion_version}, torch {contract.torch_version}",
    }


def score_tables(models: Sequence[ScoredModel]) -> dict[str, Any]:
    """Scores of models and baselines, and bins where there are any."""
    first = models[0].scores
    rows = [(one.name, one.scores.model) for one in models]
    rows += [("constant", first.constant), ("each atom's mean", first.atom_mean)]
    binned = [
        (one.name, name, _percent(scores.bin_accuracy), _percent(scores.bin_accuracy_filtered))
        for one in models
        if one.binned
        for name, scores in (
            ("model", one.scores.model),
            ("constant", one.scores.constant),
            ("each atom's mean", one.scores.atom_mean),
        )
    ]
    return {"rows": [(name, *score_cells(scores)) for name, scores in rows], "binned": binned}


def electrode_table(models: Sequence[ScoredModel]) -> list[tuple[str, ...]]:
    """Model, electrode, mean charge, deviation at one potential, error, its share (%)."""
    return [
        (
            model.name,
            one.name,
            f"{one.mean:.4f}",
            f"{one.deviation:.4f}",
            f"{one.rmse:.2e}",
            f"{one.rmse / one.deviation:.2%}" if one.deviation > 0 else "",
        )
        for model in models
        for one in model.scores.electrodes
    ]


def score_cells(scores: Scores) -> tuple[str, ...]:
    """Write MAE, RMSE and largest error (1e-3 e), R2, and the share within epsilon."""
    return (
        *(f"{error * 1e3:#.3g}".rstrip(".") for error in (scores.mae, scores.rmse, scores.largest)),
        f"{round(scores.r2, 5) + 0.0:.5f}",
        _percent(scores.within_epsilon),
    )


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"


def species_labels(data: ChargeDataset) -> dict[str, str]:
    """Species with a density profile, and their names on the page: solvent first, then ions."""
    names, counts = np.unique(data.species_of_sources, return_counts=True)
    charges = {
        name: float(data.source_charges[data.species_of_sources == name][0])
        for name in names.tolist()
    }
    ions = [n for n, q in charges.items() if round(q) != 0 and abs(q - round(q)) < 1e-6]
    solvent = {n: c for n, c in zip(names.tolist(), counts.tolist(), strict=True) if n not in ions}
    labels = {}
    if solvent:
        name = "O" if "O" in solvent else max(solvent, key=lambda one: solvent[one])
        water = name == "O" and solvent.get("H") == 2 * solvent["O"]
        labels[name] = "water" if water else name
    for name in sorted(ions, key=lambda one: -charges[one]):
        labels[name] = name + _superscript(round(charges[name]))
    return labels


def _superscript(charge: int) -> str:
    digits = "" if abs(charge) == 1 else str(abs(charge)).translate(_RAISED)
    return digits + ("⁺" if charge > 0 else "⁻")


def profile_table(
    labels: Mapping[str, str], profiles: Mapping[str, Mapping[str, DensityProfile]]
) -> dict[str, Any] | None:
    """Bulk densities and highest bins of all runs, and how far they are from the reference."""
    if not profiles:
        return None
    rows = []
    for species, label in labels.items():
        reference = profiles[REFERENCE_RUN][species]
        for run, of_run in profiles.items():
            one = of_run[species]
            distance, height, error = one.highest()
            same = run == REFERENCE_RUN
            rows.append(
                (
                    label,
                    run,
                    f"{one.bulk * MOLAR:.3f} ± {one.bulk_error * MOLAR:.3f}",
                    f"{height:.2f} ± {error:.2f}",
                    f"{distance:.1f}",
                    "" if same else f"{rms_difference(one, reference):.2f}",
                )
            )
    some = profiles[REFERENCE_RUN][next(iter(labels))]
    return {
        "rows": rows,
        "bulk": some.bulk_range,
        "blocks": some.blocks,
        "frames": {name: next(iter(of.values())).frames for name, of in profiles.items()},
        "bin": float(np.diff(some.distance)[0]),
        "others": len(profiles) > 1,
    }


def provenance(
    dataset: str | Path,
    models: Sequence[str | Path],
    runs: Mapping[str, str | Path],
    output: Path,
    frames: FramesToScore,
) -> dict[str, Any]:
    """Say when, with which versions and by which command the report was written."""
    command = ["voxion", "charges", "report", str(dataset), *map(str, models)]
    for name, path in runs.items():
        command += ["--run", f"{name}={path}"]
    if frames != "held-out":
        command += ["--select", frames]
    versions = {name: metadata.version(name) for name in PACKAGES}
    versions["LAMMPS"] = built_for().lammps.version
    return {
        "command": shlex.join([*command, "--out", str(output)]),
        "versions": {"Python": platform.python_version(), **versions},
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
    }
