"""Radial distribution functions, by voxion, freud and MDAnalysis' InterRDF, side by side.

python -m benchmarks.descriptors.run

Every way works on the same frames in one process with one thread, one after the other, in rounds.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
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
from scipy.spatial import cKDTree

from benchmarks.common.comparison import MEASURES, Compared, compare
from benchmarks.common.processes import Times
from benchmarks.common.report import (
    Page,
    as_dicts,
    describe,
    environment,
    finished,
    report_errors,
)
from benchmarks.common.rounds import Case, run_rounds
from voxion.activity.descriptors.rdf import Surroundings, radial_distribution

WATER_DENSITY = 0.0334  # molecules per cubic angstrom
AIM = 10.0  # InterRDF over voxion, three g(r)
ONE, THREE = "one", "three"
INTER_RDF, VOXION, FREUD, TREE = "InterRDF", "voxion", "freud", "cKDTree"
NOTES = [
    "Ratios: time over voxion's in the same round, median over rounds, by wall or by processor "
    "time, whichever varies less between the rounds of a box.",
    "freud by its default neighbour search; cKDTree is scipy's count_neighbors, for orthogonal "
    "boxes only.",
    "Of the three g(r) voxion prepares the water once for two. As many tethered charges as ions.",
    "voxion's g, elsewhere: largest relative difference from InterRDF's in bins with the same "
    "count. InterRDF wraps coordinates in single precision, so that a distance may be off by some "
    "1e-5 angstrom.",
]
Result = tuple[np.ndarray, np.ndarray]  # g, counts


@dataclass(frozen=True)
class Size:
    """Ions and water in a box of water's density, or a larger one."""

    ions: int
    waters: int
    r_max: float
    angles: tuple[float, float, float] = (90.0, 90.0, 90.0)

    def label(self) -> str:
        """Return the name of the row."""
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
    frames: Annotated[int, typer.Option(min=1, help="Frames of each trajectory.")] = 2,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path(__file__).parent,
) -> None:
    """Time a g(r) of ions and water at several sizes, and the three of the descriptors."""
    with report_errors():
        freud.parallel.set_num_threads(1)
        _report(measure(rounds, frames), out)


def measure(rounds: int, frames: int) -> dict[str, Any]:
    """Measure all ways at all sizes and return the raw results."""
    packages = {m.__name__: m.__version__ for m in (freud, MDAnalysis, np, scipy)}
    results: dict[str, Any] = {
        "environment": environment(**packages),
        "rounds": rounds,
        "frames": frames,
    }
    groups, results["equality"] = [], []
    for size in SIZES:
        universe, groups_of = trajectory(size, frames)
        ways = one_rdf(universe, groups_of, size)
        results["equality"].append(equality(size, {name: way() for name, way in ways.items()}))
        groups.append(cases(ONE, size, ways, frames))
        groups.append(cases(THREE, size, three_rdfs(universe, groups_of, size), frames))
    results["measurements"] = run_rounds(groups, rounds)
    return finished(results)


def cases(part: str, size: Size, ways: dict[str, Callable[[], Any]], frames: int) -> list[Case]:
    """Return the ways as cases, their times per frame."""

    def timed(way: Callable[[], Any]) -> Times:
        wall, processor = time.perf_counter(), time.process_time()
        way()
        return Times(
            wall=(time.perf_counter() - wall) / frames,
            processor=(time.process_time() - processor) / frames,
        )

    about = {"part": part, "size": size.label()}
    return [Case(name, f"{name}, {size.label()}", partial(timed, way), about)
            for name, way in ways.items()]  # fmt: skip


def one_rdf(
    universe: MDAnalysis.Universe, groups: list[Any], size: Size
) -> dict[str, Callable[[], Result]]:
    """Return the ways to one g(r) of ions and water."""
    ions, _, water = groups
    rdf = freud.density.RDF(bins(size), size.r_max)  # which takes long, but once
    ways: dict[str, Callable[[], Result]] = {
        VOXION: lambda: by_voxion(universe, ions, water, size),
        INTER_RDF: lambda: inter_rdf(ions, water, size),
        FREUD: lambda: by_freud(universe, ions, water, size, rdf),
    }
    if size.angles == (90.0, 90.0, 90.0):
        ways[TREE] = lambda: by_tree(universe, ions, water, size)
    return ways


def three_rdfs(
    universe: MDAnalysis.Universe, groups: list[Any], size: Size
) -> dict[str, Callable[[], None]]:
    """Return the ways to the three g(r) of the descriptors."""
    ions, fixed, water = groups

    def ours() -> None:
        for step in universe.trajectory:
            cell = triclinic_vectors(step.dimensions, dtype=np.float64)
            around_water = Surroundings(water.positions, cell, size.r_max)
            around_ions = Surroundings(ions.positions, cell, size.r_max)
            around_water.count(ions.positions, bins(size))
            around_water.count(fixed.positions, bins(size))
            around_ions.count(fixed.positions, bins(size))

    def theirs() -> None:
        for first, second in ((ions, water), (fixed, water), (fixed, ions)):
            inter_rdf(first, second, size)

    return {VOXION: ours, INTER_RDF: theirs}


def equality(size: Size, made: dict[str, Result]) -> dict[str, Any]:
    """Compare what the ways made with InterRDF's."""
    g, counts = made[INTER_RDF]
    return {
        "size": size.label(),
        "pairs": int(counts.sum()),
        "pairs_in_another_bin": {
            name: int(np.abs(found[1] - counts).sum() / 2) for name, found in made.items()
        },
        "largest_relative_difference": {
            name: largest_difference(found, (g, counts)) for name, found in made.items()
        },
    }


def trajectory(size: Size, frames: int) -> tuple[MDAnalysis.Universe, list[Any]]:
    """Return atoms anywhere in a box, in memory: ions, tethered charges, water oxygens."""
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
    """Return the relative difference of g in bins with the same count: of the normalisation."""
    same = (found[1] == reference[1]) & (reference[1] > 0)
    return float(np.abs(found[0][same] / reference[0][same] - 1.0).max())


def compared(results: dict[str, Any], part: str) -> dict[str, dict[str, Compared]]:
    """Return the ways beside voxion's, by size."""
    found = [m for m in results["measurements"] if m["part"] == part]
    return {
        size: compare([m for m in found if m["size"] == size], VOXION)
        for size in dict.fromkeys(m["size"] for m in found)
    }


def ratio_table(
    sizes: dict[str, dict[str, Compared]], others: Sequence[str]
) -> tuple[list[str], list[list[str]]]:
    """Return head and cells of a table of times of voxion, and of the others over them."""
    head = ["box", *(f"voxion, {m}, ms" for m in MEASURES), *(f"{o} / voxion" for o in others)]
    return [*head, "by"], [
        [
            size,
            *(f"{1e3 * getattr(ways[VOXION], m):.2f}" for m in MEASURES),
            *(f"{ways[other].ratio:.1f}" if other in ways else "" for other in others),
            ways[VOXION].measure,
        ]
        for size, ways in sizes.items()
    ]


def equality_table(results: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Return head and cells of the table of differences from InterRDF."""
    others = (VOXION, FREUD, TREE)
    rows = []
    for row in results["equality"]:
        moved = row["pairs_in_another_bin"]
        cells = [str(moved.get(name, "")) for name in others]
        difference = f"{row['largest_relative_difference'][VOXION]:.0e}"
        rows.append([row["size"], f"{row['pairs']:,}", *cells, difference])
    return ["box", "pairs", *others, "voxion's g, elsewhere"], rows


def _report(results: dict[str, Any], out: Path) -> None:
    how = (
        f"One thread each; {results['rounds']} rounds over {results['frames']} frames in memory, "
        "times per frame; bins of 0.02 angstrom. Atoms lie anywhere in a box of water's density."
    )
    page = Page("Radial distribution functions: voxion, freud, MDAnalysis' InterRDF",
                describe(results, how))  # fmt: skip
    one, three = compared(results, ONE), compared(results, THREE)
    page.table("One g(r), ions and water", *ratio_table(one, (INTER_RDF, FREUD, TREE)))
    head, cells = ratio_table(three, (INTER_RDF,))
    met = ["yes" if ways[INTER_RDF].ratio >= AIM else "no" for ways in three.values()]
    cells = [[*row, mark] for row, mark in zip(cells, met, strict=True)]
    page.table("The three g(r) of the descriptors", [*head, f"at least {AIM:g}"], cells)
    page.table("Pairs in another bin than InterRDF's", *equality_table(results))
    page.notes(NOTES)
    summary = {
        part: {size: as_dicts(list(ways.values())) for size, ways in found.items()}
        for part, found in ((ONE, one), (THREE, three))
    }
    page.write(out, "results", {**results, "summary": summary})


if __name__ == "__main__":
    typer.run(main)
