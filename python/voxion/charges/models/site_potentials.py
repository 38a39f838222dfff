"""Models of site potentials: linear response over neighbour shells, and what that leaves.

The potential that the electrolyte makes at a surface atom, smeared with K widths, is summed over
S neighbour shells of the sheet. A linear map of these K S sums is the linear response of the
sheet; a small network on the same sums may correct it. Sums over isotropic shells do not change
under translations, rotations and reflections of the sheet, and renumbering the sites renumbers
the charges. The mean of the response is taken out, so the total charge is right by construction.

In the tight-binding model the sheet's electrons, whose response knows the total charge and the
cell, answer to a sum of the smeared potentials at each site, and the shells add what these miss of
the potential: chiefly what lies beyond the cutoff.

TorchScript reads this file's annotations, so they are not postponed.
"""

import torch
from torch import Tensor, nn

from voxion.charges.models.electrons import SheetElectrons
from voxion.charges.models.shells import neighbour_table

# Sites may move this far (angstrom) before their neighbours are looked up again: not further than
# the nearest boundary of a shell, half of the 0.2 A between graphene's seventh and eighth.
REBUILD_DISTANCE = 0.1


class SitePotentialsModel(nn.Module):
    """Charges of the sites of a sheet from the smeared potentials at these sites.

    q_i = Q/M + response_i - mean(response), with
    response_i = sum_{s,k} w_{ks} sum_{j in shell s of i} phi_{jk} + correction(same sums)
    + electrons_i(sum_k v_k phi_k).

    Parameters
    ----------
    edges : Tensor [S], float64
        Outer boundaries of the shells, angstrom.
    widths : int
        Number of radial functions, K.
    mean_charge : float
        Q/M of the training data, e.
    hidden : int
        Units in each of the correction's two hidden layers; 0 for no correction.
    electrons : SheetElectrons, optional
        Electrons of the tight-binding model.
    """

    edges: Tensor
    weights: Tensor
    electron_weights: Tensor
    feature_scale: Tensor
    residual_scale: Tensor
    whitening: Tensor
    training_sites: Tensor
    largest_norm: Tensor
    table_positions: Tensor
    table_cell: Tensor
    neighbours: Tensor
    entries: Tensor
    shell_sizes: list[int]

    def __init__(
        self,
        edges: Tensor,
        widths: int,
        mean_charge: float,
        hidden: int = 0,
        electrons: SheetElectrons | None = None,
    ) -> None:
        super().__init__()
        shells = edges.numel()
        self.mean_charge = float(mean_charge)
        self.shells = shells
        self.rebuild_distance = REBUILD_DISTANCE
        self.register_buffer("edges", edges.to(torch.float64))
        self.register_buffer("weights", torch.zeros(widths, shells, dtype=torch.float64))
        self.register_buffer("feature_scale", torch.ones(shells * widths, dtype=torch.float64))
        self.register_buffer("residual_scale", torch.ones((), dtype=torch.float64))
        # of the training data, for `whitened` and `distance`
        inputs = shells * widths
        self.register_buffer("whitening", torch.zeros(inputs, inputs, dtype=torch.float64))
        self.register_buffer("training_sites", torch.zeros((), dtype=torch.float64))
        self.register_buffer("largest_norm", torch.ones((), dtype=torch.float64))
        self.correction = correction_network(shells * widths, hidden) if hidden else None
        self.electrons = electrons
        count = 0 if electrons is None else widths
        self.register_buffer("electron_weights", torch.zeros(count, dtype=torch.float64))
        # what was looked up for the last positions; not part of a checkpoint
        none = torch.empty(0, dtype=torch.float64)
        self.register_buffer("table_positions", none, persistent=False)
        self.register_buffer("table_cell", none, persistent=False)
        self.register_buffer("neighbours", torch.empty(0, dtype=torch.int64), persistent=False)
        self.register_buffer("entries", torch.empty(0, dtype=torch.int64), persistent=False)
        self.shell_sizes = [0]

    def forward(
        self,
        site_potentials: Tensor,
        surface_positions: Tensor,
        cell: Tensor,
        total_charge: Tensor | None = None,
    ) -> Tensor:
        """Charges of one configuration.

        Parameters
        ----------
        site_potentials : Tensor [M, K], float64
            e/angstrom.
        surface_positions : Tensor [M, 3], float64
            Angstrom.
        cell : Tensor [3, 3], float64
            Rows are the lattice vectors, angstrom.
        total_charge : Tensor of one float64, optional
            Total charge of the sheet, e; that of the training data by default.

        Returns
        -------
        Tensor [M], float64
            Elementary charges.
        """
        sites = site_potentials.size(0)
        total = self.mean_charge * sites if total_charge is None else float(total_charge)
        self.find_neighbours(surface_positions, cell)
        response = self.linear_response(site_potentials)
        if self.correction is not None:
            features = self.standardised(self.shell_sums(site_potentials))
            response = response + self.residual_scale * self.correction(features).squeeze(1)
        if self.electrons is not None:
            self.electrons.prepare(surface_positions, cell, total)
            potential = torch.mv(site_potentials, self.electron_weights)
            response = response + self.electrons(potential.unsqueeze(1)).squeeze(1)
        return response - response.mean() + total / sites

    @torch.jit.export
    def distance(self, site_potentials: Tensor, surface_positions: Tensor, cell: Tensor) -> Tensor:
        """Distance of one configuration from the training data.

        Arguments are the first three of `forward`.

        Returns
        -------
        Tensor [], float64
            Distance of the furthest site, in units of that in the training data.
        """
        whitened = self.whitened(site_potentials, surface_positions, cell)
        return torch.linalg.norm(whitened, dim=1).max() / self.largest_norm

    @torch.jit.export
    def whitened(self, site_potentials: Tensor, surface_positions: Tensor, cell: Tensor) -> Tensor:
        """Turn the inputs so that they are uncorrelated in the training data.

        Arguments are the first three of `forward`.

        Returns
        -------
        Tensor [M, S K], float64
            Each of mean square 1 over the sites of the training data, or less.
        """
        self.find_neighbours(surface_positions, cell)
        return self.standardised(self.shell_sums(site_potentials)) @ self.whitening

    def find_neighbours(self, positions: Tensor, cell: Tensor) -> None:
        """Look up the neighbours, unless the sites are where they were."""
        if positions.shape == self.table_positions.shape:
            moved = torch.maximum(
                (positions - self.table_positions).abs().max(),
                (cell - self.table_cell).abs().max(),
            )
            if float(moved) < self.rebuild_distance:
                return
        table, sizes = neighbour_table(positions, cell, self.edges)
        shell = torch.repeat_interleave(
            torch.arange(self.shells, device=table.device),
            torch.tensor(sizes, dtype=torch.int64, device=table.device),
        )
        # where linear_response finds what neighbour j adds to site i by way of shell s
        entries = table * self.shells + shell.unsqueeze(1)
        outside = table == positions.size(0)
        self.entries = torch.where(outside, positions.size(0) * self.shells, entries).flatten()
        self.neighbours = table.flatten()
        self.shell_sizes = sizes
        self.table_positions = positions.clone()
        self.table_cell = cell.clone()

    def forget_neighbours(self) -> None:
        """Drop what was looked up, so that it is not exported with the model."""
        for name in ("table_positions", "table_cell", "neighbours", "entries"):
            setattr(self, name, getattr(self, name).new_empty(0))
        self.shell_sizes = [0]
        if self.electrons is not None:
            self.electrons.forget()

    def linear_response(self, site_potentials: Tensor) -> Tensor:
        """Linear part of the response, [M]; weighted first and gathered then, which is quick."""
        sites = site_potentials.size(0)
        parts = torch.mm(site_potentials, self.weights).flatten()
        padded = torch.cat([parts, parts.new_zeros(1)])
        return padded.index_select(0, self.entries).view(-1, sites).sum(0)

    def shell_sums(self, site_potentials: Tensor) -> Tensor:
        """Potentials summed over each shell, [M, S K], for the neighbours looked up last."""
        sites, widths = site_potentials.size(0), site_potentials.size(1)
        padded = torch.cat([site_potentials, site_potentials.new_zeros(1, widths)])
        rows = padded.index_select(0, self.neighbours).view(-1, sites, widths)
        sums: list[Tensor] = []
        for shell in torch.split(rows, self.shell_sizes):
            sums.append(shell.sum(0))
        return torch.cat(sums, 1)

    def standardised(self, sums: Tensor) -> Tensor:
        """Shell sums relative to their mean over the sheet, in units of their spread."""
        return (sums - sums.mean(0)) / self.feature_scale


def correction_network(inputs: int, hidden: int) -> nn.Sequential:
    """Two hidden layers in float64, applied to each site; it starts as zero."""
    last = nn.Linear(hidden, 1, bias=False)
    nn.init.zeros_(last.weight)
    return nn.Sequential(
        nn.Linear(inputs, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU(), last
    ).double()
