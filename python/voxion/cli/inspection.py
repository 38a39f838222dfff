"""Prints what a model file says of itself: `voxion inspect`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from voxion.contract.archive import file_hash
from voxion.contract.schema import (
    ActivityContract,
    ChargeContract,
    ClassifierContract,
    Contract,
    InputRanges,
    read_contract,
)


def inspect_model(path: str | Path, as_json: bool = False) -> None:
    """Print what a model file says of itself, as a table or as its JSON; the model is not loaded.

    Raises
    ------
    VoxionError
        As `read_contract`.
    """
    contract = read_contract(path, Contract)
    if as_json:
        print(contract.to_json())
        return
    table = Table(title=Text(str(path)), show_header=False, title_justify="left")
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    # as Text, since what a file says must not be taken for markup
    for name, value in _rows(contract):
        table.add_row(name, Text(value))
    Console().print(table)
    print(f"file {file_hash(path)}")  # not in the table, which would break it


def _rows(contract: Contract) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    if isinstance(contract, ChargeContract):
        rows = _charge_rows(contract)
    elif isinstance(contract, ClassifierContract):
        rows = _classifier_rows(contract)
    elif isinstance(contract, ActivityContract):
        rows = _activity_rows(contract)
    return [
        ("kind", f"{contract.kind} (contract {contract.contract_version})"),
        *rows,
        ("training data", contract.data_hash),
        ("made with", f"voxion {contract.voxion_version}, torch {contract.torch_version}"),
    ]


def _classifier_rows(contract: ClassifierContract) -> list[tuple[str, str]]:
    nz, ny, nx = contract.grid
    return [
        ("channels", ", ".join(contract.channels)),
        ("grid", f"{nx} x {ny} x {nz} voxels along x, y, z, spread {contract.spread or 'unknown'}"),
        ("normalisation", f"{contract.normalisation}, each channel of each grid by itself"),
        ("labels", ", ".join(contract.labels)),
        (
            "input ranges",
            _ranges(contract.input_ranges, contract.channels, contract.channel_units),
        ),
    ]


def _charge_rows(contract: ChargeContract) -> list[tuple[str, str]]:
    any_value = "any"
    sources = ", ".join(
        f"{s.name} {s.charge:+g} e" + (f" x {s.count}" if s.count else "") for s in contract.sources
    )
    rows = [
        ("inputs", contract.inputs),
        ("sources", f"{sources}; {contract.source_order}"),
        ("surface atoms", str(contract.surface_atoms or any_value)),
        (
            "total charge",
            any_value if contract.total_charge is None else f"{contract.total_charge:+g} e",
        ),
        (
            "trained cell",
            any_value
            if contract.cell is None
            else "; ".join(" ".join(f"{x:g}" for x in row) for row in contract.cell)
            + f" {contract.length_unit}",
        ),
    ]
    if contract.radial_functions is not None:
        radial = contract.radial_functions
        widths = ", ".join(f"{w:g}" for w in radial.widths)
        rows.append(
            ("radial functions", f"{radial.form}, {widths} 1/angstrom, to {radial.cutoff:g} A")
        )
    if contract.largest_wave_vector is not None:
        rows.append(
            ("plane waves", f"along x and y, to {contract.largest_wave_vector:g} 1/angstrom")
        )
    if contract.plane_offset is not None:
        rows.append(("pair of electrodes", f"plane offset {contract.plane_offset:.4f} A"))
    if contract.corrugation is not None:
        rows.append(("corrugation", f"{contract.corrugation:.4f} A"))
    if contract.layers is not None:
        depths = ", ".join(f"{depth:.3g}" for depth in contract.layers)
        rows.append(("layers", f"{depths} A behind the face"))
    ranges = zip(contract.input_ranges.min, contract.input_ranges.max, strict=True)
    return [
        *rows,
        ("input ranges", ", ".join(f"[{low:.4g}, {high:.4g}]" for low, high in ranges)),
    ]


def _activity_rows(contract: ActivityContract) -> list[tuple[str, str]]:
    features = contract.atom_features or contract.chain_features or ()
    interval = "the model's own"
    if contract.log_interval_known is not None and contract.log_interval_new is not None:
        known, new = math.exp(contract.log_interval_known), math.exp(contract.log_interval_new)
        interval = (
            f"gamma / {known:.3g} to gamma x {known:.3g} for a membrane of the training data, "
            f"/ {new:.3g} to x {new:.3g} for a new one"
        )
    return [
        ("model", contract.model),
        ("inputs", f"{contract.inputs}, {len(features)} features"),
        ("polymers", ", ".join(contract.polymers)),
        ("salts", ", ".join(contract.salts)),
        (
            "input ranges",
            _ranges(contract.input_ranges, contract.numbers, contract.number_units),
        ),
        (f"{contract.coverage:.0%} interval", interval),
    ]


def _ranges(ranges: InputRanges, names: Sequence[str], units: Sequence[str]) -> str:
    parts = zip(names, ranges.min, ranges.max, units, strict=True)
    return "; ".join(
        f"{name} [{low:.4g}, {high:.4g}] {unit}".rstrip() for name, low, high, unit in parts
    )
