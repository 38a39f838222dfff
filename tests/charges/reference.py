"""Independent, slow versions of what the models compute, and small systems to train on."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from scipy.special import erfc

from voxion.charges.data.dataset import ChargeDataset, ChargeFrame
from voxion.charges.data.dataset_writer import ChargeDatasetWriter
from voxion.charges.data.opening import open_dataset

BOND = 1.42  # angstrom
SPECIES = {"O": -0.8, "H": 0.4, "Na": 1.0, "Cl": -1.0}
COUNTS = {"O": 12, "H": 24, "Na": 5, "Cl": 3}
WIDTHS, CUTOFF = (0.1, 0.3), 7.0
RADIAL = {"widths": WIDTHS, "cutoff": CUTOFF}
TOTAL = -2.0


def graphene(nx: int, ny: int) -> tuple[np.ndarray, np.ndarray]:
    """Sheet at z = 0 of nx x ny rectangular cells of 4 atoms, and its cell 24 A high."""
    a, b = BOND * np.sqrt(3), 3 * BOND
    basis = np.array([[0, 0], [a / 2, BOND / 2], [a / 2, 1.5 * BOND], [0, 2 * BOND]])
    sites = [basis + np.array([i * a, j * b]) for i, j in product(range(nx), range(ny))]
    flat = np.concatenate(sites)
    return np.column_stack([flat, np.zeros(len(flat))]), np.diag([nx * a, ny * b, 24.0])


def brute_force_potentials(sites, sources, charges, cell, periodic, widths, cutoff) -> np.ndarray:
    """phi[i, k], one image at a time."""
    inverse = np.linalg.inv(cell)
    # enough images for any pair, wherever the positions lie
    span = np.abs((sources[None] - sites[:, None]) @ inverse).max((0, 1))
    reach = [
        range(-int(np.ceil(s + cutoff * np.linalg.norm(inverse[:, d]))) * p, 1) if p else range(1)
        for d, (s, p) in enumerate(zip(span, periodic, strict=True))
    ]
    images = product(*(range(r.start, -r.start + 1) for r in reach))
    phi = np.zeros((len(sites), len(widths)))
    for image in images:
        delta = sources[None] + np.array(image) @ cell - sites[:, None]
        r = np.linalg.norm(delta, axis=2)
        inside = r < cutoff
        r = np.where(inside, r, 1.0)
        for k, a in enumerate(widths):
            values = erfc(a * r) / r - erfc(a * cutoff) / cutoff
            phi[:, k] += np.where(inside, values, 0.0) @ charges
    return phi


def brute_force_shells(sites, cell, edges) -> np.ndarray:
    """[S, M, M]: how often site j is in shell s of site i, counting lateral images."""
    counts = np.zeros((len(edges), len(sites), len(sites)))
    inner = np.concatenate([[-1.0], edges[:-1]])
    for i, j in product(range(-2, 3), repeat=2):
        delta = sites[None] + i * cell[0] + j * cell[1] - sites[:, None]
        r = np.linalg.norm(delta, axis=2)
        for s, (low, high) in enumerate(zip(inner, edges, strict=True)):
            counts[s] += (r > low) & (r < high)
    return counts


@dataclass
class LinearSystem:
    """A sheet whose charges answer to random sources exactly linearly over its shells.

    `bend` adds a response to the square of a shell sum, which no linear model can follow.
    """

    shells: int = 3
    nx: int = 5
    ny: int = 3
    seed: int = 1
    bend: float = 0.0

    def __post_init__(self) -> None:
        self.sites, self.cell = graphene(self.nx, self.ny)
        shell_distances = BOND * np.sqrt([0, 1, 3, 4, 7, 9])[: self.shells + 1]
        self.edges = (shell_distances[1:] + shell_distances[:-1]) / 2
        self.neighbours = brute_force_shells(self.sites, self.cell, self.edges)
        self.names = np.repeat(list(COUNTS), list(COUNTS.values()))
        self.charges = np.array([SPECIES[name] for name in self.names])
        rng = np.random.default_rng(42)  # the same sheet material in every system
        self.weights = rng.normal(scale=0.02, size=(self.shells, len(WIDTHS)))

    def sources(self, rng: np.random.Generator) -> np.ndarray:
        """Random positions within reach of the sheet."""
        positions = rng.uniform(size=(len(self.charges), 3)) * np.diag(self.cell)
        positions[:, 2] = rng.uniform(2.0, 9.0, len(positions))
        return positions.astype(np.float32)

    def response(self, sources: np.ndarray) -> np.ndarray:
        """Charges of the sheet, e."""
        phi = brute_force_potentials(
            self.sites, sources, self.charges, self.cell, (True, True, False), WIDTHS, CUTOFF
        )
        sums = np.einsum("sij,jk->isk", self.neighbours, phi)
        charges = np.einsum("isk,sk->i", sums, self.weights)
        last = sums[:, -1, -1] - sums[:, -1, -1].mean()
        charges = charges + self.bend * last**2
        return TOTAL / len(charges) + charges - charges.mean()

    def dataset(self, path: Path, frames: int) -> ChargeDataset:
        """Write a data set of this system."""
        writer = ChargeDatasetWriter(
            path,
            surface_positions=self.sites,
            source_charges=self.charges,
            source_species=self.names.tolist(),
            total_charge=TOTAL,
            periodic=(True, True, False),
            cell_origin=np.zeros(3),
            label_source={"name": "linear response"},
            title="synthetic",
        )
        rng = np.random.default_rng(self.seed)
        for step in range(frames):
            sources = self.sources(rng)
            charges = self.response(sources.astype(np.float64))
            writer.append(ChargeFrame(sources, charges, self.cell, step, 0.1 * step))
        return open_dataset(path)
