"""Response of a sheet's electrons to a potential, by self-consistent tight binding.

One orbital per site couples to its nearest neighbours; the other electrons of a bond move charge
from one end to the other in proportion to the difference of the potentials there; and charges
interact as in DFTB. To first order in the potential, all this is one matrix for all configurations
of the electrolyte. It depends on the sheet, on its total charge, which sets the Fermi level, and on
the cell, since the orbitals are those of the Gamma point. The lattice makes it small: only waves of
one wave vector answer to each other.

Interaction: Elstner et al., Phys. Rev. B 58, 7260 (1998), 10.1103/PhysRevB.58.7260. Response: first
order perturbation theory with fractional occupations, as in Adler, Phys. Rev. 126, 413 (1962),
10.1103/PhysRev.126.413.

TorchScript reads this file's annotations, so they are not postponed, and knows no constants of a
module: they come in as default arguments.
"""

import math

import torch
from torch import Tensor, nn

from voxion.charges.models.sheet_lattice import sheet_lattice

BOHR = 0.529177210903  # angstrom
BOLTZMANN = 3.166811563e-6  # hartree/K
# Sites may move this far (angstrom) before the response is computed again.
REBUILD_DISTANCE = 0.1
# Where the sum of the interaction changes from sites to waves, and how far the waves go (1/bohr);
# what either leaves out is below 1e-7 hartree in cells of 8 angstrom and more.
SPLIT, WAVES = 0.35, 4.0
# Levels closer than this (hartree) are one level.
DEGENERATE = 1e-7


class SheetElectrons(nn.Module):
    """Linear response of a sheet's charges to the potential at its sites.

    Parameters
    ----------
    neighbours : Tensor [2], float64
        Inner and outer boundary of the shell of nearest neighbours, angstrom.
    hopping : float
        Matrix element between neighbours' orbitals, hartree.
    bond_response : float
        Charge that a bond moves, e/hartree.
    hubbard : float
        Interaction of a site's charge with itself, hartree.
    temperature : float
        Temperature of the electrons, K.
    """

    neighbours: Tensor
    constants: Tensor
    positions: Tensor
    cell: Tensor
    sites: Tensor
    kernel: Tensor

    def __init__(
        self,
        neighbours: Tensor,
        hopping: float,
        bond_response: float,
        hubbard: float,
        temperature: float,
    ) -> None:
        super().__init__()
        self.register_buffer("neighbours", neighbours.to(torch.float64))
        constants = torch.tensor([hopping, bond_response, hubbard, temperature])
        self.register_buffer("constants", constants.to(torch.float64))
        self.bohr, self.boltzmann = BOHR, BOLTZMANN
        self.rebuild_distance = REBUILD_DISTANCE
        self.total_charge = 0.0
        # what was prepared last; not part of a checkpoint
        none = torch.empty(0, dtype=torch.float64)
        self.register_buffer("positions", none, persistent=False)
        self.register_buffer("cell", none, persistent=False)
        self.register_buffer("sites", none.to(torch.int64), persistent=False)
        self.register_buffer("kernel", none.to(torch.complex128), persistent=False)

    def forget(self) -> None:
        """Drop what was prepared, so that it is not exported with the model."""
        for name in ("positions", "cell", "sites", "kernel"):
            setattr(self, name, getattr(self, name).new_empty(0))

    def forward(self, potentials: Tensor) -> Tensor:
        """Charges that answer to potentials at the sites of the sheet that was prepared last.

        Parameters
        ----------
        potentials : Tensor [M, K], float64
            e/angstrom; every column is answered by itself.

        Returns
        -------
        Tensor [M, K], float64
            Elementary charges, which sum to zero.
        """
        m, na, nb = self.sites.size(0), self.sites.size(1), self.sites.size(2)
        order = self.sites.flatten()
        waves = torch.fft.rfft2(potentials.index_select(0, order).T.reshape(-1, m, na, nb))
        answer = torch.einsum("abij,kbij->kaij", self.kernel, waves)
        charges = torch.fft.irfft2(answer, s=[na, nb]).reshape(-1, m * na * nb).T
        return torch.zeros_like(potentials).index_copy(0, order, charges)

    @torch.jit.export
    def prepare(self, positions: Tensor, cell: Tensor, total_charge: float) -> None:
        """Set the response of a sheet, unless it is the last one.

        Parameters
        ----------
        positions : Tensor [M, 3], float64
            Angstrom.
        cell : Tensor [3, 3], float64
            Rows are the lattice vectors, angstrom.
        total_charge : float
            Total charge of the sheet, e.
        """
        if positions.shape == self.positions.shape and total_charge == self.total_charge:
            moved = torch.maximum(
                (positions - self.positions).abs().max(), (cell - self.cell).abs().max()
            )
            if float(moved) < self.rebuild_distance:
                return
        sites, basis = sheet_lattice(positions, cell)
        m, na, nb = sites.size(0), sites.size(1), sites.size(2)
        hopping, bond_response = float(self.constants[0]), float(self.constants[1])
        distance = site_distances(basis, cell, na, nb)
        bonds = ((distance > self.neighbours[0]) & (distance < self.neighbours[1])).sum(0)
        bonds_of_waves = to_waves(bonds.to(torch.float64))
        free = free_response(
            hopping * bonds_of_waves,
            positions.size(0) - total_charge,
            self.boltzmann * float(self.constants[3]),
        )
        degree = torch.diag(bonds.sum([1, 2, 3]).to(torch.complex128))
        free = free + bond_response * (bonds_of_waves[:, : nb // 2 + 1] - degree)
        hubbard = float(self.constants[2])
        gamma = to_waves(short_interaction(distance / self.bohr, hubbard).sum(0))[:, : nb // 2 + 1]
        gamma = gamma + wave_interaction(basis / self.bohr, cell / self.bohr, na, nb)
        # the mean is the total charge's: among the sites of a cell, only differences answer
        free[0, 0] = without_mean(free[0, 0])
        one = torch.eye(m, dtype=free.dtype, device=free.device)
        kernel = torch.linalg.solve(one - free @ gamma, free)
        kernel[0, 0] = without_mean(kernel[0, 0])
        self.sites = sites
        self.kernel = (self.bohr * kernel).permute(2, 3, 0, 1).contiguous()
        self.positions, self.cell = positions.clone(), cell.clone()
        self.total_charge = total_charge


def without_mean(matrix: Tensor) -> Tensor:
    """Take means out of the rows and the columns of a matrix."""
    rows = matrix - matrix.mean(0, keepdim=True)
    return rows - rows.mean(1, keepdim=True)


def site_distances(basis: Tensor, cell: Tensor, na: int, nb: int) -> Tensor:
    """Distances from the sites of one unit cell to all sites.

    Returns
    -------
    Tensor [9, m, m, na, nb]
        Vector from site a of the first unit cell to site b of any, for the nearest image and those
        around it, angstrom.
    """
    i = torch.arange(na, dtype=basis.dtype, device=basis.device) / na
    j = torch.arange(nb, dtype=basis.dtype, device=basis.device) / nb
    cells = i[:, None, None] * cell[0] + j[None, :, None] * cell[1]
    delta = (basis[None] - basis[:, None])[:, :, None, None] + cells
    images = torch.round(delta @ torch.linalg.inv(cell))
    delta = delta - images[..., :2] @ cell[:2]
    distances: list[Tensor] = []
    for a in range(-1, 2):
        for b in range(-1, 2):
            distances.append(torch.linalg.norm(delta + a * cell[0] + b * cell[1], dim=-1))
    return torch.stack(distances)


def to_waves(rows: Tensor) -> Tensor:
    """Matrix elements of waves, [na, nb, m, m], from those of one unit cell, [m, m, na, nb].

    With A_ab(R) between site a in one unit cell and site b in the one at R from it, waves of wave
    vector q have A_ab(q) = sum_R A_ab(R) exp(i q R).
    """
    cells = rows.size(2) * rows.size(3)
    return (cells * torch.fft.ifft2(rows)).permute(2, 3, 0, 1).contiguous()


def free_response(
    hamiltonian: Tensor, electrons: float, temperature: float, degenerate: float = DEGENERATE
) -> Tensor:
    """Response of electrons that do not interact.

    Parameters
    ----------
    hamiltonian : Tensor [na, nb, m, m], complex128
        Hamiltonian of each wave, hartree.
    electrons : float
        In all unit cells, two to an orbital.
    temperature : float
        Hartree.
    degenerate : float
        Levels closer than this are one level, hartree.

    Returns
    -------
    Tensor [na, nb//2 + 1, m, m], complex128
        Number of electrons that a potential at site b brings to site a, 1/hartree; the second half
        of the wave vectors is the conjugate of this one.
    """
    na, nb, m = hamiltonian.size(0), hamiltonian.size(1), hamiltonian.size(2)
    levels, states = torch.linalg.eigh(hamiltonian)
    occupied = occupations(levels, electrons, temperature)
    slope = -occupied * (1.0 - occupied) / temperature
    response = torch.zeros(na, nb // 2 + 1, m, m, dtype=states.dtype, device=states.device)
    for a in range(na):
        for b in range(nb // 2 + 1):
            other = torch.roll(states, [-a, -b], [0, 1])
            other_levels = torch.roll(levels, [-a, -b], [0, 1])
            other_occupied = torch.roll(occupied, [-a, -b], [0, 1])
            gap = levels.unsqueeze(-1) - other_levels.unsqueeze(-2)
            change = occupied.unsqueeze(-1) - other_occupied.unsqueeze(-2)
            equal = gap.abs() < degenerate
            weight = torch.where(equal, slope.unsqueeze(-1), change / torch.where(equal, 1.0, gap))
            pairs = states.conj().unsqueeze(-1) * other.unsqueeze(-2)
            pairs = pairs.permute(2, 0, 1, 3, 4).reshape(m, -1)
            response[a, b] = 2.0 / (na * nb) * (pairs * weight.flatten()) @ pairs.conj().T
    return response


def occupations(levels: Tensor, electrons: float, temperature: float) -> Tensor:
    """Fermi's function of the levels, with the Fermi level that gives the number of electrons."""
    low, high = float(levels.min()) - 1.0, float(levels.max()) + 1.0
    for _ in range(100):
        middle = (low + high) / 2
        if 2 * float(torch.sigmoid((middle - levels) / temperature).sum()) > electrons:
            high = middle
        else:
            low = middle
    return torch.sigmoid(((low + high) / 2 - levels) / temperature)


def short_interaction(distance: Tensor, hubbard: float, split: float = SPLIT) -> Tensor:
    """DFTB's interaction of two charges, less what `wave_interaction` sums.

    Parameters
    ----------
    distance : Tensor
        Bohr.
    hubbard : float
        At no distance, hartree.
    split : float
        1/bohr.

    Returns
    -------
    Tensor
        Hartree.
    """
    same = distance < 1e-6
    r = torch.where(same, 1.0, distance)
    x = 3.2 * hubbard * r  # charges that decay as exp(-16/5 U r)
    overlapping = torch.exp(-x) * (48 + 33 * x + 9 * x.square() + x.pow(3)) / (48 * r)
    here = hubbard - 2 * split / math.sqrt(math.pi)
    return torch.where(same, here, torch.erfc(split * r) / r - overlapping)


def wave_interaction(
    basis: Tensor, cell: Tensor, na: int, nb: int, split: float = SPLIT, reach: float = WAVES
) -> Tensor:
    """Interaction erf(split r)/r of waves on a sheet, as a sum over reciprocal vectors.

    The vector zero is left out: it acts on the total charge.

    Parameters
    ----------
    basis : Tensor [m, 3]
        Sites of a unit cell, bohr.
    cell : Tensor [3, 3]
        Lattice vectors of na x nb unit cells, bohr.
    split, reach : float
        1/bohr.

    Returns
    -------
    Tensor [na, nb//2 + 1, m, m], complex128
        Hartree.
    """
    reciprocal = 2 * math.pi * torch.linalg.inv(cell).T[:2]
    area = float(torch.linalg.norm(torch.linalg.cross(cell[0], cell[1]))) / (na * nb)
    steps = reach * torch.linalg.norm(cell[:2], dim=1) / (2 * math.pi)
    zones_a, zones_b = int(steps[0] / na) + 1, int(steps[1] / nb) + 1
    delta = basis[None] - basis[:, None]
    i = torch.arange(na, dtype=basis.dtype, device=basis.device)
    j = torch.arange(nb // 2 + 1, dtype=basis.dtype, device=basis.device)
    m = basis.size(0)
    total = torch.zeros(na, nb // 2 + 1, m, m, dtype=torch.complex128, device=basis.device)
    for a in range(-zones_a, zones_a + 1):
        for b in range(-zones_b, zones_b + 1):
            along_a = (i + a * na)[:, None, None] * reciprocal[0]
            wave = along_a + (j + b * nb)[None, :, None] * reciprocal[1]
            length = torch.linalg.norm(wave, dim=-1)
            none = length < 1e-9
            safe = torch.where(none, 1.0, length)
            strength = 2 * math.pi / area * torch.erfc(safe / (2 * split)) / safe
            strength = torch.where(none, 0.0, strength)
            phase = torch.einsum("ijx,abx->ijab", wave, delta)
            total = total + strength[:, :, None, None] * torch.polar(torch.ones_like(phase), -phase)
    return total
