"""Models of site potentials: linear response over neighbour shells, and what that leaves.

The potential that the electrolyte makes at a surface atom, smeared with K widths, is summed over
S neighbour shells of the sheet. A linear map of these K S sums is the linear response of the
sheet; a small network on the same sums may correct it. Sums over isotropic shells do not change
under translations, rotations and reflections of the sheet, and renumbering the sites renumbers
the charges. The mean of the response is taken out, so the total charge is right by construction.

A crystal has layers of sites. Each answers by a linear map of its own: one for each pair of layers,
of the sums over shells of sites in the other layer. The mean of each layer is linear in the total
charge and in the mean potentials of all layers, which tell where atoms near the face stand between
the sites. Layers are told by the depth of their sites, which stands in place of z.

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
# Buffers in which the neighbours that were looked up stand.
TABLES = ("entries", "members", "neighbours", "shell_of_row", "first_layer")


class SitePotentialsModel(nn.Module):
    """Charges of the sites of a sheet from the smeared potentials at these sites.

    q_i = Q_l/M_l + response_i - mean(response), with M_l sites in the layer l of site i, the mean
    over this layer,
    Q_l = c_l Q + M_l sum_{m,k} u_{lmk} mean_m(phi_k), corrected by shares c_l to the sum Q, and
    response_i = sum_{m,s,k} w_{lmks} sum_{j of layer m in shell s of i} phi_{jk}
    + correction(same sums) + electrons_i(sum_k v_k phi_k).

    Parameters
    ----------
    edges : Tensor [S], or [L, L, S] of several layers, float64
        Outer boundaries of the shells around a site of one layer (first index) that sites of
        another one form, angstrom.
    widths : int
        Number of potentials at each site, K.
    mean_charge : float
        Q/M of the training data, e.
    hidden : int
        Units in each of the correction's two hidden layers; 0 for no correction.
    electrons : SheetElectrons, optional
        Electrons of the tight-binding model, which has one layer.
    depths : Tensor [L], float64, optional
        Depths of the layers behind the face, angstrom; one layer by default.
    """

    edges: Tensor
    depths: Tensor
    shares: Tensor
    used: Tensor
    mean_weights: Tensor
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
    members: Tensor
    shell_of_row: Tensor
    first_layer: Tensor

    def __init__(
        self,
        edges: Tensor,
        widths: int,
        mean_charge: float,
        hidden: int = 0,
        electrons: SheetElectrons | None = None,
        depths: Tensor | None = None,
    ) -> None:
        super().__init__()
        edges = edges[None, None] if edges.dim() == 1 else edges
        if depths is None:
            depths = torch.zeros(1)
        self.layers, shells = edges.size(0), edges.size(2)
        self.mean_charge = float(mean_charge)
        self.shells = shells
        self.rebuild_distance = REBUILD_DISTANCE
        self.register_buffer("edges", edges.to(torch.float64))
        self.register_buffer("depths", depths.to(torch.float64))
        # of the total charge, on each layer
        shares = torch.eye(1, self.layers, dtype=torch.float64)[0]
        self.register_buffer("shares", shares)
        # 1 for the potentials of a layer that the sums take, 0 for others
        self.register_buffer("used", torch.ones(self.layers, widths, dtype=torch.float64))
        # from the mean potentials of a layer (first index) to the mean charge of each layer
        mean_weights = torch.zeros(self.layers, widths, self.layers, dtype=torch.float64)
        self.register_buffer("mean_weights", mean_weights)
        # from the potentials of a layer (first index) to the answers of each layer
        weights = torch.zeros(self.layers, widths, self.layers, shells, dtype=torch.float64)
        self.register_buffer("weights", weights)
        # of the first layer, which is the nearest to the electrolyte
        inputs = self.layers * shells * widths
        self.register_buffer("feature_scale", torch.ones(inputs, dtype=torch.float64))
        self.register_buffer("residual_scale", torch.ones((), dtype=torch.float64))
        # of the training data, for `whitened` and `distance`
        self.register_buffer("whitening", torch.zeros(inputs, inputs, dtype=torch.float64))
        self.register_buffer("training_sites", torch.zeros((), dtype=torch.float64))
        self.register_buffer("largest_norm", torch.ones((), dtype=torch.float64))
        self.correction = correction_network(inputs, hidden) if hidden else None
        self.electrons = electrons
        count = 0 if electrons is None else widths
        self.register_buffer("electron_weights", torch.zeros(count, dtype=torch.float64))
        # what was looked up for the last positions; not part of a checkpoint
        none = torch.empty(0, dtype=torch.float64)
        self.register_buffer("table_positions", none, persistent=False)
        self.register_buffer("table_cell", none, persistent=False)
        self.register_buffer("neighbours", torch.empty(0, dtype=torch.int64), persistent=False)
        self.register_buffer("entries", torch.empty(0, dtype=torch.int64), persistent=False)
        self.register_buffer("members", none, persistent=False)
        self.register_buffer("shell_of_row", torch.empty(0, dtype=torch.int64), persistent=False)
        self.register_buffer("first_layer", torch.empty(0, dtype=torch.int64), persistent=False)

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
            Angstrom; of an electrode of a pair, with the depth behind its face in place of z.
        cell : Tensor [3, 3], float64
            Rows are the lattice vectors, angstrom.
        total_charge : Tensor of one float64, optional
            Total charge of the sheet, e; that of the training data by default.

        Returns
        -------
        Tensor [M], float64
            Elementary charges.
        """
        self.find_neighbours(surface_positions, cell)
        if total_charge is None:
            total = torch.full_like(cell[0, 0], self.mean_charge * site_potentials.size(0))
        else:
            total = total_charge.flatten()[0]
        if self.electrons is not None:
            self.electrons.prepare(surface_positions, cell, float(total))
        return self.charges(site_potentials, total)

    def charges(self, site_potentials: Tensor, total: Tensor) -> Tensor:
        """Charges [M] of the sites that were looked up last; `total` is one number."""
        response = self.linear_response(site_potentials)
        if self.correction is not None:
            features = self.standardised(self.shell_sums(site_potentials, self.first_layer))
            response = response + self.residual_scale * self.correction(features).squeeze(1)
        if self.electrons is not None:
            potential = torch.mv(site_potentials, self.electron_weights)
            response = response + self.electrons(potential.unsqueeze(1)).squeeze(1)
        return self.completed(site_potentials, total, response)

    def completed(self, site_potentials: Tensor, total: Tensor, response: Tensor) -> Tensor:
        """Charges [M] from the responses of all sites, [M]."""
        missing = self.layer_charges(site_potentials, total) - self.members.T @ response
        return response + self.members @ (missing / self.members.sum(0))

    @torch.jit.export
    def response(self, site_potentials: Tensor, surface_positions: Tensor, cell: Tensor) -> Tensor:
        """Linear part of the response, [M], which depends on sites within the reach of the shells.

        Of a part of an electrode, what comes out is right for sites that have all of these in it.
        Arguments are the first three of `forward`.
        """
        self.find_neighbours(surface_positions, cell)
        return self.linear_response(site_potentials)

    @torch.jit.export
    def complete(
        self,
        site_potentials: Tensor,
        surface_positions: Tensor,
        cell: Tensor,
        total_charge: Tensor,
        response: Tensor,
    ) -> Tensor:
        """Charges [M] of one configuration from the responses of all its sites, [M].

        Arguments are those of `forward`, and `response`. Not for models with electrons or a
        correction, whose response is not all linear.
        """
        self.find_neighbours(surface_positions, cell)
        return self.completed(site_potentials, total_charge.flatten()[0], response)

    @torch.jit.export
    def distance(self, site_potentials: Tensor, surface_positions: Tensor, cell: Tensor) -> Tensor:
        """Distance of one configuration from the training data.

        Arguments are the first three of `forward`.

        Returns
        -------
        Tensor [], float64
            Distance of the furthest site, in units of that in the training data.
        """
        self.find_neighbours(surface_positions, cell)
        return self.furthest(site_potentials)

    @torch.jit.export
    def whitened(self, site_potentials: Tensor, surface_positions: Tensor, cell: Tensor) -> Tensor:
        """Turn the inputs so that they are uncorrelated in the training data.

        Arguments are the first three of `forward`.

        Returns
        -------
        Tensor [M, L S K], float64
            Of the first layer's sites; each of mean square 1 over those of the training data, or
            less.
        """
        self.find_neighbours(surface_positions, cell)
        return self.turned(site_potentials)

    def furthest(self, site_potentials: Tensor) -> Tensor:
        """`distance` for the sites that were looked up last."""
        return torch.linalg.norm(self.turned(site_potentials), dim=1).max() / self.largest_norm

    def turned(self, site_potentials: Tensor) -> Tensor:
        """`whitened` for the sites that were looked up last."""
        sums = self.shell_sums(site_potentials, self.first_layer)
        return self.standardised(sums) @ self.whitening

    def find_neighbours(self, positions: Tensor, cell: Tensor) -> None:
        """Look up the neighbours, unless the sites are where they were."""
        if positions.shape == self.table_positions.shape:
            moved = torch.maximum(
                (positions - self.table_positions).abs().max(),
                (cell - self.table_cell).abs().max(),
            )
            if float(moved) < self.rebuild_distance:
                return
        layer = layer_of(positions, self.depths)
        table, sizes = neighbour_table(positions, cell, self.edges, layer)
        # the groups of the table are the shells of each layer, one layer after the other
        group = torch.repeat_interleave(
            torch.arange(self.layers * self.shells, device=table.device),
            torch.tensor(sizes, dtype=torch.int64, device=table.device),
        )
        # where linear_response finds what neighbour j adds to site i by way of shell s
        answers = self.layers * self.shells
        entries = table * answers + layer * self.shells + (group % self.shells).unsqueeze(1)
        outside = table == positions.size(0)
        self.entries = torch.where(outside, positions.size(0) * answers, entries).flatten()
        self.members = torch.nn.functional.one_hot(layer, self.layers).to(positions.dtype)
        self.neighbours = table.flatten()
        self.shell_of_row = group
        self.first_layer = torch.nonzero(layer == 0).flatten()
        self.table_positions = positions.clone()
        self.table_cell = cell.clone()

    def forget_neighbours(self) -> None:
        """Drop what was looked up, so that it is not exported with the model."""
        for name in ("table_positions", "table_cell", *TABLES):
            setattr(self, name, getattr(self, name).new_empty(0))
        if self.electrons is not None:
            self.electrons.forget()

    def layer_charges(self, site_potentials: Tensor, total: Tensor) -> Tensor:
        """Charges [L] of the layers, which sum to the total, e."""
        means = self.layer_means(site_potentials) @ self.mean_weights.flatten(0, 1)
        charges = total * self.shares + self.members.sum(0) * means
        return charges + self.shares * (total - charges.sum())

    def layer_means(self, site_potentials: Tensor) -> Tensor:
        """Mean potentials of each layer, [L K]."""
        sums = self.members.T @ site_potentials
        return (self.used * sums / self.members.sum(0).unsqueeze(1)).flatten()

    def linear_response(self, site_potentials: Tensor) -> Tensor:
        """Linear part of the response, [M]; weighted first and gathered then, which is quick."""
        sites = site_potentials.size(0)
        # each site's potentials in the columns of its layer
        inputs = (self.members.unsqueeze(2) * site_potentials.unsqueeze(1)).flatten(1)
        parts = torch.mm(inputs, self.weights.flatten(2).flatten(0, 1)).flatten()
        padded = torch.cat([parts, parts.new_zeros(1)])
        return padded.index_select(0, self.entries).view(-1, sites).sum(0)

    @torch.jit.unused
    def coefficients(self, layer: int = 0) -> Tensor:
        """Weights of a layer's answer, [L S K], in the order of `shell_sums`."""
        return self.weights[:, :, layer].transpose(1, 2).flatten()

    @torch.jit.unused
    def set_coefficients(self, coefficients: Tensor, layer: int = 0) -> None:
        """Set the weights of a layer's answer, [L S K], in the order of `shell_sums`."""
        of_shells = coefficients.view(self.layers, self.shells, -1)
        self.weights[:, :, layer] = of_shells.transpose(1, 2)

    def shell_sums(self, site_potentials: Tensor, sites: Tensor) -> Tensor:
        """Potentials summed over each shell, for the neighbours looked up last.

        Parameters
        ----------
        site_potentials : Tensor [M, K], float64
        sites : Tensor [N], int64
            The sites whose shells are wanted.

        Returns
        -------
        Tensor [N, L S K], float64
        """
        count, widths = site_potentials.size(0), site_potentials.size(1)
        used = site_potentials * (self.members @ self.used)
        padded = torch.cat([used, used.new_zeros(1, widths)])
        rows = padded.index_select(0, self.neighbours).view(-1, count, widths)
        sums = rows.new_zeros(self.layers * self.shells, count, widths)
        sums = sums.index_add(0, self.shell_of_row, rows)
        return sums.index_select(1, sites).transpose(0, 1).flatten(1)

    def standardised(self, sums: Tensor) -> Tensor:
        """Shell sums relative to their mean over the layer, in units of their spread."""
        return (sums - sums.mean(0)) / self.feature_scale


def reach_of(model: SitePotentialsModel) -> float | None:
    """Return how far away sites matter for a site's response, angstrom; None: all do."""
    if model.electrons is not None or model.correction is not None:
        return None
    return float(model.edges.max())


def layer_of(positions: Tensor, depths: Tensor) -> Tensor:
    """Return the number [M] (int64) of the layer whose depth is the nearest to each site's."""
    return (positions[:, 2:] - depths).abs().argmin(1)


def correction_network(inputs: int, hidden: int) -> nn.Sequential:
    """Two hidden layers in float64, applied to each site; it starts as zero."""
    last = nn.Linear(hidden, 1, bias=False)
    nn.init.zeros_(last.weight)
    return nn.Sequential(
        nn.Linear(inputs, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU(), last
    ).double()
