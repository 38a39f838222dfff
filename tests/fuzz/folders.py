"""Damage of files and of folders of files that all targets with such inputs share."""

from __future__ import annotations

import json
import os
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from zarr.errors import ZarrUserWarning

from .mutations import (
    ABSURD_NUMBERS,
    ABSURD_TEXTS,
    damaged_bytes,
    damaged_json,
    damaged_text,
    json_text,
)

NESTING = (33, 1000, 100_000)


def damage_zarr(store: Path, rng: np.random.Generator) -> None:
    """Damage values of a Zarr folder, or one or two of its files: mostly metadata, else chunks."""
    if rng.integers(2):
        damage_values(store, rng)
        return
    for _ in range(rng.integers(1, 3)):
        files = sorted(path for path in store.rglob("*") if path.is_file())
        metadata = [path for path in files if path.name == "zarr.json"]
        chosen = metadata if metadata and rng.integers(3) else files
        if chosen:
            damage_file(chosen[rng.integers(len(chosen))], rng)


def damage_values(store: Path, rng: np.random.Generator) -> None:
    """Damage the values, the shape or the attributes of arrays; the files stay in order."""
    group = zarr.open_group(store, mode="r+", use_consolidated=False)
    for _ in range(rng.integers(1, 3)):
        names = sorted(group.array_keys())
        array: Any = group[names[rng.integers(len(names))]]
        values = np.array(array[...] if array.size < 10**5 else [])
        match rng.integers(8):
            case 0:
                shape = list(array.shape)
                shape[rng.integers(len(shape))] = int(rng.choice([0, 1, 2, 5, 10**6, 2**40]))
                array.resize(tuple(shape))
            case 1:
                array.attrs["units"] = ABSURD_TEXTS[rng.integers(len(ABSURD_TEXTS) - 5)]
            case 2:
                group.attrs.update(damaged_json(dict(group.attrs), rng))
            case 3 if values.size:
                array[...] = values[rng.permutation(len(values))]
            case _ if values.size:
                flat = values.ravel()
                flat[rng.integers(flat.size)] = _absurd_number(flat.dtype, rng)
                array[...] = flat.reshape(values.shape)
    if (store / "zarr.json").read_text().count("consolidated_metadata"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ZarrUserWarning)
            zarr.consolidate_metadata(group.store)


def _absurd_number(dtype: np.dtype[Any], rng: np.random.Generator) -> Any:
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        return rng.choice([0, 1, 2, 100, limits.min, limits.max])
    with np.errstate(over="ignore"):
        number = ABSURD_NUMBERS[rng.integers(len(ABSURD_NUMBERS))]
        return np.array(float(number)).astype(dtype)


def damage_file(path: Path, rng: np.random.Generator) -> None:
    """Damage a file by what it holds, by accident, or put something else in its place."""
    match rng.integers(10):
        case 0:
            replace_file(path, rng)
        case 1 | 2:
            path.write_bytes(damaged_bytes(path.read_bytes(), rng))
        case 3 if path.suffix == ".json":
            nested = NESTING[rng.integers(len(NESTING))]
            text = path.read_text(errors="replace").rstrip()
            path.write_text(text[:-1] + f', "extra": {"[" * nested + "]" * nested}}}')
        case _:
            _damage_content(path, rng)


def _damage_content(path: Path, rng: np.random.Generator) -> None:
    data = path.read_bytes()
    try:
        text = data.decode()
    except UnicodeDecodeError:
        path.write_bytes(damaged_bytes(data, rng))
        return
    try:
        text = json_text(damaged_json(json.loads(text), rng))
    except (ValueError, RecursionError):
        text = damaged_text(text, rng)
    path.write_text(text, encoding="utf-8", errors="surrogatepass")


def replace_file(path: Path, rng: np.random.Generator) -> None:
    """Put nothing, or something that is no file with content, in the place of a file."""
    path.unlink()
    match rng.integers(5):
        case 0:
            pass
        case 1:
            path.touch()
        case 2:
            path.mkdir()
        case 3:
            os.mkfifo(path)  # a reader of it would wait for a writer without end
        case _:
            path.symlink_to("/dev/zero")


def copy_of(good: Path, folder: Path) -> Path:
    """Copy a file or folder into a folder."""
    target = folder / good.name
    if good.is_dir():
        shutil.copytree(good, target)
    else:
        shutil.copyfile(good, target)
    return target


def make_file(path: Path, content: bytes) -> None:
    """Write a file where `damage_file` may have left none, for a program that could not read it."""
    if path.is_dir():
        path.rmdir()
    elif not path.is_file():
        path.unlink(missing_ok=True)
    path.write_bytes(content)


def damage_one_of(good: Path, folder: Path, rng: np.random.Generator) -> Path:
    """Copy one of the files of a folder, and damage the copy."""
    names = sorted(path.name for path in good.iterdir())
    name = names[rng.integers(len(names))]
    shutil.copyfile(good / name, folder / name)
    damage_file(folder / name, rng)
    return folder / name
