"""Structure factor of one configuration, by voxion, dynasor and freud, side by side.

python -m benchmarks.scattering.run

Every way works on the same particles in one process with one thread, one after the other, in
rounds. A round takes some six minutes, nearly all of them freud's.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["NUMBA_NUM_THREADS"] = "1"

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import dynasor
import finufft
import freud
import numpy as np
import typer
from dynasor.core.reciprocal import calc_rho_q
from numpy.typing import NDArray

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
from voxion.scattering.amplitudes import amplitudes, wave_vectors

DENSITY = 0.1  # particles per cubic angstrom, that of the atoms of water
VECTORS = 105_398  # nearly, of each Q and -Q one
SIZES = (10_000, 100_000)
AIMS = {10_000: 200.0, 100_000: 1000.0}  # the faster of the others over voxion
ACCURACY = 1e-6  # of the aims
VOXION, DYNASOR, FREUD = "voxion", "dynasor", "freud"
NOTES = [
    "Ratios: time over voxion's in the same round, median over rounds, by wall or by processor "
    "time, whichever varies less between the rounds of a size.",
    "dynasor: its kernel for the sum over particles (calc_rho_q), on the same wave vectors, "
    "without reading or averaging. voxion: finding the wave vectors, transform and average. Either "
    "takes one of each Q and -Q.",
    "freud: StaticStructureFactorDirect, which takes the wave vectors without a negative number, a "
    "quarter of the others' in number; its ratio is for this quarter, not for the same work.",
    "difference: largest one of the amplitudes from dynasor's sum in double precision, over the "
    "root of the number of particles, which is the amplitudes' size.",
]


@dataclass(frozen=True)
class Particles:
    """Particles anywhere in a cube, and the largest Q.

    Attributes
    ----------
    positions : ndarray [N, 3]
    cell : ndarray [3, 3]
    largest : float
    """

    positions: NDArray[np.float64]
    cell: NDArray[np.float64]
    largest: float

    @classmethod
    def of(cls, count: int) -> Particles:
        """Place this number of particles."""
        edge = (count / DENSITY) ** (1 / 3)
        # as many lattice points as the sphere has volumes of the reciprocal cell
        largest = 2 * np.pi / edge * (2 * VECTORS * 3 / (4 * np.pi)) ** (1 / 3)
        positions = np.random.default_rng(1).random((count, 3)) * edge
        return cls(positions, edge * np.eye(3), largest)


def by_voxion(system: Particles) -> NDArray[np.complex128]:
    """Return the amplitudes, having averaged their squares over bins of Q."""
    waves = wave_vectors(system.cell, system.largest)
    found = amplitudes(system.positions, np.ones((1, len(system.positions))), system.cell, waves)
    bins = (waves.lengths / 0.02).astype(np.int64)
    np.bincount(bins, np.abs(found[0]) ** 2)
    amplitude: NDArray[np.complex128] = found[0]
    return amplitude


def by_dynasor(system: Particles) -> NDArray[np.complex128]:
    """Return the amplitudes of dynasor's sum, at the same wave vectors."""
    waves = wave_vectors(system.cell, system.largest)
    vectors = waves.indices * (2 * np.pi / system.cell[0, 0])
    amplitude: NDArray[np.complex128] = calc_rho_q(system.positions, vectors)
    return amplitude


def by_freud(system: Particles) -> None:
    """Run freud up to the same Q."""
    box = freud.box.Box.cube(system.cell[0, 0])
    bins = int(system.largest / 0.02)
    factor = freud.diffraction.StaticStructureFactorDirect(bins=bins, k_max=system.largest)
    factor.compute((box, box.wrap(system.positions)))


def main(
    rounds: Annotated[int, typer.Option(min=1)] = 2,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path(__file__).parent,
) -> None:
    """Time a structure factor at two sizes."""
    with report_errors():
        freud.parallel.set_num_threads(1)
        _report(measure(rounds), out)


def measure(rounds: int) -> dict[str, Any]:
    """Measure all ways at all sizes and return the raw results."""
    packages = {m.__name__: m.__version__ for m in (dynasor, finufft, freud, np)}
    results: dict[str, Any] = {"environment": environment(**packages), "rounds": rounds}
    small = Particles.of(100)
    for way in (by_voxion, by_dynasor, by_freud):  # numba compiles at the first call
        way(small)
    groups, results["equality"] = [], []
    for count in SIZES:
        system = Particles.of(count)
        reference, found = by_dynasor(system), by_voxion(system)
        # either sign of the exponent is in use
        difference = min(np.abs(found - r).max() for r in (reference, reference.conj()))
        results["equality"].append(
            {
                "particles": count,
                "vectors": len(found),
                "largest": system.largest,
                "difference": float(difference / np.sqrt(count)),
            }
        )
        ways = {VOXION: by_voxion, DYNASOR: by_dynasor, FREUD: by_freud}
        groups.append(
            [
                Case(
                    name,
                    f"{name}, {count:,} particles",
                    partial(timed, partial(way, system)),
                    {"size": count},
                )
                for name, way in ways.items()
            ]
        )
    results["measurements"] = run_rounds(groups, rounds)
    return finished(results)


def timed(way: Callable[[], Any]) -> Times:
    """Run a way and return its times."""
    wall, processor = time.perf_counter(), time.process_time()
    way()
    return Times(wall=time.perf_counter() - wall, processor=time.process_time() - processor)


def compared(results: dict[str, Any]) -> dict[int, dict[str, Compared]]:
    """Return the ways beside voxion's, by number of particles."""
    return {
        size: compare([m for m in results["measurements"] if m["size"] == size], VOXION)
        for size in SIZES
    }


def _report(results: dict[str, Any], out: Path) -> None:
    how = (
        f"One thread each; {results['rounds']} rounds. Particles lie anywhere in a cube, "
        f"{DENSITY:g} per cubic angstrom; nearly {VECTORS:,} wave vectors."
    )
    page = Page("Structure factors: voxion, dynasor, freud", describe(results, how))
    found = compared(results)
    head = ["particles", *(f"voxion, {m}, s" for m in MEASURES)]
    head += [f"{other} / voxion" for other in (DYNASOR, FREUD)] + ["by", "aim", "reached"]
    rows = []
    for size, ways in found.items():
        least = min(ways[other].ratio for other in (DYNASOR, FREUD))
        rows.append(
            [
                f"{size:,}",
                *(f"{getattr(ways[VOXION], m):.3f}" for m in MEASURES),
                *(f"{ways[other].ratio:.0f}" for other in (DYNASOR, FREUD)),
                ways[VOXION].measure,
                f"{AIMS[size]:.0f}",
                "yes" if least >= AIMS[size] else "no",
            ]
        )
    page.table("Time", head, rows)
    rows = [
        [
            f"{row['particles']:,}",
            f"{row['vectors']:,}",
            f"{row['largest']:.2f}",
            f"{row['difference']:.0e}",
        ]
        for row in results["equality"]
    ]
    page.table(
        f"Amplitudes (the aim is {ACCURACY:.0e})",
        ["particles", "wave vectors", "largest Q, 1/A", "difference"],
        rows,
    )
    page.notes(NOTES)
    summary = {str(size): as_dicts(list(ways.values())) for size, ways in found.items()}
    page.write(out, "results", {**results, "summary": summary})


if __name__ == "__main__":
    typer.run(main)
