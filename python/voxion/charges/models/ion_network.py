"""The network of Di Pasquale et al.: from ion coordinates to charge bins.

Di Pasquale, Elliott, Hadjidoukas, Carbone, J. Chem. Theory Comput. 17, 4477 (2021),
doi 10.1021/acs.jctc.1c00360, section 2.2. TorchScript reads this file's annotations, so they are
not postponed.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn

from voxion.charges.data.bins import ChargeBins

LAYERS = 4
UNITS = 1024
# The paper gives no scaling of the coordinates. They go in nanometres, the unit of the MD engine
# used there, which also keeps them of order one.
NANOMETRE = 10.0  # angstrom


def dense_network(ions: int, surface_atoms: int) -> nn.Sequential:
    """Four dense layers of 1024 with ReLU; 4 inputs per ion, one real output per surface atom."""
    sizes = [4 * ions, *[UNITS] * LAYERS]
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(UNITS, surface_atoms))


def constrained_loss(predicted: Tensor, true: Tensor, constraint: float = 1.0) -> Tensor:
    """Mean absolute error plus the penalty on the sum, the paper's eq. 3.

    L = (1/M) [ sum_i |y_i - yhat_i| + lambda |sum_i y_i - sum_i yhat_i| ], averaged over frames.

    Parameters
    ----------
    predicted, true : Tensor [B, M]
        Bin indices.
    constraint : float
        lambda; the paper uses 1, and 0 for the comparison of its fig. 5.
    """
    error = predicted - true
    sites = error.size(1)
    return (error.abs().mean(1) + constraint * error.sum(1).abs() / sites).mean()


class IonPositionsModel(nn.Module):
    """The dense network with its inputs' layout and its bins, as exported.

    Parameters
    ----------
    network : nn.Module
        `dense_network`, [B, 4 N] -> [B, M], float32.
    bins : ChargeBins
    cell_origin : Tensor [3]
        Lower corner of the trained box, angstrom.
    periodic : tuple of 3 bools
        Directions in which ions are wrapped into the cell.
    """

    bin_values: Tensor
    cell_origin: Tensor
    periodic: Tensor

    def __init__(
        self,
        network: nn.Module,
        bins: ChargeBins,
        cell_origin: Tensor,
        periodic: tuple[bool, bool, bool],
    ) -> None:
        super().__init__()
        self.network = network
        self.length_scale = NANOMETRE
        self.bin_minimum = float(bins.minimum)
        self.bin_width = float(bins.width)
        self.register_buffer("bin_values", torch.as_tensor(bins.values, dtype=torch.float64))
        self.register_buffer("cell_origin", cell_origin.to(torch.float64))
        self.register_buffer("periodic", torch.tensor(periodic, dtype=torch.float64))

    def forward(
        self,
        source_positions: Tensor,
        source_charges: Tensor,
        surface_positions: Tensor,
        cell: Tensor,
    ) -> Tensor:
        """Charges of one configuration.

        Parameters
        ----------
        source_positions : Tensor [N, 3], float64
            Ions in ascending atom ID, angstrom.
        source_charges : Tensor [N], float64
            Elementary charges.
        surface_positions : Tensor [M, 3]
            Not used: the sheet is the trained one.
        cell : Tensor [3, 3], float64
            Rows are the lattice vectors, angstrom.

        Returns
        -------
        Tensor [M], float64
            Elementary charges: for every atom the value of the bin that was predicted.
        """
        inputs = self.features(source_positions, source_charges, cell)
        indices = self.network(inputs.unsqueeze(0)).squeeze(0).to(torch.float64)
        labels = torch.round(indices).clamp(0, self.bin_values.size(0) - 1)
        finite = torch.isfinite(indices)
        charges = self.bin_values.index_select(0, torch.where(finite, labels, 0.0).long())
        # rounding and clamping must not hide a network that has failed
        return torch.where(finite, charges, indices)

    def features(self, source_positions: Tensor, source_charges: Tensor, cell: Tensor) -> Tensor:
        """x, y, z (nanometres) and charge of one ion after the other, [4 N], float32."""
        fractional = (source_positions - self.cell_origin) @ torch.linalg.inv(cell)
        images = torch.floor(fractional) * self.periodic
        wrapped = source_positions - images @ cell
        columns = torch.cat([wrapped / self.length_scale, source_charges.unsqueeze(1)], 1)
        return columns.flatten().to(torch.float32)
