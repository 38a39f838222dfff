"""Data sets of surface charges: Zarr folders and HDF5 files."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from tests.charges.reference import LinearSystem
from voxion.charges.data.dataset_writer import ChargeDatasetWriter
from voxion.charges.data.opening import open_dataset
from voxion.charges.report.tables import describe_data
from voxion.charges.sampling.skipped import SkippedFrames

from .folders import copy_of, damage_file, damage_zarr
from .harness import Target
from .mutations import ABSURD_NUMBERS, damaged_bytes

FRAMES = 4


def prepare(folder: Path) -> None:
    """Write a small data set in both layouts."""
    data = LinearSystem(nx=2, ny=2).dataset(folder / "data.zarr", FRAMES)
    SkippedFrames(data.path).add(7, "not converged")
    units = {"surface_charges": "e", "step": "2 fs"}
    numbers = {"O": 2, "H": 3, "Na": 4, "Cl": 5}
    with h5py.File(folder / "data.h5", "w") as file:
        file.attrs["total_charge_e"] = data.total_charge
        file.attrs["description"] = "synthetic"
        content = {
            "surface_positions": data.surface_positions,
            "source_types": np.array([numbers[s] for s in data.species_of_sources], np.int8),
            "source_positions": np.stack([frame.source_positions for frame in data]),
            "surface_charges": data.surface_charges(),
            "cell": np.diag(data.cells[0]),
            "step": data.steps,
        }
        for name, values in content.items():
            made = file.create_dataset(name, data=values, compression="gzip")
            if name != "source_types":
                made.attrs["units"] = units.get(name, "angstrom")


def damage_folder(good: Path, folder: Path, rng: np.random.Generator) -> Path:
    """Damage files of the Zarr folder."""
    target = copy_of(good / "data.zarr", folder)
    damage_zarr(target, rng)
    return target


def damage_hdf5(good: Path, folder: Path, rng: np.random.Generator) -> Path:
    """Damage bytes of the HDF5 file, or an object in it."""
    target = copy_of(good / "data.h5", folder)
    match rng.integers(6):
        case 0:
            damage_file(target, rng)
        case 1 | 2:
            target.write_bytes(damaged_bytes(target.read_bytes(), rng))
        case _:
            with h5py.File(target, "r+") as file:
                for _ in range(rng.integers(1, 3)):
                    _damage_object(file, rng)
    return target


def _damage_object(file: h5py.File, rng: np.random.Generator) -> None:
    names = [name for name in file if isinstance(file.get(name, getlink=True), h5py.HardLink)]
    name = names[rng.integers(len(names))]
    old = file[name]
    values = old[...] if isinstance(old, h5py.Dataset) else np.zeros(3)
    number = ABSURD_NUMBERS[rng.integers(len(ABSURD_NUMBERS))]
    match rng.integers(12):
        case 0:
            del file[name]
        case 1:
            file.move(name, f"{name}_")
        case 2:
            del file[name]
            file.create_group(name)
        case 3:
            del file[name]
            file[name] = h5py.ExternalLink("elsewhere.h5", "/x")
        case 4:
            del file[name]
            file[name] = h5py.SoftLink(f"/{name}")
        case 5:
            del file[name]
            shape = list(values.shape) or [1]
            shape[rng.integers(len(shape))] = int(rng.choice([0, 1, 2**31, 2**40]))
            file.create_dataset(name, shape, values.dtype, chunks=True, compression="gzip")
        case 6:
            del file[name]
            kinds = ("f2", "i8", "u8", "S8", "c16", "?", ">f8", h5py.string_dtype())
            kind = kinds[rng.integers(len(kinds))]
            file.create_dataset(name, values.shape, kind)
        case 7 | 8 if values.dtype.kind in "if" and values.size:
            flat = values.ravel()
            with np.errstate(all="ignore"):
                flat[rng.integers(flat.size)] = (
                    np.float64(number) if flat.dtype.kind == "f" else int(rng.integers(-3, 100))
                )
            old[...] = flat.reshape(values.shape)
        case 9 if values.ndim:
            del file[name]
            file[name] = values[rng.permutation(len(values))] if len(values) else values
        case 10:
            file.attrs["total_charge_e"] = np.float64(number) if rng.integers(2) else "four"
        case _:
            texts = ("", "x" * 60_000, "a\nb\x1b[2J")
            file.attrs["description"] = texts[rng.integers(3)]


def read(path: Path) -> None:
    """Read all of it, as a training and a report do; what is accepted must make sense."""
    data = open_dataset(path)
    for frame in data:
        assert np.isfinite(frame.source_positions).all() and np.isfinite(frame.cell).all()
        assert abs(frame.surface_charges.sum() - data.total_charge) < 1e-2
        assert frame.source_positions.shape == (data.sources, 3) and data.sources > 0
    charges = data.surface_charges()
    assert charges.shape == (data.frames, data.surface_atoms) and np.isfinite(charges).all()
    assert np.all(np.diff(data.steps) > 0) and np.isfinite(data.times).all()
    assert np.all(np.linalg.det(data.cells) > 0) and np.isfinite(data.source_charges).all()
    assert len(data.species_of_sources) == data.sources
    fingerprint = data.fingerprint()
    if data.frames:
        describe_data(data, np.arange(data.frames), fingerprint)


def read_and_append(path: Path) -> None:
    """Continue it, as an interrupted run does, with one more frame."""
    good = LinearSystem(nx=2, ny=2).dataset(path.parent / "good.zarr", FRAMES + 1)
    writer = ChargeDatasetWriter.like(
        good, path, label_source=good.label_source, title=good.title, append=True
    )
    len(SkippedFrames(path))
    frame = good.frame(-1)
    if writer.last_step is None or writer.last_step < frame.step:
        writer.append(frame)
    read(path)


TARGETS = (
    Target("charges-zarr", prepare, damage_folder, read),
    Target("charges-append", prepare, damage_folder, read_and_append),
    Target("charges-hdf5", prepare, damage_hdf5, read),
)
