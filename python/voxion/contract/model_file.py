"""Model files: TorchScript with its contract, which gets its name only after it was checked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from voxion.contract.torchscript import quiet_torchscript
from voxion.errors import VoxionError
from voxion.files import replacing


def write_model_file(
    module: nn.Module, extra_files: dict[str, str], path: str | Path, check: Callable[[Path], None]
) -> Path:
    """Write a module as TorchScript.

    Parameters
    ----------
    module : torch.nn.Module
        What the engine calls.
    extra_files : dict
        Names and texts of the files that travel inside, the contract among them.
    path : str or Path
        Model file to write.
    check : callable
        Gets the written file under a temporary name, and raises if it is not to be kept.

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    VoxionError
        Weights that are not finite.
    """
    path = Path(path)
    for name, value in module.state_dict().items():
        if not torch.isfinite(value).all():
            raise VoxionError(
                f"The model for {path} has weights that are not finite ({name}): the training has "
                "failed, train again."
            )
    with replacing(path) as temporary:
        with quiet_torchscript():
            scripted = torch.jit.script(module.eval().requires_grad_(False))
            torch.jit.save(scripted, str(temporary), _extra_files=extra_files)
        check(temporary)
    return path
