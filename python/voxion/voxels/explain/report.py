"""Everything that is asked of a classifier and one grid: pictures, a page and its numbers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor

from voxion.contract.schema import ClassifierContract
from voxion.errors import VoxionError
from voxion.pages import png_source, render_page
from voxion.similarity import similarity
from voxion.voxels.classifier.network import C3D
from voxion.voxels.explain import plots
from voxion.voxels.explain.attribution import (
    Deletion,
    Integrated,
    deletion_curve,
    grad_cam,
    integrated_gradients,
    randomised,
)
from voxion.voxels.explain.layers import (
    ConvolutionLayer,
    cam_layer,
    convolution_layers,
    load_network,
)
from voxion.voxels.explain.maximisation import (
    MaximisedInput,
    largest_activations,
    maximised_inputs,
)
from voxion.voxels.morphology.length_scales import (
    LengthScales,
    length_scales,
    spatial_correlation,
)
from voxion.voxels.stores.store import VoxelStore, open_store

TEMPLATES = Path(__file__).parent / "templates"
PAGE_FILE = "explanation.html"
FRAMES = 32  # of the store, evenly, to compare maximised inputs with
RANDOM_NETWORKS = 3
DPI = 130

Progress = Callable[[str, int, int], object]


@dataclass(frozen=True)
class Attributions:
    """Attributions of one class on one frame.

    Attributes
    ----------
    label : str
    probabilities : ndarray [K]
    cam : ndarray [nz, ny, nx]
    cam_layer : str
    integrated : Integrated
    deletions : dict of method to Deletion
    random_similarity : dict of method to float
        Rank correlation with the same map of networks with shuffled weights; mean over some.
    """

    label: str
    probabilities: NDArray[np.float64]
    cam: NDArray[np.float64]
    cam_layer: str
    integrated: Integrated
    deletions: dict[str, Deletion]
    random_similarity: dict[str, float]


def explain_model(
    model: str | Path,
    store: str | Path,
    out: str | Path,
    *,
    frame: int = -1,
    label: str | None = None,
    filters: int = 8,
    steps: int = 128,
    seed: int = 0,
    progress: Progress = lambda what, done, total: None,
) -> dict[str, Any]:
    """Look into a classifier with one frame of a store; write pictures, a page and JSON.

    Parameters
    ----------
    model, store : path
        Exported classifier; voxel store with its channels and shape.
    out : path
        New folder: ``explanation.html``, ``explanation.json``, ``maximised.npz`` and PNG pictures.
    frame : int
    label : str, optional
        Class to attribute; the one that the model finds, when left out.
    filters : int
        Most filters of each layer: those that the frames excite most.
    steps, seed : int
        Number of steps, and seed, of the maximisation.
    progress : function
        Called with what is done, how much of it, and of how much.

    Returns
    -------
    dict
        What ``explanation.json`` holds.

    Raises
    ------
    VoxionError
        `out` exists; the store lacks a channel, has another shape or no such frame; no such label.
    """
    out = Path(out)
    if out.exists():
        raise VoxionError(f"{out} exists already: give the name of a new folder.")
    network, contract = load_network(model)
    data = open_store(store)
    _require_fit(data, contract, model)
    grid = torch.from_numpy(data.normalised(frame, contract.channels))
    target = _target(network, grid, contract, label)
    layers = convolution_layers(network)

    rows = np.unique(np.linspace(0, data.frames - 1, min(FRAMES, data.frames)).astype(int))
    frames = (torch.from_numpy(data.normalised(int(i), contract.channels)) for i in rows)
    maximised = _maximise_all(network, layers, frames, filters, steps, seed, progress)
    progress("Attributions", 0, 1)
    attributions = _attribute(network, grid, target, contract, layers, seed)
    progress("Attributions", 1, 1)

    voxels = np.linalg.norm(data.boxes[frame], axis=1) / data.shape[::-1]
    scales = [[_scales(one.grid) for one in group] for group in maximised]
    own = _scales(grid.numpy())
    numbers: dict[str, Any] = {
        "model": str(model),
        "store": str(store),
        "frame": data.row(frame),
        "step": int(data.steps[frame]),
        "frames_compared": len(rows),
        "steps": steps,
        "seed": seed,
        "voxel_edges": voxels.tolist(),
        "length_unit": data.length_unit,
        "label": attributions.label,
        "probabilities": dict(
            zip(contract.labels, attributions.probabilities.tolist(), strict=True)
        ),
        "grad_cam": {"layer": attributions.cam_layer},
        "integrated_gradients": {
            "logit_difference": attributions.integrated.difference,
            "relative_gap": attributions.integrated.gap,
            "points": attributions.integrated.steps,
        },
        "deletion_mean_logit": {
            name: {"attribution": curve.mean, "random": curve.random_mean}
            for name, curve in attributions.deletions.items()
        },
        "similarity_to_randomised": attributions.random_similarity,
        "length_scales_of_frame": asdict(own) if own else None,
        "layers": [
            _describe(layer, group, found)
            for layer, group, found in zip([*layers, None], maximised, scales, strict=True)
        ],
    }
    figures = _figures(grid, contract, layers, maximised, scales, own, attributions)
    _write(out, numbers, figures, maximised, contract)
    return numbers


def _require_fit(data: VoxelStore, contract: ClassifierContract, model: str | Path) -> None:
    data.channel_indices(contract.channels)
    if tuple(data.shape) != tuple(contract.grid):
        raise VoxionError(
            f"{data.path} has grids of {list(data.shape)} voxels (z, y, x), the model {model} "
            f"takes {list(contract.grid)}: give a store of the model's size."
        )
    if not data.frames:
        raise VoxionError(f"{data.path} has no frames yet.")


def _target(network: C3D, grid: Tensor, contract: ClassifierContract, label: str | None) -> int:
    if label is None:
        with torch.no_grad():
            return int(network(grid[None])[0].argmax())
    if label not in contract.labels:
        raise VoxionError(f"The model has no class {label!r}: it has {', '.join(contract.labels)}.")
    return contract.labels.index(label)


def _maximise_all(
    network: C3D,
    layers: Sequence[ConvolutionLayer],
    frames: Any,
    filters: int,
    steps: int,
    seed: int,
    progress: Progress,
) -> list[list[MaximisedInput]]:
    """Return the filters that the frames excite most, layer by layer; then all classes."""
    groups = [*layers, None]
    on_frames = largest_activations(network, groups, frames)
    chosen = [
        np.argsort(-reached, kind="stable")[:filters].tolist() if layer else range(len(reached))
        for layer, reached in zip(groups, on_frames, strict=True)
    ]
    total, done = sum(len(indices) for indices in chosen), 0
    found = []
    for layer, indices, reached in zip(groups, chosen, on_frames, strict=True):

        def advance(count: int) -> None:
            nonlocal done
            done += count
            progress("Maximised inputs", done, total)

        found.append(
            maximised_inputs(
                network, layer, indices, reached, steps=steps, seed=seed, on_done=advance
            )
        )
    return found


def _attribute(
    network: C3D,
    grid: Tensor,
    target: int,
    contract: ClassifierContract,
    layers: Sequence[ConvolutionLayer],
    seed: int,
) -> Attributions:
    layer = cam_layer(layers)
    cam = grad_cam(network, grid, target, layer)
    integrated = integrated_gradients(network, grid, target)
    importance = {"Grad-CAM": cam, "integrated gradients": integrated.attribution.sum(0)}
    others = [randomised(network, seed + i) for i in range(RANDOM_NETWORKS)]
    alike = {
        "Grad-CAM": [similarity(cam, grad_cam(one, grid, target, layer)) for one in others],
        "integrated gradients": [
            similarity(integrated.attribution, integrated_gradients(one, grid, target).attribution)
            for one in others
        ],
    }
    with torch.no_grad():
        probabilities = network(grid[None])[0].double().softmax(0).numpy()
    return Attributions(
        label=contract.labels[target],
        probabilities=probabilities,
        cam=cam,
        cam_layer=layer.name,
        integrated=integrated,
        deletions={
            name: deletion_curve(network, grid, target, values, seed)
            for name, values in importance.items()
        },
        random_similarity={name: float(np.mean(values)) for name, values in alike.items()},
    )


def _scales(grid: NDArray[np.float32]) -> LengthScales | None:
    """Length scales in voxels; None for a grid that is the same everywhere."""
    if float(grid.std(axis=(1, 2, 3)).max()) < plots.UNIFORM:
        return None
    return length_scales(spatial_correlation(grid))


def _describe(
    layer: ConvolutionLayer | None,
    group: Sequence[MaximisedInput],
    scales: Sequence[LengthScales | None],
) -> dict[str, Any]:
    return {
        "layer": layer.name if layer else "classes",
        "receptive_field": layer.receptive_field if layer else None,
        "stride": layer.stride if layer else None,
        "inputs": [
            {
                "index": one.index,
                "activation": one.activation,
                "on_noise": one.on_noise,
                "on_frames": one.on_frames,
                "maximised": one.maximised,
                "length_scales": asdict(found) if found else None,
            }
            for one, found in zip(group, scales, strict=True)
        ],
    }


def _figures(
    grid: Tensor,
    contract: ClassifierContract,
    layers: Sequence[ConvolutionLayer],
    maximised: Sequence[Sequence[MaximisedInput]],
    scales: Sequence[Sequence[LengthScales | None]],
    own: LengthScales | None,
    attributions: Attributions,
) -> dict[str, Figure]:
    names = list(contract.channels)
    return {
        "filters": plots.plot_filters(maximised[:-1], layers, names),
        "classes": plots.plot_classes(maximised[-1], list(contract.labels), names),
        "length_scales": plots.plot_length_scales(scales[:-1], layers, own, contract.grid),
        "correlations": plots.plot_correlations(maximised[:-1], layers, grid.numpy()),
        "attribution": plots.plot_attribution(
            grid.numpy(), attributions.cam, attributions.integrated.attribution, names
        ),
        "deletion": plots.plot_deletion(attributions.deletions, attributions.label),
    }


def _write(
    out: Path,
    numbers: dict[str, Any],
    figures: dict[str, Figure],
    maximised: Sequence[Sequence[MaximisedInput]],
    contract: ClassifierContract,
) -> None:
    """Write all files into a folder beside, which gets its name when it is complete."""
    temporary = out.with_name(f".{out.name}.partial")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    sources = {}
    for name, figure in figures.items():
        picture = temporary / f"{name}.png"
        figure.savefig(picture, dpi=DPI)
        sources[name] = png_source(picture.read_bytes())
    (temporary / "explanation.json").write_text(json.dumps(numbers, indent=2, allow_nan=False))
    grids: Any = {
        one.layer or "classes": np.stack([each.grid for each in group]).astype(np.float16)
        for group in maximised
        for one in group[:1]
    }
    np.savez_compressed(temporary / "maximised.npz", **grids)
    page = render_page(
        TEMPLATES / "explanation.html",
        {"numbers": numbers, "figures": sources, "channels": contract.channels},
    )
    (temporary / PAGE_FILE).write_text(page, encoding="utf-8")
    temporary.replace(out)
