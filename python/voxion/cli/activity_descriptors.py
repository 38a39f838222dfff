"""The command `voxion activity descriptors`: the 12 solvation descriptors of a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from voxion.cli.options import AsJson, Force, output, print_json, print_path
from voxion.cli.trajectories import SelectFrames, open_frames
from voxion.errors import VoxionError

if TYPE_CHECKING:
    from voxion.activity.descriptors.clusters import ClusterSizes
    from voxion.activity.descriptors.solvation import PairDistribution

console = Console()
DISTRIBUTIONS_FILE = "rdf.csv"
SUMMARY_FILE = "summary.json"


def descriptors(
    topology: Annotated[Path, typer.Argument(help="LAMMPS data file, or .gro or .tpr of GROMACS.")],
    trajectory: Annotated[
        list[Path],
        typer.Argument(
            help="LAMMPS dump or .dcd; .xtc or .trr of either. Several are read in order, also "
            "those of independent runs."
        ),
    ],
    counter_ion: Annotated[
        str, typer.Option(help="Selection of the mobile ions, in MDAnalysis' language: 'name NA'.")
    ],
    tethered: Annotated[
        str,
        typer.Option(
            help="Selection of the tethered charges: O of sulfonates, N of ammoniums, as the "
            "published data have them."
        ),
    ],
    water: Annotated[str, typer.Option(help="Selection of the oxygen atoms of water.")],
    out: Annotated[Path, typer.Option(help="Folder to write: tables and figures.")],
    select: SelectFrames = ":",
    rmax: Annotated[float, typer.Option(help="Largest distance, angstrom.")] = 10.0,
    bins: Annotated[int, typer.Option(min=1, help="Number of bins up to RMAX.")] = 500,
    atoms_per_charge: Annotated[
        float,
        typer.Option(help="Number of atoms in TETHERED for each charge; 3 for O of sulfonates."),
    ] = 1.0,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Compute the 12 solvation descriptors of a run, with error bars, and its water clusters."""
    import warnings

    from voxion.activity.descriptors.solvation import SolvationDescriptors
    from voxion.files import write_json

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MDAnalysis: elements and masses that it guesses
        universe, frames = open_frames(select, topology, *trajectory)
        analysis = SolvationDescriptors(
            universe, counter_ion, tethered, water, rmax, bins, atoms_per_charge
        )
        shown = console.is_terminal and not as_json
        analysis.run(frames=frames, verbose=shown)
    found = analysis.results
    summary = {
        "frames": analysis.n_frames,
        "water_per_ion": analysis.water_per_ion,
        "descriptors": found.descriptors,
        "errors": found.errors,
        "missing": found.missing,
    }
    with output(out, force, kind=DISTRIBUTIONS_FILE):
        _write_distributions(out / DISTRIBUTIONS_FILE, found.pairs)
        _write_clusters(out / "clusters.csv", found.clusters)
        _draw(out, found.pairs, found.clusters)
        write_json(out / SUMMARY_FILE, summary)
    if not as_json:
        console.print(_table(found.descriptors, found.errors, analysis.n_frames))
        console.print(_clusters_line(found.clusters), soft_wrap=True)
        if found.blocks == 1:
            console.print("One frame: no error bars, and noise is judged by counts alone.")
    path = out / "descriptors.csv"
    if found.missing:
        raise VoxionError(
            f"{'; '.join(found.missing)}. {path} needs all 12 and was not written. Look at "
            f"{out / 'rdf.png'}: analyse more frames if it is noisy, take a larger --rmax if the "
            "minimum lies further out; it may also be that these atoms have no shell."
        )
    _write_descriptors(path, analysis.water_per_ion, found.descriptors, found.errors)
    if as_json:
        print_json(summary)
        return
    print_path(console, "Descriptors", path)


def _table(values: dict[str, float], errors: dict[str, float], frames: int) -> Table:
    from voxion.activity.data.table import DESCRIPTORS

    plural = "s" if frames > 1 else ""
    table = Table(title=f"Solvation descriptors, {frames} frame{plural}", title_justify="left")
    for name, justify in (("descriptor", "left"), ("value", "right"), ("error", "right")):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    absent = {"r_min": "no minimum", "cn": "no minimum"}
    for name in DESCRIPTORS:
        if name in values:
            error = f"{errors[name]:.2g}" if name in errors else "unknown"
            table.add_row(name, f"{values[name]:.4g}", error)
        else:
            quantity = name.removesuffix("_water").removesuffix("_ion").rsplit("_", 1)[0]
            has_peak = name.replace(quantity, "r_peak", 1) in values
            table.add_row(name, absent.get(quantity, "") if has_peak else "no peak", "")
    return table


def _clusters_line(clusters: ClusterSizes) -> str:
    error = "" if clusters.largest_error is None else f" ± {100 * clusters.largest_error:.1f}"
    return (
        f"Water clusters: {clusters.mean:.3g} molecules on average, {clusters.weight_mean:.3g} by "
        f"weight; {100 * clusters.largest:.1f}{error} % of the molecules in the largest."
    )


def _write_descriptors(
    path: Path, water_per_ion: float, values: dict[str, float], errors: dict[str, float]
) -> None:
    from voxion.activity.data.table import WATER
    from voxion.files import write_csv

    # what is not known has no column: an empty field would be read as a number by some
    row = {WATER: water_per_ion, **values, **{f"{n}_error": e for n, e in errors.items()}}
    write_csv(path, list(row), [[f"{value:.6g}" for value in row.values()]])


def _write_distributions(path: Path, pairs: dict[str, PairDistribution]) -> None:
    from voxion.files import write_csv

    radii = next(iter(pairs.values())).radii
    columns = {"r": radii, "r_outer": radii + (radii[1] - radii[0]) / 2}
    for name, pair in pairs.items():
        columns |= {f"g_{name}": pair.g, f"cn_{name}": pair.coordination}
        if pair.g_error is not None and pair.coordination_error is not None:
            columns[f"g_{name}_error"] = pair.g_error
            columns[f"cn_{name}_error"] = pair.coordination_error
    rows = zip(*columns.values(), strict=True)
    write_csv(path, list(columns), ([f"{value:.6g}" for value in row] for row in rows))


def _write_clusters(path: Path, clusters: ClusterSizes) -> None:
    from voxion.files import write_csv

    rows = (
        [str(size), f"{number:.6g}", f"{weight:.6g}"]
        for size, (number, weight) in enumerate(
            zip(clusters.by_number, clusters.by_weight, strict=True), start=1
        )
        if number > 0
    )
    write_csv(path, ["molecules", "share_of_clusters", "share_of_molecules"], rows)


def _draw(out: Path, pairs: dict[str, PairDistribution], clusters: ClusterSizes) -> None:
    from voxion.activity.descriptors.plots import plot_clusters, plot_distributions
    from voxion.files import replacing

    figures = {"rdf": plot_distributions(pairs), "clusters": plot_clusters(clusters)}
    for name, figure in figures.items():
        with replacing(out / f"{name}.png") as temporary:
            figure.savefig(temporary, dpi=150, format="png")
