"""Measured activity coefficients of ions in membranes, with the descriptors of a simulation.

Two CSV files hold a data set, in the layout of Naghshnejad et al. (chemrxiv-2024-jcjg3): one row
per polymer, salt and external salt concentration, and the SMILES of the molecules.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from voxion.activity.data.polymers import check_polymer, read_molecule
from voxion.errors import VoxionError

Floats = NDArray[np.float64]

# of three radial distribution functions (counter-ion and water oxygen, tethered charge and water
# oxygen, tethered charge and counter-ion): position of the first minimum, position and height of
# the first peak, coordination number at the first minimum
DESCRIPTORS = tuple(
    f"{quantity}_{pair}"
    for pair in ("ion_water", "fixed_water", "fixed_ion")
    for quantity in ("r_min", "r_peak", "g_peak", "cn")
)
WATER, CONCENTRATION, GAMMA = "water_per_ion", "salt_conc_M", "gamma_exp"
KINDS = ("polymer", "salt")
LARGEST = 1e6  # beyond any concentration, distance or number of neighbours


@dataclass(frozen=True)
class ActivityData:
    """N membranes in contact with a salt solution.

    Attributes
    ----------
    polymers, salts : ndarray [N] of str
    water_per_ion : ndarray [N]
        Water molecules per tethered charge.
    salt_concentration : ndarray [N]
        Salt concentration of the external solution, mol/L.
    descriptors : ndarray [N, 12]
        In the order of `DESCRIPTORS`; positions in angstrom.
    gamma : ndarray [N] or None
        Measured activity coefficient of the ions in the membrane; None where it is to be predicted.
    polymer_smiles, salt_smiles : dict of str to str
        By name; they may hold more molecules than occur.
    """

    polymers: NDArray[np.str_]
    salts: NDArray[np.str_]
    water_per_ion: Floats
    salt_concentration: Floats
    descriptors: Floats
    gamma: Floats | None
    polymer_smiles: dict[str, str]
    salt_smiles: dict[str, str]

    def __len__(self) -> int:
        return len(self.polymers)

    @property
    def pairs(self) -> NDArray[np.str_]:
        """Polymer and salt of each row, "polymer/salt" [N]."""
        names = zip(self.polymers, self.salts, strict=True)
        return np.array([f"{polymer}/{salt}" for polymer, salt in names], dtype=np.str_)

    @property
    def measured(self) -> Floats:
        """The coefficients [N] of data that have them.

        Raises
        ------
        VoxionError
            They were not measured.
        """
        if self.gamma is None:
            raise VoxionError(f"The data have no column {GAMMA}: measured coefficients are needed.")
        return self.gamma

    @property
    def numbers(self) -> Floats:
        """The descriptors, the salt concentration and the water per ion [N, 14]."""
        return np.column_stack([self.descriptors, self.salt_concentration, self.water_per_ion])

    def take(self, indices: ArrayLike) -> ActivityData:
        """Return the rows of these indices."""
        rows = np.asarray(indices)
        return ActivityData(
            self.polymers[rows],
            self.salts[rows],
            self.water_per_ion[rows],
            self.salt_concentration[rows],
            self.descriptors[rows],
            None if self.gamma is None else self.gamma[rows],
            self.polymer_smiles,
            self.salt_smiles,
        )


def read_activity(data: Path, molecules: Path, *, measured: bool = True) -> ActivityData:
    """Read and check a data set.

    Parameters
    ----------
    data : Path
        CSV file with columns polymer, salt, water_per_ion, salt_conc_M, `DESCRIPTORS`, gamma_exp.
    molecules : Path
        CSV file with columns kind (polymer or salt), name, smiles.
    measured : bool
        Whether the coefficients must be there; if not, the column may be missing and is not read.

    Raises
    ------
    VoxionError
        A file or a column is missing, a number is none or out of range, a molecule has no SMILES
        or one that cannot be read, a row or a molecule is there twice; with the line of the file.
    """
    smiles = _read_molecules(molecules)
    positive = [WATER, CONCENTRATION] + ([GAMMA] if measured else [])
    needed = [*KINDS, *positive, *DESCRIPTORS]
    names: list[tuple[str, str]] = []
    numbers: list[list[float]] = []
    first_line: dict[tuple[str, str, float], int] = {}
    for line, row in read_rows(data, needed):
        place = f"{data}, line {line}"
        for kind in KINDS:
            if row[kind] not in smiles[kind]:
                raise VoxionError(
                    f"{place}: the {kind} {row[kind][:80]!r} has no SMILES in {molecules}: add it "
                    "there."
                )
        values = [_number(row, name, place, _positive) for name in positive]
        values += [_number(row, name, place, _not_negative) for name in DESCRIPTORS]
        key = (row["polymer"], row["salt"], values[1])
        if key in first_line:
            raise VoxionError(
                f"{place}: {key[0]} in {key[1]} at {key[2]:g} mol/L is already on line "
                f"{first_line[key]}: leave one of the two."
            )
        first_line[key] = line
        names.append(key[:2])
        numbers.append(values)
    if not numbers:
        raise VoxionError(f"{data} has no rows: one per membrane and solution is expected.")
    table = np.array(numbers)
    polymers, salts = np.array(names, dtype=np.str_).T
    return ActivityData(
        polymers,
        salts,
        table[:, 0],
        table[:, 1],
        table[:, len(positive) :],
        table[:, 2] if measured else None,
        smiles["polymer"],
        smiles["salt"],
    )


def _read_molecules(path: Path) -> dict[str, dict[str, str]]:
    """Read the SMILES by kind and name."""
    smiles: dict[str, dict[str, str]] = {kind: {} for kind in KINDS}
    for line, row in read_rows(path, ["kind", "name", "smiles"]):
        kind, name = row["kind"], row["name"]
        if kind not in KINDS:
            raise VoxionError(
                f"{path}, line {line}: kind {kind[:40]!r}; polymer or salt is expected."
            )
        if not name or not row["smiles"]:
            missing = "smiles" if name else "name"
            raise VoxionError(f"{path}, line {line}: {missing} is empty.")
        if name in smiles[kind]:
            raise VoxionError(f"{path}, line {line}: the {kind} {name[:80]!r} is there twice.")
        place = f"{path}, line {line}: {kind} {name[:80]}"
        molecule = read_molecule(row["smiles"], place)
        if kind == "polymer":
            check_polymer(molecule, place)
        smiles[kind][name] = row["smiles"]
    return smiles


def read_rows(path: Path, columns: list[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield line number and cells, without blanks around them, of each row of a CSV file.

    Raises
    ------
    VoxionError
        It is no CSV file, lacks a column, or has rows of another length.
    """
    if not path.is_file():
        problem = "it is not a file" if path.exists() else "No such file"
        raise VoxionError(f"{path} cannot be read: {problem}.")
    try:
        _check_beginning(path)
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            header = [name.strip() for name in reader.fieldnames or []]
            reader.fieldnames = header
            _check_header(path, header, columns)
            for row in reader:
                if None in row or None in row.values():
                    raise VoxionError(
                        f"{path}, line {reader.line_num}: another number of cells than the header's"
                        f" {len(header)}."
                    )
                yield reader.line_num, {name: row[name].strip() for name in columns}
    except OSError as error:
        raise VoxionError(f"{path} cannot be read: {error.strerror or error}.") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise VoxionError(f"{path} is not a CSV file in UTF-8: {error}.") from None


def _check_beginning(path: Path) -> None:
    with path.open("rb") as file:
        beginning = file.read(4)
    kinds = {
        b"PK\x03\x04": "an Excel or other packed file",
        b"\xd0\xcf\x11\xe0": "an old Excel file",
        b"\xff\xfe": "text in UTF-16",
        b"\xfe\xff": "text in UTF-16",
    }
    for mark, kind in kinds.items():
        if beginning.startswith(mark):
            raise VoxionError(f"{path} is {kind}: save it as CSV in UTF-8, separated by commas.")


def _check_header(path: Path, header: list[str], columns: list[str]) -> None:
    for separator, name in ((";", "semicolons"), ("\t", "tabs"), ("|", "vertical bars")):
        if len(header) == 1 and separator in header[0]:
            raise VoxionError(
                f"{path} separates its columns by {name}: separate them by commas, and write "
                "numbers with a decimal point."
            )
    if twice := [name for name in columns if header.count(name) > 1]:
        raise VoxionError(f"{path} has the column {twice[0]} twice: leave one of the two.")
    if absent := [name for name in columns if name not in header]:
        found = ", ".join(header) or "no columns"
        raise VoxionError(
            f"{path} lacks the column {absent[0]}: it has {found[:300]}; names are written in "
            "small letters as in the documentation."
        )


def _number(row: dict[str, str], column: str, place: str, check: Callable[[float], str]) -> float:
    """Read a number and check its range."""
    text = row[column]
    try:
        value = float(text) if "_" not in text else math.nan  # 1_000 is a number in Python only
    except ValueError:
        value = math.nan
    problem = check(value) if abs(value) <= LARGEST else f"a finite number up to {LARGEST:g}"
    if problem:
        point = " with a decimal point" if re.fullmatch(r"-?\d+,\d+", text) else ""
        raise VoxionError(f"{place}: {column} is {text[:40]!r}; {problem}{point} is expected.")
    return value


def _positive(value: float) -> str:
    return "" if value > 0 else "a positive number"


def _not_negative(value: float) -> str:
    return "" if value >= 0 else "a number that is not negative"
