"""Radial distribution functions, by voxion, freud and MDAnalysis' InterRDF, side by side.

python benchmarks/descriptors/run.py

Every way works on the same frames in one process with one thread, one after the other, in rounds;
the tables have medians of the processor time per frame, so that other processes matter little.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import freud
import MDAnalysis
import numpy as np
import scipy
import typer
from MDAnalysis.analysis.rdf import InterRDF
from MDAnalysis.coordinates.memory import MemoryReader
from MDAnalysis.lib.mdamath import triclinic_vectors
from rich.progress import track
from scipy.spatial import cKDTree

from voxion.activity.descriptors.rdf import Surroundings, radial_distribution

# after the library's own modules: what this benchmark takes from that of the charges
sys.path.append(str(Path(__file__).resolve().parent.parent / "charges"))

from record import environment, finished, write_json, write_text
from summary import markdown_table, print_table

WATER_DENSITY = 0.0334  # molecules per cubic angstrom
AIM = 10.0
Result = tuple[np.ndarray, np.ndarray]  # g, counts


@dataclass(frozen=True)
class Size:
    """Ions and water in a box of water's density, or a larger one."""

    ions: int
    waters: int
    r_max: float
    angles: tuple[float, float, float] = (90.0, 90.0, 90.0)

    def label(self) -> str:
        """Name of the row."""
        shape = "" if self.angles == (90.0, 90.0, 90.0) else ", triclinic"
        return f"{self.ions} ions, {self.waters:,} waters, r_max {self.r_max:g} A{shape}"


SKEWED = (75.0, 80.0, 70.0)
SIZES = (
    Size(50, 1000, 10.0),
    Size(90, 2065, 10.0),
    Size(90, 2065, 12.0),
    Size(200, 3000, 10.0),
    Size(200, 3000, 10.0, SKEWED),
    Size(400, 8000, 12.0),
    Size(400, 8000, 12.0, SKEWED),
    Size(2000, 40000, 12.0),
)


def main(
    rounds: Annotated[int, typer.Option(min=1)] = 5,
    frames: Annotated[int, typer.Option(min=1, help="Of each trajectory.")] = 2,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path(__file__).parent,
) -> None:
    """Time a g(r) of ions and water at several sizes, and the three of the descriptors."""
    freud.parallel.set_num_threads(1)
    results: dict[str, Any] = {
        "environment": environment(),
        "packages": {m.__name__: m.__version__ for m in (freud, MDAnalysis, np, scipy)},
        "rounds": rounds,
        "frames": frames,
        "one": [measure_one(size, rounds, frames) for size in track(SIZES, "g(r)")],
        "three": [measure_three(size, rounds, frames) for size in track(SIZES, "three g(r)")],
    }
    finished(results)
    write_json(out / "results.json", results)
    text = report(results)
    write_text(out / "results.md", text)
    print_table("one g(r)", *one_table(results))
    print_table("three g(r)", *three_table(results))


def measure_one(size: Size, rounds: int, frames: int) -> dict[str, Any]:
    """Time one g(r) of ions and water by every way."""
    universe, groups = trajectory(size, frames)
    rdf = freud.density.RDF(bins(size), size.r_max)  # which takes long, but once
    ways: dict[str, Callable[[], Result]] = {
        "InterRDF": lambda: inter_rdf(groups[0], groups[2], size),
        "voxion": lambda: by_voxion(universe, groups[0], groups[2], size),
        "freud": lambda: by_freud(universe, groups[0], groups[2], size, rdf),
    }
    if size.angles == (90.0, 90.0, 90.0):
        ways["cKDTree"] = lambda: by_tree(universe, groups[0], groups[2], size)
    times, made = timed(ways, rounds)
    g, counts = made["InterRDF"]
    return {
        "size": size.label(),
        "pairs": int(counts.sum()),
        "ms_per_frame": {name: 1e3 * value / frames for name, value in times.items()},
        "pairs_in_another_bin": {
            name: int(np.abs(found[1] - counts).sum() / 2) for name, found in made.items()
        },
        "largest_relative_difference": {
            name: largest_difference(found, (g, counts)) for name, found in made.items()
        },
    }


def measure_three(size: Size, rounds: int, frames: int) -> dict[str, Any]:
    """Time the three g(r) of the descriptors, with as many tethered charges as ions."""
    universe, (ions, fixed, water) = trajectory(size, frames)
    pairs = ((ions, water), (fixed, water), (fixed, ions))

    def ours() -> None:
        for step in universe.trajectory:
            cell = triclinic_vectors(step.dimensions, dtype=np.float64)
            where = [group.positions for group in (ions, fixed, water)]
            around_water = Surroundings(where[2], cell, size.r_max)
            around_ions = Surroundings(where[0], cell, size.r_max)
            around_water.count(where[0], bins(size))
            around_water.count(where[1], bins(size))
            around_ions.count(where[1], bins(size))

    def theirs() -> None:
        for first, second in pairs:
            inter_rdf(first, second, size)

    times, _ = timed({"InterRDF": theirs, "voxion": ours}, rounds)
    return {
        "size": size.label(),
        "ms_per_frame": {name: 1e3 * value / frames for name, value in times.items()},
    }


def timed(ways: dict[str, Callable[[], Any]], rounds: int) -> tuple[dict[str, float], Any]:
    """Median processor time of each way, s, and what it made."""
    made = {name: way() for name, way in ways.items()}  # and warms up
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            start = time.process_time()
            way()
            times[name].append(time.process_time() - start)
    return {name: float(np.median(values)) for name, values in times.items()}, made


def trajectory(size: Size, frames: int) -> tuple[MDAnalysis.Universe, list[Any]]:
    """Atoms anywhere in a box, in memory: ions, tethered charges, water oxygens."""
    unit = triclinic_vectors(np.array([1.0, 1.0, 1.0, *size.angles]), dtype=np.float64)
    edge = (size.waters / WATER_DENSITY / np.linalg.det(unit)) ** (1 / 3)
    numbers = (size.ions, size.ions, size.waters)
    fractions = np.random.default_rng(1).random((frames, sum(numbers), 3))
    positions = (fractions @ (edge * unit)).astype(np.float32)
    universe = MDAnalysis.Universe.empty(sum(numbers), trajectory=True)
    box = np.array([edge, edge, edge, *size.angles], np.float32)
    universe.load_new(positions, format=MemoryReader, dimensions=box)
    starts = np.cumsum((0, *numbers))
    return universe, [universe.atoms[a:b] for a, b in pairwise(starts)]


def bins(size: Size) -> int:
    return round(size.r_max / 0.02)


def inter_rdf(first: Any, second: Any, size: Size) -> Result:
    found = InterRDF(first, second, nbins=bins(size), range=(0.0, size.r_max)).run().results
    return found.rdf, found.count


def by_voxion(universe: Any, first: Any, second: Any, size: Size) -> Result:
    counts, volume = np.zeros(bins(size)), 0.0
    for step in universe.trajectory:
        cell = triclinic_vectors(step.dimensions, dtype=np.float64)
        near = Surroundings(second.positions, cell, size.r_max)
        counts += near.count(first.positions, bins(size))
        volume += float(np.linalg.det(cell))
    return normalised(universe, first, second, size, counts, volume)


def by_freud(universe: Any, first: Any, second: Any, size: Size, rdf: Any) -> Result:
    volume = 0.0
    for number, step in enumerate(universe.trajectory):
        cell = triclinic_vectors(step.dimensions, dtype=np.float64)
        box = freud.box.Box.from_matrix(cell.T)
        system = (box, box.wrap(second.positions))
        rdf.compute(system, query_points=box.wrap(first.positions), reset=number == 0)
        volume += float(np.linalg.det(cell))
    counts = np.asarray(rdf.bin_counts, float)
    return normalised(universe, first, second, size, counts, volume)


def by_tree(universe: Any, first: Any, second: Any, size: Size) -> Result:
    edges = np.linspace(0.0, size.r_max, bins(size) + 1)
    counts, volume = np.zeros(bins(size)), 0.0
    for step in universe.trajectory:
        lengths = step.dimensions[:3].astype(np.float64)
        trees = [
            cKDTree(group.positions.astype(np.float64) % lengths, boxsize=lengths)
            for group in (first, second)
        ]
        counts += np.diff(trees[0].count_neighbors(trees[1], edges))
        volume += float(lengths.prod())
    return normalised(universe, first, second, size, counts, volume)


def normalised(
    universe: Any, first: Any, second: Any, size: Size, counts: np.ndarray, volume: float
) -> Result:
    frames, pairs = len(universe.trajectory), len(first) * len(second)
    mean_volume = np.asarray(volume / frames)
    return radial_distribution(counts / frames, pairs, mean_volume, size.r_max), counts


def largest_difference(found: Result, reference: Result) -> float:
    """Relative difference of g in the bins with the same counts: that of the normalisation."""
    same = (found[1] == reference[1]) & (reference[1] > 0)
    return float(np.abs(found[0][same] / reference[0][same] - 1.0).max())


def one_table(results: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    header = ["box", "InterRDF, ms", "voxion, ms", "ratio", "freud, ms", "ratio", "cKDTree, ms"]
    rows = []
    for row in results["one"]:
        times = row["ms_per_frame"]
        ratios = {name: times["InterRDF"] / value for name, value in times.items()}
        rows.append(
            [
                row["size"],
                f"{times['InterRDF']:.2f}",
                f"{times['voxion']:.2f}",
                f"{ratios['voxion']:.1f}",
                f"{times['freud']:.2f}",
                f"{ratios['freud']:.1f}",
                f"{times['cKDTree']:.2f}" if "cKDTree" in times else "",
            ]
        )
    return header, rows


def three_table(results: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    header = ["box", "three InterRDF, ms", "voxion, ms", "ratio", f"aim {AIM:g}"]
    rows = []
    for row in results["three"]:
        theirs, ours = (row["ms_per_frame"][name] for name in ("InterRDF", "voxion"))
        met = "met" if theirs / ours >= AIM else "not met"
        rows.append([row["size"], f"{theirs:.2f}", f"{ours:.2f}", f"{theirs / ours:.1f}", met])
    return header, rows


def equality_table(results: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    header = ["box", "pairs", "voxion", "freud", "cKDTree", "voxion's g, elsewhere"]
    rows = []
    for row in results["one"]:
        moved = row["pairs_in_another_bin"]
        cells = [str(moved.get(name, "")) for name in ("voxion", "freud", "cKDTree")]
        difference = f"{row['largest_relative_difference']['voxion']:.0e}"
        rows.append([row["size"], f"{row['pairs']:,}", *cells, difference])
    return header, rows


def report(results: dict[str, Any]) -> str:
    env = results["environment"]
    loads = [" ".join(map(str, env[f"load_average_{when}"])) for when in ("before", "after")]
    packages = ", ".join(f"{name} {version}" for name, version in results["packages"].items())
    return "\n".join(
        [
            "# Radial distribution functions: voxion, freud and MDAnalysis' InterRDF",
            "",
            "    python benchmarks/descriptors/run.py",
            "",
            f"{env['date'][:10]}, {env['processor']}, {env['processors']} processors, load average "
            f"{loads[0]} before and {loads[1]} after; voxion {env['voxion']}, {packages}.",
            "",
            f"One thread each; medians of {results['rounds']} rounds over {results['frames']} "
            "frames in memory, processor time per frame; bins of 0.02 angstrom. Atoms lie anywhere "
            "in a box of water's density.",
            "",
            "## One g(r), ions and water",
            "",
            markdown_table(*one_table(results)),
            "",
            "freud by its default neighbour search; cKDTree is scipy's count_neighbors, for "
            "orthogonal boxes only. Ratios are over InterRDF.",
            "",
            "## The three g(r) of the descriptors",
            "",
            markdown_table(*three_table(results)),
            "",
            "voxion prepares the water once for two of them. As many tethered charges as ions.",
            "",
            "## Equal to InterRDF",
            "",
            "Pairs that are counted in another bin than InterRDF's, of all; and the largest "
            "relative difference of g in bins with the same count. InterRDF wraps coordinates in "
            "single precision, so that a distance may be off by some 1e-5 angstrom.",
            "",
            markdown_table(*equality_table(results)),
            "",
        ]
    )


if __name__ == "__main__":
    typer.run(main)
