"""Hydrated ionic surfactants as a dissipative-particle-dynamics (DPD) fluid for LAMMPS.

A coarse analogue, with the same ingredients, of the united-atom surfactants in SPC/E water whose
phases Dumortier and Mossa classify (J. Phys. Chem. B 124, 8918 (2020), "Molecular Dynamics
simulation"): a neutral tail, a head of
two charged beads with -e together, one hydronium-like counter-ion and `hydration` (lambda) water
per head. It is no model of that substance: its phases (layers, connected domains, rods, micelles
with growing hydration) form from a random start within some thousand steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict

from voxion import __version__
from voxion.errors import VoxionError
from voxion.systems import SYSTEM_FILE
from voxion.systems.lammps_data import Terms, Topology, check_seed, write_lammps_data
from voxion.systems.rendering import render

GROOT_WARREN = "DPD: Groot, Warren, J. Chem. Phys. 107, 4423 (1997), 10.1063/1.474784"
GROOT_MADDEN = "chains: Groot, Madden, J. Chem. Phys. 108, 8713 (1998), 10.1063/1.476300"
GONZALEZ_MELCHOR = (
    "charges: Gonzalez-Melchor, Mayoral, Velazquez, Alejandre, J. Chem. Phys. 125, 224107 (2006), "
    "10.1063/1.2400223"
)

# Standard, Groot and Warren: number density, repulsion of like beads (kT/r_c), friction (from the
# noise of 3) and time step.
DENSITY = 3.0  # beads per r_c^3
LIKE = 25.0
FRICTION = 4.5
TIMESTEP = 0.04
TEMPERATURE = 1.0
# Standard, Groot and Madden: the spring F = -4 r along chains (LAMMPS's harmonic energy is K r^2).
BOND_STIFFNESS = 2.0
# Standard, Gonzalez-Melchor et al.: decay length of the Slater charge (6.95 A over 6.46 A) and the
# cutoff in real space.
CHARGE_DECAY = 1.076  # r_c
COULOMB_CUTOFF = 3.0  # r_c
# That of like beads at this density and time step (measured with LAMMPS, 6000 steps of 3000 beads):
# every hydration is run at the same pressure, as in an experiment.
PRESSURE = 23.8

# Chosen: one bead is one water molecule (30 A^3), so that lambda counts what it counts in the
# paper. At three beads per r_c^3 that makes r_c 4.48 A, and the Bjerrum length of water (7.11 A,
# 300 K) is this many of them.
BJERRUM = 1.587  # r_c
# Chosen: repulsion of tail beads from all others. With chi = 0.286 (a - 25) of Groot and Warren,
# chi = 10 per bead: strongly segregated, and still quick to rearrange.
UNLIKE = 60.0
# Chosen: several domains fit into a box of some thousand beads, and all phases appear between a
# hydration of 0 and 40; the paper's 7 beads make one domain as wide as such a box.
TAIL_BEADS = 4
# Chosen: for neighbour lists and the mesh.
SKIN = 0.8
KSPACE_ACCURACY = 1e-3
EQUILIBRATION_STEPS = 6000
BAROSTAT_PERIOD = 4.0  # tau

FEWEST_BEADS = 200
BEND = 0.7  # length of the first, random bonds; r_c

HYDRATIONS = (0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 18, 21, 25, 32, 40)


@dataclass(frozen=True)
class Bead:
    """Name, mass (of a water molecule) and charge (e) of one kind of bead."""

    name: str
    mass: float
    charge: float = 0.0


# Masses are those of the paper's groups; without differences the mass channel of a fluid of even
# density would be empty. The head's charge is shared evenly (chosen).
TAIL = Bead("CF2", 2.776)
BEADS = (
    TAIL,
    Bead("S", 1.780, -0.5),
    Bead("O3", 2.664, -0.5),
    Bead("H3O", 1.056, 1.0),
    Bead("W", 1.0),
)
HEAD_BEADS = 2


class BeadCount(BaseModel):
    """Beads of one kind in a built system: charge (e), mass (of water) and number."""

    name: str
    charge: float
    mass: float
    count: int


class CoarseSurfactantDescription(BaseModel):
    """Files of a built surfactant; lengths in r_c, energies in kT."""

    model_config = ConfigDict(extra="forbid")

    title: str
    units: str = "lj"
    hydration: int
    surfactants: int
    tail_beads: int
    species: list[BeadCount]
    edge: float
    pressure: float
    temperature: float
    timestep: float
    seed: int
    sources: list[str]
    voxion_version: str


@dataclass(frozen=True)
class CoarseSurfactant:
    """Parameters of an ionic surfactant in water.

    Attributes
    ----------
    hydration : int
        Water beads per head, lambda.
    beads : int
        Number of all beads together, nearly: whole surfactants with their water are taken. The
        number of each kind follows from the hydration.
    """

    hydration: int
    beads: int = 6000

    def __post_init__(self) -> None:
        if self.hydration < 0 or int(self.hydration) != self.hydration:
            raise VoxionError(
                f"The hydration must be a whole number of water per head, 0 at least; found "
                f"{self.hydration}."
            )
        if self.beads < FEWEST_BEADS:
            raise VoxionError(
                f"The number of beads must be {FEWEST_BEADS} at least, found {self.beads}."
            )
        if self.surfactants < 1:
            raise VoxionError(
                f"{self.beads} beads are too few for one surfactant with {self.hydration} water: "
                "give more beads or a lower hydration."
            )

    @property
    def surfactants(self) -> int:
        """Number of surfactants, each with one counter-ion and its water."""
        return round(self.beads / (TAIL_BEADS + HEAD_BEADS + 1 + self.hydration))

    @property
    def counts(self) -> tuple[int, ...]:
        """Number of beads of each kind, in the order of `BEADS`."""
        chains = self.surfactants
        return (TAIL_BEADS * chains, chains, chains, chains, self.hydration * chains)

    @property
    def edge(self) -> float:
        """Edge of the cubic box at the start, r_c."""
        return float((sum(self.counts) / DENSITY) ** (1 / 3))

    def build(self, folder: str | Path, seed: int = 1) -> CoarseSurfactantDescription:
        """Place all beads at random and write the files of the system into a folder.

        Writes ``system.data``, ``in.init``, ``in.settings``, ``in.dynamics``, ``in.equilibrate``,
        ``README.md`` and, last, ``system.json``.

        Parameters
        ----------
        folder : str or Path
            New, or without a built system.
        seed : int
            Seed of the start, the velocities and the thermostat.

        Raises
        ------
        VoxionError
            The folder has a system already, or the seed is none of LAMMPS's.
        """
        folder = Path(folder)
        if (folder / SYSTEM_FILE).exists():
            raise VoxionError(f"{folder} already holds a system: give another folder.")
        check_seed(seed)
        description = self._describe(seed)
        folder.mkdir(parents=True, exist_ok=True)
        write_lammps_data(folder / "system.data", self.random_start(seed), description.title)
        for name, text in _inputs(description).items():
            (folder / name).write_text(text)
        (folder / SYSTEM_FILE).write_text(description.model_dump_json(indent=1) + "\n")
        return description

    def random_start(self, seed: int) -> Topology:
        """Surfactants as random walks, ions and water anywhere: a start of infinite temperature.

        The beads are soft, so nothing has to be packed. IDs run along each chain, from the tail to
        the head; then follow the counter-ions and the water.

        Parameters
        ----------
        seed : int
            The same seed gives the same start.
        """
        random = np.random.default_rng(seed)
        chains, length = self.surfactants, TAIL_BEADS + HEAD_BEADS
        singles = self.counts[3] + self.counts[4]
        steps = random.normal(size=(chains, length, 3))
        steps *= BEND / np.linalg.norm(steps, axis=-1, keepdims=True)
        steps[:, 0] = random.random((chains, 3)) * self.edge
        walks = np.cumsum(steps, axis=1).reshape(-1, 3)
        positions = np.concatenate([walks, random.random((singles, 3)) * self.edge])
        chain = np.array([0] * TAIL_BEADS + [1, 2])
        kinds = np.concatenate(
            [np.tile(chain, chains), np.repeat([3, 4], self.counts[3:])]
        )  # fmt: skip
        molecules = np.concatenate(
            [np.repeat(np.arange(chains), length), chains + np.arange(singles)]
        )
        first = (1 + length * np.arange(chains)[:, None] + np.arange(length - 1)).ravel()
        return Topology(
            types=list(BEADS),
            atom_types=kinds,
            molecules=molecules + 1,
            charges=np.array([bead.charge for bead in BEADS])[kinds],
            positions=positions,  # LAMMPS wraps them, and counts the images
            box=np.array([[0.0, self.edge]] * 3),
            bonds=Terms.of_one_type("chain", np.stack([first, first + 1], axis=1)),
            units="lj",
        )

    def _describe(self, seed: int) -> CoarseSurfactantDescription:
        return CoarseSurfactantDescription(
            title=f"{self.surfactants} ionic surfactants with {self.hydration} water per head, "
            f"{sum(self.counts)} DPD beads",
            hydration=self.hydration,
            surfactants=self.surfactants,
            tail_beads=TAIL_BEADS,
            species=[
                BeadCount(name=bead.name, charge=bead.charge, mass=bead.mass, count=count)
                for bead, count in zip(BEADS, self.counts, strict=True)
            ],
            edge=self.edge,
            pressure=PRESSURE,
            temperature=TEMPERATURE,
            timestep=TIMESTEP,
            seed=seed,
            sources=[GROOT_WARREN, GROOT_MADDEN, GONZALEZ_MELCHOR],
            voxion_version=__version__,
        )


def repulsions() -> list[tuple[str, str, float, bool]]:
    """Repulsion (kT/r_c) of every pair of kinds, and whether both are charged."""
    rows = []
    for i, first in enumerate(BEADS):
        for second in BEADS[i:]:
            unlike = (first is TAIL) != (second is TAIL)
            charged = first.charge != 0 and second.charge != 0
            rows.append((first.name, second.name, UNLIKE if unlike else LIKE, charged))
    return rows


def _inputs(description: CoarseSurfactantDescription) -> dict[str, str]:
    values = {
        "system": description,
        "title": description.title,
        "relative_permittivity": f"{1 / BJERRUM:.6f}",
        "bond_stiffness": BOND_STIFFNESS,
        "friction": FRICTION,
        "charge_decay": CHARGE_DECAY,
        "coulomb_cutoff": COULOMB_CUTOFF,
        "kspace_accuracy": KSPACE_ACCURACY,
        "pairs": repulsions(),
        "skin": SKIN,
        "neutral_numbers": _type_numbers(charged=False),
        "charged_numbers": _type_numbers(charged=True),
        "barostat_period": BAROSTAT_PERIOD,
        "steps": EQUILIBRATION_STEPS,
    }
    names = ("in.init", "in.settings", "in.dynamics", "in.equilibrate", "README.md")
    return render("templates/coarse_surfactant", names, values)


def _type_numbers(*, charged: bool) -> str:
    """Types as neigh_modify wants them: numbers, joined by commas."""
    return ",".join(str(i) for i, b in enumerate(BEADS, 1) if (b.charge != 0) == charged)
