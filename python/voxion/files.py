"""Files that are written whole or not at all, and read whole or refused.

A file that is read may be damaged, cut off or made to do harm: what is no regular file is not
opened, since a pipe would be waited for and a device has no end; no more bytes are read than any
real file of its kind has; and what is not the expected text is refused in one line.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

from voxion.errors import VoxionError, one_line

MAX_BYTES = 2**28  # of a text file: results.tag of 100,000 atoms has 2**25
MAX_JSON_BYTES = 2**26
MAX_JSON_DEPTH = 32  # nested lists and objects
_LONGEST_LINE = 2**20  # bytes

Content = TypeVar("Content")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary name that becomes `path` when all went well.

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


@contextmanager
def refusing(path: Path, what: str, advice: str) -> Iterator[None]:
    """Turn a `ValueError` about the content of a file into a `VoxionError` that names the file.

    Parameters
    ----------
    path : Path
    what : str
        What the file should be, such as "voxel store".
    advice : str
        See `read_bytes`.
    """
    try:
        yield
    except ValueError as error:
        raise VoxionError(
            f"{path} is a damaged {what}: {one_line(error, 400).rstrip('.')}; {advice}."
        ) from None


@contextmanager
def parsing(part: str = "") -> Iterator[None]:
    """Turn whatever a parser of another project raises for a damaged file into a `ValueError`.

    Parameters
    ----------
    part : str
        Part of the file that is parsed, for messages.
    """
    where = f"{part}: " if part else ""
    try:
        yield
    except VoxionError:
        raise
    except ValueError as error:
        raise ValueError(f"{where}{error}") from None
    except Exception as error:
        # zarr, its codecs, h5py, torch and MDAnalysis have no class of errors in common, and raise
        # KeyError, TypeError or MemoryError as well
        text = one_line(error) or "no memory for what it claims to hold"
        kind = "" if isinstance(error, OSError | RuntimeError) else f"{type(error).__name__}: "
        raise ValueError(f"{where}{kind}{text}") from None


def require_file(path: Path, advice: str) -> None:
    """Check that a regular file is there, for a parser that opens it itself.

    Raises
    ------
    VoxionError
        It is not.
    """
    with _opened(path, advice):
        pass


@contextmanager
def _opened(path: Path, advice: str) -> Iterator[BinaryIO]:
    try:
        if not path.is_file():
            found = "it is not a regular file" if path.exists() else "no such file"
            raise VoxionError(f"{path} cannot be read: {found}; {advice}.")
        with path.open("rb") as file:
            yield file
    except (OSError, ValueError) as error:  # ValueError: a path with a null character
        reason = getattr(error, "strerror", None) or error
        raise VoxionError(f"{path} cannot be read: {reason}; {advice}.") from None


def read_bytes(path: Path, advice: str, largest: int = MAX_BYTES) -> bytes:
    """Read a regular file.

    Parameters
    ----------
    path : Path
    advice : str
        What to do if the file is not right, such as "build it again"; ends the messages.
    largest : int
        Number of bytes that no real file of this kind exceeds.

    Raises
    ------
    VoxionError
        No such file, no regular file, a larger one, or no permission.
    """
    with _opened(path, advice) as file:
        content = file.read(largest + 1)
    if len(content) > largest:
        raise VoxionError(
            f"{path} has more than {largest} bytes, which no such file has: it is damaged, or "
            f"another file; {advice}."
        )
    return content


def text_lines(path: Path, advice: str) -> Iterator[str]:
    """Read a text file in UTF-8 of any size line by line.

    Raises
    ------
    VoxionError
        As `read_text`, but for the size; or a line is longer than any real one.
    """
    with _opened(path, advice) as file:
        number = 0
        while line := file.readline(_LONGEST_LINE + 1):
            number += 1
            if len(line) > _LONGEST_LINE:
                raise VoxionError(f"{path}, line {number} is too long for such a file; {advice}.")
            try:
                yield line.decode()
            except UnicodeDecodeError:
                raise VoxionError(
                    f"{path}, line {number} is not text in UTF-8; {advice}."
                ) from None


def read_text(path: Path, advice: str, largest: int = MAX_BYTES) -> str:
    """Read a text file in UTF-8; parameters as of `read_bytes`.

    Raises
    ------
    VoxionError
        As `read_bytes`, or the file is not UTF-8.
    """
    content = read_bytes(path, advice, largest)
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise VoxionError(
            f"{path} is not a text file: byte {error.start} is not UTF-8; {advice}."
        ) from None


def read_json(path: Path, kind: type[Content], advice: str) -> Content:
    """Read a JSON file and check that it holds what it should.

    Parameters
    ----------
    path : Path
    kind : type
        Pydantic model, dataclass or other type that pydantic can check the content against.
    advice : str
        See `read_bytes`.

    Raises
    ------
    VoxionError
        As `read_text`, or as `parse_json`.
    """
    return parse_json(read_text(path, advice, MAX_JSON_BYTES), kind, str(path), advice)


def parse_json(text: str, kind: type[Content], name: str, advice: str) -> Content:
    """Read a JSON text and check that it holds what it should.

    Parameters
    ----------
    text : str
    kind, advice
        See `read_json`.
    name : str
        Name of the file, for messages.

    Raises
    ------
    VoxionError
        No JSON, a number that is not finite, nesting deeper than `MAX_JSON_DEPTH`, half a
        surrogate pair, or something else than `kind`.
    """
    try:
        check_json(json.loads(text))
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deep" if isinstance(error, RecursionError) else error
        raise VoxionError(f"{name} is not proper JSON: {one_line(reason)}; {advice}.") from None
    try:
        # strict: "1.0" is not a number; JSON mode: lists are tuples
        return TypeAdapter(kind).validate_json(text, strict=True)
    except ValidationError as error:
        raise VoxionError(
            f"{name} does not hold what it should ({first_problem(error)}); {advice}."
        ) from None


def parse_yaml(text: str, kind: type[Content], name: str, advice: str) -> Content:
    """Read a YAML text and check that it holds what it should.

    Parameters
    ----------
    text, kind, name, advice
        See `parse_json`.

    Raises
    ------
    VoxionError
        No YAML, one with anchors or aliases, or what `parse_json` refuses.
    """
    try:
        # a few lines of nested aliases stand for more than any memory
        if any(isinstance(token, yaml.AnchorToken | yaml.AliasToken) for token in yaml.scan(text)):
            raise ValueError("anchors and aliases (& and *) are not taken")
        return check_content(yaml.safe_load(text), kind)
    except yaml.YAMLError as error:
        raise VoxionError(f"{name} is not proper YAML: {one_line(error)}; {advice}.") from None
    except (ValueError, TypeError, RecursionError) as error:
        reason = "it is nested too deep" if isinstance(error, RecursionError) else error
        raise VoxionError(f"{name} does not hold what it should: {reason}; {advice}.") from None


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file, whole or not at all; numbers that are not finite become null."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(plain_json(content), indent=2, allow_nan=False) + "\n")


def write_csv(path: Path, header: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """Write a table of texts, whole or not at all."""
    with replacing(path) as temporary, temporary.open("w", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def plain_json(value: Any) -> Any:
    """Return a value for JSON, with None for numbers that are not finite."""
    if isinstance(value, dict):
        return {key: plain_json(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain_json(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def check_content(value: Any, kind: type[Content]) -> Content:
    """Check a parsed JSON value against a type, as `parse_json` does.

    Raises
    ------
    ValueError
        It is something else; with the first problem.
    """
    check_json(value)
    try:
        return TypeAdapter(kind).validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        raise ValueError(first_problem(error)) from None


def check_json(value: Any, depth: int = 0) -> None:
    """Check a parsed JSON value: parsers take more than JSON allows, and more than is of use.

    Raises
    ------
    ValueError
        A number that is not finite, nesting deeper than `MAX_JSON_DEPTH`, or a text with half a
        surrogate pair, which cannot be written again.
    """
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"it has the number {value}")
    if isinstance(value, str):
        value.encode()  # UnicodeEncodeError is a ValueError
    if isinstance(value, dict | list):
        if depth >= MAX_JSON_DEPTH:
            raise ValueError(f"it is nested deeper than {MAX_JSON_DEPTH} levels")
        for key in value if isinstance(value, dict) else ():
            check_json(key, depth + 1)
        for one in value.values() if isinstance(value, dict) else value:
            check_json(one, depth + 1)


def first_problem(error: ValidationError) -> str:
    """Return the place and the text of a validation's first complaint."""
    first = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    found = one_line(repr(first["input"]), 80)
    return one_line(f"{place}: {first['msg']}, found {found}".removeprefix(": "), 300)
