"""The paper's network without training: its shape decides what it costs, its weights do not."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import torch
from voxel_modes import CLASSIFIED, EDGE

from voxion.contract import CONTRACT_FILE, ClassifierContract, InputRanges
from voxion.systems.surfactant import HYDRATIONS
from voxion.voxels.network import C3D


class _Exported(torch.nn.Module):
    """Takes what the engine gives, doubles."""

    def __init__(self) -> None:
        super().__init__()
        self.network = C3D(len(CLASSIFIED), (EDGE,) * 3, len(HYDRATIONS))

    def forward(self, grid: torch.Tensor) -> torch.Tensor:
        return self.network(grid.to(torch.float32))


def write_untrained(path: Path) -> Path:
    """Export the network for 3 x 32^3 inputs and 16 classes with random weights."""
    torch.manual_seed(0)
    contract = ClassifierContract(
        torch_version=metadata.version("torch"),
        voxion_version=metadata.version("voxion"),
        data_hash="sha256:" + "0" * 64,
        channels=CLASSIFIED,
        channel_units=("",) * len(CLASSIFIED),
        grid=(EDGE,) * 3,
        labels=tuple(str(number) for number in HYDRATIONS),
        input_ranges=InputRanges(min=(-1e9,) * 3, max=(1e9,) * 3),
    )
    network = _Exported().eval()
    module = torch.jit.trace(network, torch.rand(1, 3, EDGE, EDGE, EDGE, dtype=torch.float64))
    torch.jit.save(module, str(path), _extra_files={CONTRACT_FILE: contract.to_json()})
    return path
