"""One HTML page to look at a voxel store: slices, isosurfaces, values and classes over time.

It is one file that opens offline: plotly.js and the grids are inside. To keep it small, frames are
left out evenly, large grids are averaged over blocks, and values have 16 bits; the page says so.
The text and the script are in ``templates/voxels.html``; here is what they are filled with.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from voxion.files import replacing
from voxion.pages import render_page
from voxion.units import typeset
from voxion.voxels.stores.store import VoxelStore

TEMPLATES = Path(__file__).parent / "templates"
_GRID_BYTES = 5 * 2**20  # of the embedded grids, as base64
_MOST_FRAMES = 40
_MOST_VOXELS = 48  # along each direction
_MOST_MEANS = 500  # frames whose mean is computed


def write_page(
    store: VoxelStore, output: str | Path = "voxels.html", *, progress: bool = False
) -> Path:
    """Write the page of a store.

    Parameters
    ----------
    store : VoxelStore
    output : path
        HTML file to write.
    progress : bool
        Show a progress bar.

    Returns
    -------
    Path
        `output`.

    Raises
    ------
    VoxionError
        The store has no frames or a damaged one, or `output` cannot be written.
    """
    from plotly.offline import get_plotlyjs

    output = Path(output)
    store.row(0)  # refuses a store without frames
    content = {
        "store": store,
        "facts": _facts(store),
        "length_unit": typeset(store.length_unit),
        "plotly": get_plotlyjs(),
        **_contents(store, progress),
    }
    text = render_page(TEMPLATES / "voxels.html", content)
    with replacing(output) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return output


def _contents(store: VoxelStore, progress: bool) -> dict[str, Any]:
    """Grids and series, read in one pass over the frames that either of them needs."""
    shape = tuple(min(n, _MOST_VOXELS) for n in store.shape)
    frame_bytes = 2 * len(store.channels) * int(np.prod(shape)) * 4 // 3
    shown = _evenly(store.frames, min(_MOST_FRAMES, max(1, _GRID_BYTES // frame_bytes)))
    averaged = _evenly(store.frames, _MOST_MEANS)
    frames: list[dict[str, Any]] = []
    means: list[list[float]] = []
    for i in track(sorted({*shown, *averaged}), "Reading", disable=not progress):
        grid = store.grid(i)
        if i in averaged:
            means.append(grid.mean(axis=(1, 2, 3), dtype=float).tolist())
        if i in shown:
            frames.append(_frame(store, i, _block_means(grid, shape)))
    data = {
        "channels": store.channels,
        "units": [typeset(unit) for unit in store.units],
        "shape": shape,
        "frames": frames,
        "lengthUnit": typeset(store.length_unit),
        "timeUnit": typeset(store.time_unit),
        "times": store.times.tolist(),
        "minimum": store.minimum.T.tolist(),
        "maximum": store.maximum.T.tolist(),
        "meanTimes": store.times[averaged].tolist(),
        "mean": np.array(means).T.tolist(),
        "labels": store.labels,
        "probability": None if store.probability is None else store.probability.T.tolist(),
    }
    return {
        # nothing in it may end the script early
        "data": json.dumps(data).replace("<", "\\u003c"),
        "shown": len(shown),
        "averaged": len(averaged),
        "coarse": None if shape == store.shape else shape,
        "sheared": _is_sheared(store.boxes),
    }


def _frame(store: VoxelStore, index: int, grid: NDArray[np.float64]) -> dict[str, Any]:
    low, high = grid.min(axis=(1, 2, 3)), grid.max(axis=(1, 2, 3))
    span = np.where(high > low, high - low, 1.0)
    levels = np.rint((grid - low[:, None, None, None]) / span[:, None, None, None] * 65535)
    return {
        "step": int(store.steps[index]),
        "time": float(store.times[index]),
        "lengths": np.linalg.norm(store.boxes[index], axis=1).tolist(),
        "low": low.tolist(),
        "span": span.tolist(),
        "levels": [base64.b64encode(c.astype("<u2").tobytes()).decode() for c in levels],
    }


def _block_means(grid: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Average blocks of voxels so that [C, *shape] remains; blocks differ by one voxel at most."""
    values = grid.astype(np.float64)
    for axis, count in enumerate(shape, start=1):
        edges = np.linspace(0, values.shape[axis], count + 1).astype(int)
        sizes = np.diff(edges).reshape([-1 if a == axis else 1 for a in range(values.ndim)])
        values = np.add.reduceat(values, edges[:-1], axis=axis) / sizes
    return values


def _evenly(frames: int, most: int) -> list[int]:
    """At most `most` frame numbers, the first and the last among them."""
    if most == 1:
        return [frames - 1]
    return sorted({round(i) for i in np.linspace(0, frames - 1, min(frames, most)).tolist()})


def _is_sheared(boxes: NDArray[np.float64]) -> bool:
    products = boxes @ boxes.transpose(0, 2, 1)
    lengths = np.sqrt(np.einsum("fii->fi", products))
    cosines = products / (lengths[:, :, None] * lengths[:, None, :])
    return bool(np.any(np.abs(cosines - np.eye(3)) > 1e-6))


def _facts(store: VoxelStore) -> dict[str, str]:
    """Rows of the table of metadata."""
    nz, ny, nx = store.shape
    attrs, unit = store.attrs, typeset(store.length_unit)
    lengths = np.linalg.norm(store.boxes, axis=2).mean(axis=0)
    rows = {
        "Store": str(store.path),
        "Frames": f"{store.frames}, the last of step {store.steps[-1]}",
        "Voxels": f"{nx} × {ny} × {nz} (x, y, z), "
        + " × ".join(f"{v:.3g}" for v in lengths / (nx, ny, nz))
        + f" {unit} on average",
        "Box": " × ".join(f"{v:.4g}" for v in lengths) + f" {unit}, mean lengths of its edges",
        "Periodic": ", ".join(
            f"{axis} {'yes' if p else 'no'}" for axis, p in zip("xyz", store.periodic, strict=True)
        ),
        "Channels": ", ".join(
            f"{name} ({typeset(u)})" for name, u in zip(store.channels, store.units, strict=True)
        ),
    }
    names = {
        "group": "Group of atoms",
        "spread": "Spreading",
        "engine": "Engine",
        "unit_style": "Units of the run",
        "voxion_version": "voxion",
        "id": "ID of the run",
    }
    window = attrs.get("window")
    if window:
        rows["Window"] = (
            f"{window['repeat']} samples, one every {window['every']} steps, "
            f"each {window['period']} steps"
        )
    if store.labels is not None:
        rows["Classifier"] = str(attrs.get("classifier", {}).get("model", "unknown"))
        rows["Classes"] = ", ".join(store.labels)
    return rows | {text: str(attrs[key]) for key, text in names.items() if key in attrs}
