"""Model files with their contract, which get their names only after they were checked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from voxion.contract.package import SUFFIX, Package, write_package
from voxion.contract.torchscript import quiet_torchscript
from voxion.errors import VoxionError
from voxion.files import replacing


def write_model_file(
    module: nn.Module,
    extra_files: dict[str, str],
    path: str | Path,
    check: Callable[[Path], None],
    package: Callable[[], Package] | None = None,
) -> Path:
    """Write a module as an AOTInductor package where the name ends on .pt2, else as TorchScript.

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
    package : callable, optional
        Describes the package of the module; none for models that are TorchScript only.

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    VoxionError
        Weights that are not finite, or a package that cannot be made.
    """
    path = Path(path)
    if path.suffix == SUFFIX and package is None:
        raise VoxionError(
            f"{path} would be an AOTInductor package, and models of this kind are TorchScript: "
            "choose a name that ends on .pt."
        )
    for name, value in module.state_dict().items():
        if not torch.isfinite(value).all():
            raise VoxionError(
                f"The model for {path} has weights that are not finite ({name}): the training has "
                "failed, train again."
            )
    with replacing(path) as temporary:
        module = module.eval().requires_grad_(False)
        if path.suffix == SUFFIX and package is not None:
            write_package(package(), extra_files, temporary)
        else:
            with quiet_torchscript():
                scripted = torch.jit.script(module)
                torch.jit.save(scripted, str(temporary), _extra_files=extra_files)
        check(temporary)
    return path
