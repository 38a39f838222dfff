"""TorchScript from Python, without torch's warnings that it will go."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet_torchscript() -> Iterator[None]:
    """Silence the warnings of ``torch.jit``: in C++, TorchScript is the portable format."""
    with warnings.catch_warnings():
        # torch 2.13 has the one, 2.14 and newer the other
        for category in (DeprecationWarning, FutureWarning):
            warnings.filterwarnings("ignore", message=".*torch.jit.*", category=category)
        yield
