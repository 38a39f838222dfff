"""Writing of data sets of surface charges: Zarr v3 groups that grow frame by frame."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import ArrayLike, NDArray
from zarr.codecs import ZstdCodec

from voxion import __version__
from voxion.charges.data.dataset import ADVICE, KIND, ChargeDataset, ChargeFrame
from voxion.charges.data.dataset_zarr import (
    ELECTRODES_VERSION,
    FORMAT,
    FORMAT_VERSION,
    NO_STEP,
    frame_arrays,
)
from voxion.charges.data.opening import open_dataset
from voxion.errors import VoxionError
from voxion.zarr_files import open_group


class ChargeDatasetWriter:
    """Append frames to a data set of one system; a frame is either complete or absent.

    A frame's step is written last, and a frame without a step does not count, so that a writer
    stopped at any moment leaves its finished frames readable. Reopening removes what was cut off.

    Parameters
    ----------
    path : str or Path
        Folder of the Zarr group.
    surface_positions : array [M, 3]
        Angstrom.
    source_charges : array [N]
        Elementary charges, ascending atom ID.
    source_species : sequence of N str
        Species name of each source.
    total_charge : float
        Sum of the surface charges in every frame (e).
    periodic : sequence of 3 bools
    cell_origin : array [3]
        Lower corner of the box, angstrom.
    label_source : dict
        What computed the charges, with all settings that matter; JSON values.
    title : str
    electrodes : mapping of str to array of bool [M], optional
        Atoms of each electrode, by the name of its group, where the potentials are given; every
        frame then has them.
    append : bool
        Continue the data set at `path` if there is one.

    Raises
    ------
    VoxionError
        `path` exists and `append` is false, or it holds another system or other labels.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        surface_positions: ArrayLike,
        source_charges: ArrayLike,
        source_species: Sequence[str],
        total_charge: float,
        periodic: Sequence[bool],
        cell_origin: ArrayLike,
        label_source: dict[str, Any],
        title: str,
        electrodes: Mapping[str, NDArray[np.bool_]] | None = None,
        append: bool = False,
    ) -> None:
        self.path = Path(path)
        names = np.asarray(source_species)
        species = list(dict.fromkeys(names.tolist()))
        self._static: dict[str, NDArray[Any]] = {
            "surface_positions": np.array(surface_positions, np.float64),
            "source_charges": np.array(source_charges, np.float64),
            "source_species": np.array([species.index(name) for name in names], np.int8),
        }
        self._attrs: dict[str, Any] = {
            "format": FORMAT,
            "format_version": ELECTRODES_VERSION if electrodes else FORMAT_VERSION,
            "title": title,
            "label_source": label_source,
            "total_charge": float(total_charge),
            "periodic": [bool(p) for p in periodic],
            "cell_origin": np.asarray(cell_origin, float).tolist(),
            "species": species,
            "voxion_version": __version__,
        }
        self._electrodes = len(electrodes or {})
        if electrodes:
            self._attrs["electrodes"] = list(electrodes)
            self._static["electrode"] = _electrode_of_atom(electrodes)
        if self.path.exists():
            if not append:
                raise VoxionError(
                    f"{self.path} exists: give another name, remove it, or continue it."
                )
            self._group, self._count = self._reopen()
        else:
            self._group, self._count = self._create(), 0
        self._frames: dict[str, Any] = {
            name: self._group[name] for name in frame_arrays(bool(electrodes))
        }
        for array in self._frames.values():
            array.resize((self._count, *array.shape[1:]))

    @classmethod
    def like(
        cls,
        dataset: ChargeDataset,
        path: str | Path,
        *,
        label_source: dict[str, Any],
        title: str,
        append: bool = False,
    ) -> ChargeDatasetWriter:
        """Open a data set for frames of the system of another one; parameters as of the class."""
        return cls(
            path,
            surface_positions=dataset.surface_positions,
            source_charges=dataset.source_charges,
            source_species=dataset.species_of_sources.tolist(),
            total_charge=dataset.total_charge,
            periodic=dataset.periodic,
            cell_origin=dataset.cell_origin,
            label_source=label_source,
            title=title,
            electrodes=dataset.electrodes.members() if dataset.electrodes else None,
            append=append,
        )

    @property
    def frames(self) -> int:
        """Number of finished frames."""
        return self._count

    @property
    def last_step(self) -> int | None:
        """MD step of the last finished frame, None when there is none."""
        return int(self._frames["step"][self._count - 1]) if self._count else None

    def append(self, frame: ChargeFrame) -> None:
        """Write one frame behind the others.

        Raises
        ------
        VoxionError
            Wrong shape, not finite, charges that miss the total by over 1e-4 e, or a step that
            does not come after the last one.
        """
        positions = np.asarray(frame.source_positions, np.float32)
        charges = np.asarray(frame.surface_charges, np.float64)
        self._check(positions, charges, frame.step)
        values: dict[str, Any] = {
            "source_positions": positions,
            "surface_charges": charges,
            "cell": np.asarray(frame.cell, np.float64),
            "time": np.float64(frame.time),
            "step": np.int64(frame.step),
        }
        if self._electrodes:
            values = {"potential": self._potentials(frame), **values}
        for array in self._frames.values():
            array.resize((self._count + 1, *array.shape[1:]))
        for name, value in values.items():  # the step comes last: it makes the frame count
            self._frames[name][self._count] = value
        self._count += 1

    def _potentials(self, frame: ChargeFrame) -> NDArray[np.float64]:
        potentials = np.asarray(frame.potentials, np.float64)
        if potentials.shape != (self._electrodes,) or not np.isfinite(potentials).all():
            raise VoxionError(
                f"Frame of step {frame.step}: expected potentials of {self._electrodes} "
                f"electrodes, found {frame.potentials}."
            )
        return potentials

    def _check(
        self, positions: NDArray[np.float32], charges: NDArray[np.float64], step: int
    ) -> None:
        sources = len(self._static["source_charges"])
        surface = len(self._static["surface_positions"])
        if positions.shape != (sources, 3) or charges.shape != (surface,):
            raise VoxionError(
                f"Frame of step {step}: expected positions [{sources}, 3] and charges [{surface}], "
                f"found {list(positions.shape)} and {list(charges.shape)}."
            )
        if not (np.isfinite(positions).all() and np.isfinite(charges).all()):
            raise VoxionError(f"Frame of step {step}: positions or charges are not finite.")
        total = self._attrs["total_charge"]
        if abs(charges.sum() - total) > 1e-4:
            raise VoxionError(
                f"Frame of step {step}: the charges sum to {charges.sum():.6f} e, "
                f"expected {total:.6f} e."
            )
        last = self.last_step
        if step < 0 or (last is not None and step <= last):
            raise VoxionError(f"Frame of step {step} does not come after step {last}.")

    def _create(self) -> zarr.Group:
        # built under a temporary name: a data set has all its arrays or is not there
        temporary = self.path.with_name(f".{self.path.name}.partial")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        group = zarr.open_group(temporary, mode="w", zarr_format=3)
        group.attrs.update(self._attrs)
        units = {
            "surface_positions": "angstrom",
            "source_charges": "e",
            "source_species": "1",
            "electrode": "1",
        }
        dims = {"surface_positions": ("surface_atom", "xyz"), "electrode": ("surface_atom",)}
        packing = ZstdCodec(checksum=True)  # it tells later damage
        for name, value in self._static.items():
            array = group.create_array(
                name,
                data=value,
                chunks=value.shape,
                compressors=packing,
                dimension_names=dims.get(name, ("source",)),
                config={"write_empty_chunks": True},
            )
            array.attrs["units"] = units[name]
        sources = len(self._static["source_charges"])
        surface = len(self._static["surface_positions"])
        electrodes = [("potential", (self._electrodes,), "f8", ("group",), "V", np.nan)]
        for name, shape, dtype, names, unit, fill in (
            *(electrodes if self._electrodes else ()),
            ("source_positions", (sources, 3), "f4", ("source", "xyz"), "angstrom", np.nan),
            ("surface_charges", (surface,), "f8", ("surface_atom",), "e", np.nan),
            ("cell", (3, 3), "f8", ("vector", "xyz"), "angstrom", np.nan),
            ("time", (), "f8", (), "ps", np.nan),
            ("step", (), "i8", (), "1", NO_STEP),
        ):
            array = group.create_array(
                name,
                shape=(0, *shape),
                chunks=(1, *shape),
                dtype=dtype,
                compressors=packing,
                fill_value=fill,
                dimension_names=("frame", *names),
            )
            array.attrs["units"] = unit
        temporary.rename(self.path)
        return zarr.open_group(self.path, mode="r+")

    def _reopen(self) -> tuple[zarr.Group, int]:
        """Open what is there; with the number of its finished frames."""
        existing = open_dataset(self.path)
        group = open_group(self.path, KIND, ADVICE, "r+")
        for name, value in self._static.items():
            if not np.array_equal(np.asarray(group[name]), value):
                raise VoxionError(
                    f"{self.path} holds another system ({name} differ): write to a new name."
                )
        for name in ("total_charge", "periodic", "species", "label_source", "electrodes"):
            stored, wanted = group.attrs.get(name), json.loads(json.dumps(self._attrs.get(name)))
            if stored != wanted:
                raise VoxionError(
                    f"{self.path} was written with {name} {stored}, not {wanted}: "
                    "write to a new name."
                )
        return group, existing.frames


def _electrode_of_atom(electrodes: Mapping[str, NDArray[np.bool_]]) -> NDArray[np.int8]:
    """Return the number [M] of the electrode of each atom.

    Raises
    ------
    VoxionError
        An atom belongs to none or to several.
    """
    members = np.array(list(electrodes.values()))
    if not (members.sum(axis=0) == 1).all():
        raise VoxionError(
            f"Each surface atom must belong to one of the electrodes {', '.join(electrodes)}."
        )
    return members.argmax(axis=0).astype(np.int8)
