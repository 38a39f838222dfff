"""The paper's network without training: its shape decides what it costs, its weights do not."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import torch

from benchmarks.voxels.modes import CLASSIFIED, EDGE
from voxion.contract.model_file import write_model_file
from voxion.contract.schema import CONTRACT_FILE, ClassifierContract, InputRanges
from voxion.systems.coarse_surfactant import HYDRATIONS
from voxion.voxels.classifier.export import ExportedClassifier
from voxion.voxels.classifier.network import C3D


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
    module = ExportedClassifier(C3D(len(CLASSIFIED), contract.grid, len(contract.labels)))
    return write_model_file(module, {CONTRACT_FILE: contract.to_json()}, path, check=lambda _: None)
