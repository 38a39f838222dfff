"""The lattice of a periodic sheet: which of its sites are translations of which.

The functions on tensors are TorchScript as well as Python, since exported models call them; that
is why this file has no postponed annotations, and why constants come in as default arguments.
"""

import torch
from torch import Tensor

# Sites may be this far (angstrom) from where a translation puts them.
TOLERANCE = 0.3
# No sheet repeats itself after less (angstrom).
SHORTEST_PERIOD = 2.0
# Sites of a unit cell; more are taken for a sheet without a lattice.
LARGEST_BASIS = 32


def sheet_lattice(
    positions: Tensor, cell: Tensor, largest: int = LARGEST_BASIS, tolerance: float = TOLERANCE
) -> tuple[Tensor, Tensor]:
    """Order the sites of a sheet by unit cells.

    Parameters
    ----------
    positions : Tensor [M, 3]
        Angstrom.
    cell : Tensor [3, 3]
        Rows are the lattice vectors, angstrom; the sheet repeats itself along the first two.
    largest : int
        Most sites of a unit cell.
    tolerance : float
        Angstrom.

    Returns
    -------
    sites : Tensor [m, na, nb], int64
        Site number of each of m sites of a unit cell in each of na x nb unit cells, which divide
        the cell along its first and its second vector.
    basis : Tensor [m, 3]
        Positions of the sites of one unit cell, angstrom.
    """
    fractional = positions @ torch.linalg.inv(cell)
    na, nb = repeats(fractional, cell, 0), repeats(fractional, cell, 1)
    counts = torch.tensor([na, nb, 1], dtype=positions.dtype, device=positions.device)
    scaled = fractional * counts
    period = cell / counts.unsqueeze(1)
    count, size = positions.size(0), na * nb
    if count // size > largest:
        raise ValueError("the sheet has no lattice: no translation maps it onto itself")
    rows: list[Tensor] = []
    basis: list[Tensor] = []
    unknown = torch.ones(count, dtype=torch.bool, device=positions.device)
    while bool(unknown.any()):
        first = int(torch.nonzero(unknown)[0])
        delta = scaled - scaled[first]
        steps = torch.round(delta)
        steps[:, 2] = 0.0
        same = torch.linalg.norm((delta - steps) @ period, dim=1) < tolerance
        members = torch.nonzero(same & unknown).flatten()
        a = torch.remainder(steps[members, 0], na).to(torch.int64)
        b = torch.remainder(steps[members, 1], nb).to(torch.int64)
        row = torch.full((size,), -1, dtype=torch.int64, device=positions.device)
        row[a * nb + b] = members
        if members.numel() != size or bool((row < 0).any()):
            raise ValueError("the sheet has no lattice: its unit cells have different sites")
        rows.append(row.view(na, nb))
        basis.append(positions[first])
        unknown[members] = False
    return torch.stack(rows), torch.stack(basis)


def repeats(fractional: Tensor, cell: Tensor, axis: int, shortest: float = SHORTEST_PERIOD) -> int:
    """Return the number of times that a sheet repeats itself along one lattice vector."""
    sites = fractional.size(0)
    most = int(torch.linalg.norm(cell[axis]) / shortest)
    for n in range(most, 1, -1):
        if sites % n == 0 and maps(fractional, cell, axis, n):
            return n
    return 1


def maps(fractional: Tensor, cell: Tensor, axis: int, n: int, tolerance: float = TOLERANCE) -> bool:
    """Return True if shifts by n-th parts of a lattice vector map a few sites onto sites."""
    few = fractional[:4]
    shifts = torch.zeros(n, 1, 3, dtype=few.dtype, device=few.device)
    shifts[:, 0, axis] = torch.arange(n, dtype=few.dtype, device=few.device) / n
    delta = fractional - (few + shifts).reshape(-1, 1, 3)
    delta = delta - torch.round(delta)
    nearest = torch.linalg.norm(delta @ cell, dim=2).amin(1)
    return bool((nearest < tolerance).all())
