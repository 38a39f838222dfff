"""Command line of structure factors: ``voxion scattering ...``."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from voxion.cli.options import AsJson, Force, output, print_json, print_path
from voxion.cli.trajectories import SelectFrames, open_frames
from voxion.errors import VoxionError
from voxion.systems import SYSTEM_FILE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from voxion.scattering.reconstruction import Curve, Reconstruction
    from voxion.scattering.structure_factor import StructureFactor

app = typer.Typer(help="Structure factors of trajectories.", no_args_is_help=True)
console = Console()
TABLE_FILE = "structure_factor.csv"
RESIDUALS_FILE = "residuals.csv"


class Probe(str, Enum):
    """What is scattered."""

    neutron = "neutron"
    xray = "xray"


@app.callback()
def _scattering() -> None:
    """Structure factors of trajectories."""


@app.command("structure-factor")
def structure_factor(
    topology: Annotated[Path, typer.Argument(help="LAMMPS data file, or .gro or .tpr of GROMACS.")],
    trajectories: Annotated[
        list[Path],
        typer.Argument(help="LAMMPS dumps or .dcd, .xtc or .trr, in the order of time."),
    ],
    out: Annotated[Path, typer.Option(help="Folder to write: table and figure.")],
    probe: Annotated[Probe, typer.Option(help="Scattering lengths to use.")] = Probe.neutron,
    formula: Annotated[
        list[str] | None,
        typer.Option(
            help="TYPE=FORMULA, such as 1=CF2, for each atom type; may be repeated. Needed unless "
            "system.json of the topology's folder tells them, or the types are elements.",
            show_default=False,
        ),
    ] = None,
    deuteration: Annotated[
        float, typer.Option(help="Share of the hydrogen that is deuterium, for neutrons.")
    ] = 0.0,
    largest: Annotated[float, typer.Option(help="Largest Q, 1/angstrom.")] = 3.0,
    bin_width: Annotated[float, typer.Option("--bin", help="Width of bins of Q, 1/angstrom.")] = (
        0.02
    ),
    select: SelectFrames = ":",
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Compute the static structure factor of a run, weighted and partial, with error bars."""
    import warnings

    from voxion.scattering.structure_factor import StructureFactor

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MDAnalysis: elements and masses that it guesses
        universe, frames = open_frames(select, topology, *trajectories)
        analysis = StructureFactor(universe.atoms, largest, bin_width)
        types = sorted(set(universe.atoms.types.astype(str)))
        formulas = _formulas(topology, types, formula or [])
        _check_lengths(formulas, probe, deuteration)
        analysis.run(frames=frames, verbose=console.is_terminal and not as_json)
    values, errors = _weighted(analysis, formulas, probe, deuteration)
    unit = {Probe.neutron: "fm^2", Probe.xray: "electrons^2"}[probe]
    with output(out, force, kind=TABLE_FILE):
        _write(out / TABLE_FILE, analysis, formulas, values, errors)
        _draw(out, analysis, values, errors, unit)
    found = analysis.results
    peak = int(values.argmax())
    summary = {
        "frames": len(frames),
        "particles": len(universe.atoms),
        "unit": unit,
        "smallest_wave_vector": float(found.wave_vector[0]),
        "smallest_valid": float(found.smallest_valid),
        "largest_value_at": float(found.wave_vector[peak]),
    }
    if as_json:
        print_json(summary)
        return
    table = Table(title=f"Structure factor, {len(frames)} frames", title_justify="left")
    table.add_column("quantity")
    table.add_column("value", justify="right")
    table.add_row("smallest Q of the box, 1/A", f"{summary['smallest_wave_vector']:.4f}")
    table.add_row("smallest valid Q, 1/A", f"{summary['smallest_valid']:.4f}")
    table.add_row("largest S(Q) at Q, 1/A", f"{summary['largest_value_at']:.4f}")
    console.print(table)
    if errors is None:
        console.print("Fewer than five frames: no error bars.")
    print_path(console, "Table", out / TABLE_FILE)


@app.command()
def reconstruct(
    target: Annotated[Path, typer.Argument(help="structure_factor.csv of the material.")],
    parts: Annotated[
        list[str],
        typer.Argument(
            metavar="LABEL=CSV...", help="structure_factor.csv of each class of the classifier."
        ),
    ],
    mixture: Annotated[
        Path, typer.Option(help="Table of 'voxion voxels classify' for the material.")
    ],
    out: Annotated[Path, typer.Option(help="Folder to write: tables and figure.")],
    untrained: Annotated[
        Path | None,
        typer.Option(
            help="That of 'voxion voxels classify --untrained', as a baseline.",
            show_default="none",
        ),
    ] = None,
    largest: Annotated[float, typer.Option(help="Largest Q, 1/angstrom.")] = 1.0,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Rebuild a structure factor from those of a classifier's classes, beside trivial mixtures.

    Nothing is fitted but the two last rows, which are what any mixture could reach.
    """
    from voxion.scattering.reconstruction import read_curve
    from voxion.scattering.reconstruction import reconstruct as run
    from voxion.voxels.classifier.dataset import parse_source
    from voxion.voxels.classifier.mixture import read_mixture

    curves = {label: read_curve(Path(path)) for label, path in map(parse_source, parts)}
    tables = {"classifier": mixture} | ({"untrained": untrained} if untrained else {})
    mixtures = {}
    for name, path in tables.items():
        found = read_mixture(path)
        if set(found.labels) != set(curves):
            raise VoxionError(
                f"{path} has the labels {', '.join(found.labels)}; structure factors were given "
                f"for {', '.join(curves)}: give LABEL=CSV for each of its labels."
            )
        order = [found.labels.index(label) for label in curves]
        mixtures[name] = (found.fractions[order], found.errors[order])
    measured = read_curve(target)
    q, results = run(measured, curves, mixtures, largest)
    with output(out, force, kind=RESIDUALS_FILE):
        _write_reconstruction(out, q, measured, results, list(curves))
    if as_json:
        print_json(
            {name: {"residual": one.residual, "error": one.error} for name, one in results.items()}
        )
        return
    table = Table(title=f"S(Q) from {q[0]:.3f} to {q[-1]:.3f} 1/A", title_justify="left")
    table.add_column("mixture")
    table.add_column("residual", justify="right")
    table.add_column("error", justify="right")
    for name, one in results.items():
        table.add_row(name, f"{one.residual:.3f}", f"{one.error:.3f}")
    console.print(table)
    print_path(console, "Table", out / RESIDUALS_FILE)


def _write_reconstruction(
    out: Path,
    q: NDArray[np.float64],
    measured: Curve,
    results: dict[str, Reconstruction],
    labels: list[str],
) -> None:
    import numpy as np

    from voxion.files import replacing, write_csv
    from voxion.scattering.plots import plot_reconstruction

    columns = {"q": q, "s": np.interp(q, measured.q, measured.s)}
    columns |= {name.replace(" ", "_"): one.s for name, one in results.items()}
    _write_columns(out / "reconstruction.csv", columns)
    rows = [
        [name, *(f"{value:.6g}" for value in (one.residual, one.error, *one.fractions))]
        for name, one in results.items()
    ]
    write_csv(out / RESIDUALS_FILE, ["mixture", "residual", "error", *labels], rows)
    figure = plot_reconstruction(q, measured, results)
    with replacing(out / "reconstruction.png") as temporary:
        figure.savefig(temporary, dpi=150, format="png")


def _formulas(topology: Path, types: list[str], given: list[str]) -> dict[str, str]:
    """Return the formula of each type: as given, of the system, or the type that is an element."""
    from periodictable import elements

    found = {name: name for name in types if name in {element.symbol for element in elements}}
    found |= _of_system(topology.parent / SYSTEM_FILE, types)
    for entry in given:
        name, separator, formula = entry.partition("=")
        if not separator or name not in types:
            raise VoxionError(
                f"--formula takes TYPE=FORMULA with one of the types {', '.join(types)}, found "
                f"{entry!r}."
            )
        found[name] = formula
    missing = [name for name in types if name not in found]
    if missing:
        raise VoxionError(
            f"The formulas of the atom types {', '.join(missing)} of {topology} are not known: "
            f"give --formula {missing[0]}=FORMULA for each of them."
        )
    return found


def _of_system(path: Path, types: list[str]) -> dict[str, str]:
    """Return the formulas of a united-atom system, by the numbers and names of its types."""
    from voxion.systems.united_atom.system import read_description

    description = read_description(path) if path.exists() else None
    if description is None:
        return {}
    pairs = enumerate(description.species, 1)
    known = {key: bead.formula for i, bead in pairs for key in (str(i), bead.name)}
    return {name: known[name] for name in types if name in known}


def _check_lengths(formulas: dict[str, str], probe: Probe, deuteration: float) -> None:
    """Refuse formulas without a scattering length before the trajectory is read."""
    import numpy as np

    from voxion.scattering.lengths import neutron_length, xray_form_factor

    if probe is Probe.xray and deuteration:
        raise VoxionError("--deuteration is for neutrons: X-rays see no isotopes.")
    for formula in formulas.values():
        if probe is Probe.neutron:
            neutron_length(formula, deuteration)
        else:
            xray_form_factor(formula, np.zeros(1))


def _weighted(
    analysis: StructureFactor, formulas: dict[str, str], probe: Probe, deuteration: float
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    from voxion.scattering.lengths import neutron_length, xray_form_factor

    if probe is Probe.neutron:
        lengths = {name: neutron_length(text, deuteration) for name, text in formulas.items()}
        return analysis.weighted(lengths)
    vectors = analysis.results.wave_vector
    return analysis.weighted(
        {name: xray_form_factor(text, vectors) for name, text in formulas.items()}
    )


def _write(
    path: Path,
    analysis: StructureFactor,
    formulas: dict[str, str],
    values: NDArray[np.float64],
    errors: NDArray[np.float64] | None,
) -> None:
    found = analysis.results
    columns = {"q": found.wave_vector, "wave_vectors": found.count, "s": values}
    if errors is not None:
        columns["s_error"] = errors
    for i, one in enumerate(found.types):
        for j, other in enumerate(found.types[i:], i):
            columns[f"s_{one}-{other}"] = found.partial[:, i, j]
    _write_columns(path, columns)


def _write_columns(path: Path, columns: dict[str, NDArray[np.float64]]) -> None:
    from voxion.files import write_csv

    rows = zip(*columns.values(), strict=True)
    write_csv(path, columns, ([f"{value:.8g}" for value in row] for row in rows))


def _draw(
    out: Path,
    analysis: StructureFactor,
    values: NDArray[np.float64],
    errors: NDArray[np.float64] | None,
    unit: str,
) -> None:
    from voxion.files import replacing
    from voxion.scattering.plots import plot_structure_factor

    figure = plot_structure_factor(analysis.results, values, errors, unit)
    with replacing(out / "structure_factor.png") as temporary:
        figure.savefig(temporary, dpi=150, format="png")
