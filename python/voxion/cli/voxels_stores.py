"""The commands of `voxion voxels` for stores: info, pack, convert, page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from voxion.cli.options import SELECTED_FRAME, STORE_FILE, AsJson, Force, output, print_json
from voxion.errors import VoxionError

console = Console()

Store = Annotated[Path, typer.Argument(help="Voxel store, of a run or packed.")]


def info(
    store: Store,
    as_json: AsJson = False,
) -> None:
    """Show what is in a store: frames, channels, voxels, box, classifier."""
    facts = _facts(store)
    if as_json:
        print_json(facts)
        return
    for name, value in facts.items():
        if value is not None:
            console.print(f"{name.replace('_', ' ')}: {_text(value)}", highlight=False)


def pack(
    store: Store,
    out: Annotated[Path, typer.Option(help="Packed store to write (folder).")],
    force: Force = False,
) -> None:
    """Compress a finished store without loss, with many frames in a file, and compare the two."""
    from voxion.voxels.stores.pack import pack_store

    with output(out, force, kind=STORE_FILE):
        result = pack_store(store, out, progress=console.is_terminal)
    console.print(
        f"{result.path}: {result.frames} frames in {result.files} files, "
        f"{result.packed_bytes / 1e6:.2f} MB instead of {result.source_bytes / 1e6:.2f} MB "
        f"({result.ratio:.2f} times smaller), the same bit by bit",
        soft_wrap=True,
        highlight=False,
    )


def convert(
    store: Store,
    out: Annotated[
        Path,
        typer.Option(
            help="File to write: .cube, .dx (one channel of a frame), .vti (all channels of a "
            "frame) or .h5 (all frames)."
        ),
    ],
    select: Annotated[
        int | None,
        typer.Option(help=SELECTED_FRAME, show_default="the last"),
    ] = None,
    channel: Annotated[
        list[str] | None, typer.Option(help="Name of a channel; repeatable.", show_default="all")
    ] = None,
    force: Force = False,
) -> None:
    """Write grids for VMD, PyMOL, ParaView, OVITO or h5py; the suffix names the format."""
    from voxion.voxels.stores.exporters import FRAME_FORMATS, export_frame, export_hdf5
    from voxion.voxels.stores.store import open_store

    suffix = out.suffix.lower()
    if suffix not in (*FRAME_FORMATS, ".h5"):
        formats = ", ".join((*FRAME_FORMATS, ".h5"))
        raise VoxionError(f"{out} does not end in a known format: expected {formats}.")
    if suffix == ".h5" and select is not None:
        raise VoxionError("An .h5 file holds all frames: leave out --select.")
    opened = open_store(store)
    with output(out, force):
        if suffix == ".h5":
            export_hdf5(opened, out, channel or None, progress=console.is_terminal)
        else:
            export_frame(opened, -1 if select is None else select, out, channel or None)
    console.print(f"{out} ({out.stat().st_size / 1e6:.2f} MB)", soft_wrap=True, highlight=False)


def page(
    store: Store,
    out: Annotated[Path, typer.Option(help="HTML file to write.")] = Path("voxels.html"),
    force: Force = False,
) -> None:
    """Write a page with slices, isosurfaces and values over time; it opens in any browser."""
    from voxion.voxels.stores.page import write_page
    from voxion.voxels.stores.store import open_store

    with output(out, force):
        path = write_page(open_store(store), out, progress=console.is_terminal)
    console.print(f"{path} ({path.stat().st_size / 1e6:.1f} MB)", soft_wrap=True, highlight=False)


def _facts(path: Path) -> dict[str, Any]:
    from voxion.voxels.stores.store import open_store

    store = open_store(path)
    nz, ny, nx = store.shape
    some = store.frames > 0
    return {
        "store": str(path),
        "frames": store.frames,
        "steps": [int(store.steps[0]), int(store.steps[-1])] if some else None,
        "times": [float(store.times[0]), float(store.times[-1])] if some else None,
        "time_unit": store.time_unit,
        "channels": dict(zip(store.channels, store.units, strict=True)),
        "voxels": [nx, ny, nz],
        "box": store.boxes[-1].tolist() if some else None,
        "length_unit": store.length_unit,
        "periodic": list(store.periodic),
        "labels": list(store.labels) if store.labels is not None else None,
        "packed": bool(store.attrs.get("packed", False)),
        **{
            name: store.attrs.get(name)
            for name in ("window", "group", "spread", "unit_style", "engine", "classifier", "id")
        },
        "bytes": sum(file.stat().st_size for file in path.rglob("*") if file.is_file()),
    }


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} ({_text(one)})" for name, one in value.items())
    if isinstance(value, list):
        return ", ".join(_text(one) for one in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
