"""Files that appear whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from voxion.errors import VoxionError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary name that becomes `path` when all went well.

    Raises
    ------
    VoxionError
        `path` cannot be written.
    """
    temporary = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise VoxionError(f"{path} cannot be written: {error.strerror or error}.") from None
