"""Reading of the weights that trainings write, without running or believing what a file says.

torch reads damaged archives as if they were whole, and a tensor can claim any size over a few
stored numbers; so archives are compared with their checksums, and tensors with what is stored.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from voxion.files import parsing, refusing, require_file

if TYPE_CHECKING:
    import torch
    from torch import nn

KIND = "file of weights"
Module = TypeVar("Module", bound="nn.Module")
_MAX_DEPTH = 32
_MAX_ENTRIES = 100_000
# What Lightning needs beside the weights to go on.
_TRAINING_STATE = ("state_dict", "epoch", "global_step", "loops", "optimizer_states", "callbacks")


def read_checkpoint(path: Path, advice: str) -> dict[str, Any]:
    """Read what `torch.save` wrote: tensors on the CPU and plain values, never other objects.

    Parameters
    ----------
    path : Path
    advice : str
        What to do if the file is not right, such as "train again"; ends the messages.

    Raises
    ------
    VoxionError
        No such file, no whole archive, one with other objects than tensors and plain values, a
        tensor that claims more than is stored, or no dictionary.
    """
    import torch  # here, so that the command line starts quickly

    require_file(path, advice)
    with refusing(path, KIND, advice):
        with parsing():
            _check_archive(path)
            content = torch.load(path, map_location="cpu", weights_only=True)
        if not isinstance(content, dict):
            raise ValueError(f"it holds {type(content).__name__}, not a dictionary")
        _check(content, torch.Tensor)
    return content


def load_module(build: Callable[[], Module], state: Any) -> Module:
    """Build a module and load its state, after a look at whether the two fit.

    Parameters
    ----------
    build : callable
        Makes the module; called twice, first for the shapes alone.
    state : dict of str to Tensor
        As returned by `read_checkpoint`.

    Raises
    ------
    ValueError
        Other names, shapes or types than those of the module, or values that are not finite.
    """
    import torch

    with parsing(), torch.device("meta"):  # no memory for what a damaged number says
        expected = build().state_dict()
    _check_state(state, expected)
    with parsing():
        module = build()
        module.load_state_dict(state)
    return module


def read_resumable(path: Path, module: nn.Module, advice: str) -> None:
    """Check that a training of a module can go on from Lightning's checkpoint.

    Raises
    ------
    VoxionError
        As `read_checkpoint`, or the file is of another module or no checkpoint of a training.
    """
    content = read_checkpoint(path, advice)
    with refusing(path, KIND, advice):
        missing = [name for name in _TRAINING_STATE if name not in content]
        if missing:
            raise ValueError(f"it lacks {', '.join(missing)}")
        _check_state(content["state_dict"], module.state_dict())


def load_best(path: Path, module: nn.Module, advice: str) -> None:
    """Load the state in Lightning's checkpoint into a module.

    Raises
    ------
    VoxionError
        As `read_checkpoint`, or the file is of another module.
    """
    content = read_checkpoint(path, advice)
    with refusing(path, KIND, advice):
        _check_state(content.get("state_dict"), module.state_dict())
    module.load_state_dict(content["state_dict"])


def _check_state(state: Any, expected: Mapping[str, Any]) -> None:
    import torch

    if not isinstance(state, dict) or not all(torch.is_tensor(one) for one in state.values()):
        raise ValueError("its state is no dictionary of tensors")
    if set(state) != set(expected):
        odd = sorted(map(str, set(state) ^ set(expected)))
        raise ValueError(f"its state differs in {', '.join(odd[:5])} from that of the model")
    for name, wanted in expected.items():
        found = state[name]
        if found.shape != wanted.shape or found.dtype != wanted.dtype:
            raise ValueError(
                f"{name} is {found.dtype} {list(found.shape)}; expected {wanted.dtype} "
                f"{list(wanted.shape)}"
            )
        if not torch.isfinite(found).all():
            raise ValueError(f"{name} has values that are not finite")


def _check_archive(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        names = {entry.filename for entry in entries}
        if len(entries) > _MAX_ENTRIES or len(names) < len(entries):
            raise ValueError("it has entries of one name, or too many")
        for entry in entries:
            # torch stores weights as they are: none unpacks to more than the file
            if entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size:
                raise ValueError(f"its entry {entry.filename} is packed")
        if (broken := archive.testzip()) is not None:
            raise ValueError(f"its entry {broken} does not fit its checksum")


def _check(value: Any, tensor: type[torch.Tensor], depth: int = 0) -> None:
    if depth > _MAX_DEPTH:
        raise ValueError(f"it is nested deeper than {_MAX_DEPTH} levels")
    if isinstance(value, tensor):
        size = value.numel() * value.element_size()
        if value.is_sparse or value.is_quantized or value.device.type != "cpu":
            raise ValueError("it has a tensor that is not a plain one")
        if size > value.untyped_storage().nbytes():
            raise ValueError(f"it has a tensor of shape {list(value.shape)} with fewer numbers")
    elif isinstance(value, dict):
        for key, one in value.items():
            _check(key, tensor, depth + 1)
            _check(one, tensor, depth + 1)
    elif isinstance(value, list | tuple | set):
        for one in value:
            _check(one, tensor, depth + 1)
