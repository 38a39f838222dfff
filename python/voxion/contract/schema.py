"""The model contract: what `voxion.json` inside a model file says, validated.

Engines read a model's forward method and this file, nothing else. The C++ core
(cpp/core/*_contract.cpp) checks the same rules.
"""

from __future__ import annotations

import json
import math
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, get_origin, overload

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from voxion.contract.archive import CONTRACT_FILE, MAX_CONTRACT_BYTES, read_contract_text
from voxion.contract.torchscript import quiet_torchscript
from voxion.errors import VoxionError

if TYPE_CHECKING:
    import torch

    from voxion.contract.package import PackagedModel

    LoadedModel = torch.jit.ScriptModule | PackagedModel

CONTRACT_VERSION = 1

# Bounds of what a contract may hold, far beyond any real model: a damaged or hostile file must not
# make its reader allocate or compute without end. cpp/core/contract.hpp has the same.
MAX_DEPTH = 32  # nested lists and objects
MAX_LIST = 1000
MAX_ATOMS = 100_000_000
MAX_GRID_VALUES = 2**28  # channels x voxels

Input = Annotated[float, Field(ge=-1e30, le=1e30)]
Width = Annotated[float, Field(ge=0, le=100)]  # 1/angstrom
Cutoff = Annotated[float, Field(ge=0.1, le=100)]  # angstrom
WaveVector = Annotated[float, Field(ge=0.01, le=10)]  # 1/angstrom
Depth = Annotated[float, Field(ge=0, le=1000)]  # angstrom
BETWEEN_LAYERS = 0.5  # angstrom, at least
Length = Annotated[float, Field(ge=-1e6, le=1e6)]  # angstrom
Count = Annotated[int, Field(ge=1, le=MAX_ATOMS)]
Voxels = Annotated[int, Field(ge=1, le=4096)]
Text = Annotated[str, Field(max_length=256, pattern=r"^[^\x00-\x1f\x7f]*$")]
Name = Annotated[Text, Field(min_length=1)]
LongText = Annotated[str, Field(min_length=1, max_length=100_000, pattern=r"^[^\x00-\x1f\x7f]*$")]
Triple = tuple[Length, Length, Length]
Names = Annotated[tuple[Name, ...], Field(min_length=1, max_length=MAX_LIST)]
Texts = Annotated[tuple[Text, ...], Field(max_length=MAX_LIST)]
LogInterval = Annotated[float, Field(ge=0, le=100)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)

    def unstated(self) -> list[str]:
        """Return the names of units and conventions that a file left to their defaults."""
        missing = [
            name
            for name, field in type(self).model_fields.items()
            if get_origin(field.annotation) is Literal and name not in self.model_fields_set
        ]
        parts = [part for _, part in self if isinstance(part, _Part)]
        return missing + [name for part in parts for name in part.unstated()]


class Source(_Part):
    """One species of the electrolyte; for inputs `positions` one run in ascending atom ID."""

    name: Name
    charge: Annotated[float, Field(ge=-100, le=100)]
    count: Count | None = None


class RadialFunctions(_Part):
    """erfc(a r)/r - erfc(a rc)/rc for each inverse width a (1/angstrom), zero beyond rc."""

    form: Literal["erfc"] = "erfc"
    widths: Annotated[tuple[Width, ...], Field(min_length=1, max_length=64)]
    cutoff: Cutoff


class InputRanges(_Part):
    """Smallest and largest value of each input in the training data."""

    min: tuple[Input, ...]
    max: tuple[Input, ...]


class Contract(_Part):
    """Metadata that all models have; each kind is a class of its own."""

    contract_version: Literal[1] = 1
    kind: str
    length_unit: Literal["angstrom"] = "angstrom"
    charge_unit: Literal["e"] = "e"
    torch_version: Text
    voxion_version: Text
    data_hash: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
    input_ranges: InputRanges

    def to_json(self) -> str:
        """Return the text of `voxion.json`."""
        return self.model_dump_json(indent=2)

    def _check_ranges(self, expected: int) -> None:
        _check_ranges("input_ranges", self.input_ranges, expected)


def _check_ranges(name: str, ranges: InputRanges, expected: int) -> None:
    if len(ranges.min) != expected or len(ranges.max) != expected:
        raise ValueError(f"{name!r} must hold {expected} numbers in 'min' and 'max'")
    if any(low > high for low, high in zip(ranges.min, ranges.max, strict=True)):
        raise ValueError(f"{name!r} must have min <= max")


class ChargeContract(Contract):
    """Metadata of a model of kind `surface-charges`.

    Raises
    ------
    pydantic.ValidationError
        A value breaks a rule of the contract; `parse_contract` turns it into a `VoxionError`.
    """

    kind: Literal["surface-charges"] = "surface-charges"
    inputs: Literal["positions", "site-potentials"]
    total_charge: Annotated[float, Field(ge=-1e6, le=1e6)] | None = None
    cell: tuple[Triple, Triple, Triple] | None = None
    surface_atoms: Count | None = None
    source_order: Literal["ascending atom ID"] = "ascending atom ID"
    sources: Annotated[tuple[Source, ...], Field(min_length=1, max_length=MAX_LIST)]
    radial_functions: RadialFunctions | None = None
    largest_wave_vector: WaveVector | None = None
    total_charge_input: bool = False
    plane_offset: Annotated[float, Field(ge=-100, le=100)] | None = None
    corrugation: Annotated[float, Field(ge=-10, le=10)] | None = None
    layers: Annotated[tuple[Depth, ...], Field(min_length=2, max_length=100)] | None = None
    reach: Cutoff | None = None

    @model_validator(mode="after")
    def _fits_inputs(self) -> ChargeContract:
        if self.inputs == "positions":
            self._check_positions()
        elif self.radial_functions is None:
            raise ValueError("inputs 'site-potentials' need 'radial_functions'")
        if self.corrugation is not None and self.plane_offset is None:
            raise ValueError("'corrugation' needs 'plane_offset'")
        self._check_layers()
        self._check_ranges(self.input_count)
        return self

    def _check_layers(self) -> None:
        if self.layers is None:
            return
        if self.plane_offset is None:
            raise ValueError("'layers' need 'plane_offset'")
        gaps = [b - a for a, b in pairwise(self.layers)]
        if self.layers[0] != 0.0 or min(gaps) < BETWEEN_LAYERS:
            raise ValueError("'layers' must ascend from 0 by 0.5 angstrom or more")

    def _check_positions(self) -> None:
        for key in ("total_charge", "cell", "surface_atoms"):
            if getattr(self, key) is None:
                raise ValueError(f"inputs 'positions' need '{key}'")
        if any(source.count is None for source in self.sources):
            raise ValueError("inputs 'positions' need a 'count' in every source")
        if self.radial_functions is not None:
            raise ValueError("'radial_functions' are not used by inputs 'positions'")
        if self.largest_wave_vector is not None:
            raise ValueError("'largest_wave_vector' is not used by inputs 'positions'")
        if self.total_charge_input:
            raise ValueError("'total_charge_input' is not used by inputs 'positions'")
        if self.plane_offset is not None:
            raise ValueError("'plane_offset' is not used by inputs 'positions'")
        if self.reach is not None:
            raise ValueError("'reach' is not used by inputs 'positions'")

    @property
    def depths(self) -> tuple[float, ...]:
        """Depths of the layers of nuclei behind the face of an electrode of a pair, angstrom."""
        return self.layers or (0.0,)

    @property
    def input_count(self) -> int:
        """Numbers in each of `input_ranges`: 3 coordinates, or one per potential at a site."""
        if self.radial_functions is None:
            return 3
        return len(self.radial_functions.widths) + (self.largest_wave_vector is not None)


class ClassifierContract(Contract):
    """Metadata of a model of kind `voxel-classifier`.

    Attributes
    ----------
    channels : tuple of C str
        Channels of the grid, in the order of the model's input.
    channel_units : tuple of C str
        Unit of each channel in the training data.
    grid : tuple of 3 ints
        Voxels, nz, ny, nx.
    spread : "ngp", "cic" or None
        How atoms were shared among voxels in the training data; None: not known.
    normalisation : "min-max"
        Each channel of each grid is brought to 0 ... 1 by its own extremes.
    labels : tuple of K str
        Labels of the classes, in the order of the logits.
    input_ranges : InputRanges
        Raw values of each channel over the training data.

    Raises
    ------
    pydantic.ValidationError
        A value breaks a rule of the contract; `parse_contract` turns it into a `VoxionError`.
    """

    kind: Literal["voxel-classifier"] = "voxel-classifier"
    channels: Names
    channel_units: Texts
    grid: tuple[Voxels, Voxels, Voxels]
    spread: Literal["ngp", "cic"] | None = None
    normalisation: Literal["min-max"] = "min-max"
    labels: Annotated[tuple[Name, ...], Field(min_length=2, max_length=MAX_LIST)]

    @model_validator(mode="after")
    def _fits_channels(self) -> ClassifierContract:
        for key in ("channels", "labels"):
            names = getattr(self, key)
            if len(set(names)) < len(names):
                raise ValueError(f"'{key}' must be distinct, found {', '.join(names)}")
        if len(self.channel_units) != len(self.channels):
            raise ValueError("'channel_units' must have one unit for each channel")
        if math.prod(self.grid) * len(self.channels) > MAX_GRID_VALUES:
            raise ValueError(f"'grid' must have at most {MAX_GRID_VALUES} values in all channels")
        self._check_ranges(len(self.channels))
        return self


class ActivityContract(Contract):
    """Metadata of a model of kind `ion-activity`.

    Attributes
    ----------
    model : str
        Which one, of `voxion activity fit`.
    inputs : "graphs" or "condensation"
        What `forward` takes, see docs/activity.md.
    atom_features, chain_features : tuple of str or None
        Columns of a graph's nodes, or of a chain's row; only those of `inputs` are there.
    numbers, number_units : tuple of n str
        Names and units of the numbers that go with a membrane.
    polymers, salts : dict of str to str
        Names and SMILES (or compositions) of the molecules in the training data.
    pairs : tuple of str
        Which of them the training data have together, "polymer/salt".
    pair_ranges : tuple of InputRanges or None
        Of each of these pairs; None: an older model, which does not say.
    log_interval_known, log_interval_new : float or None
        Half widths of ln gamma that shall hold `coverage` of the measurements: for a pair of the
        training data at another concentration, and for a new one. None: the model gives its own.
    coverage : float
    input_ranges : InputRanges
        Input ranges of the n numbers in the training data.

    Raises
    ------
    pydantic.ValidationError
        A value breaks a rule of the contract; `parse_contract` turns it into a `VoxionError`.
    """

    kind: Literal["ion-activity"] = "ion-activity"
    model: Name
    inputs: Literal["graphs", "condensation"]
    atom_features: Names | None = None
    chain_features: Names | None = None
    numbers: Names
    number_units: Texts
    polymers: Annotated[dict[Name, LongText], Field(min_length=1)]
    salts: Annotated[dict[Name, LongText], Field(min_length=1)]
    pairs: Annotated[tuple[LongText, ...], Field(min_length=1)]
    pair_ranges: tuple[InputRanges, ...] | None = None
    log_interval_known: LogInterval | None = None
    log_interval_new: LogInterval | None = None
    coverage: Annotated[float, Field(gt=0, lt=1)]

    @model_validator(mode="after")
    def _fits_numbers(self) -> ActivityContract:
        if len(self.number_units) != len(self.numbers):
            raise ValueError("'number_units' must have one unit for each of 'numbers'")
        graphs = ("atom_features", "log_interval_known", "log_interval_new")
        for key in (*graphs, "chain_features"):
            if (getattr(self, key) is not None) != ((key in graphs) == (self.inputs == "graphs")):
                raise ValueError(f"{key!r} must go with its 'inputs', found {self.inputs!r}")
        self._check_ranges(len(self.numbers))
        if self.pair_ranges is not None and len(self.pair_ranges) != len(self.pairs):
            raise ValueError("'pair_ranges' must have one entry for each of 'pairs'")
        for ranges in self.pair_ranges or ():
            _check_ranges("pair_ranges", ranges, len(self.numbers))
        return self


AnyContract = TypeVar("AnyContract", bound=Contract)
KINDS: dict[str, type[Contract]] = {
    "surface-charges": ChargeContract,
    "voxel-classifier": ClassifierContract,
    "ion-activity": ActivityContract,
}
EXPORTERS = {
    "surface-charges": "'voxion charges export'",
    "voxel-classifier": "'voxion voxels export'",
    "ion-activity": "'voxion activity fit'",
}


@overload
def parse_contract(text: str, model: str) -> ChargeContract: ...
@overload
def parse_contract(text: str, model: str, expected: type[AnyContract]) -> AnyContract: ...
def parse_contract(text: str, model: str, expected: type[Contract] = ChargeContract) -> Contract:
    """Validate the text of a `voxion.json`.

    Parameters
    ----------
    text : str
        JSON.
    model : str
        Name of the model in messages.
    expected : type
        `ChargeContract`, `ClassifierContract`, or `Contract` for any kind.

    Raises
    ------
    VoxionError
        Not a JSON object, a contract version that is not known, a kind that is not known or not
        the expected one, or a broken rule.
    """
    size = len(text.encode(errors="replace"))
    if size > MAX_CONTRACT_BYTES:
        problem = f"its {CONTRACT_FILE} has {size} bytes, at most {MAX_CONTRACT_BYTES} are read"
        raise _refused(model, problem, expected)
    content = _json_object(text)
    if content is None:
        raise _refused(model, f"its {CONTRACT_FILE} is not a JSON object", expected)
    version, kind = content.get("contract_version"), content.get("kind")
    if type(version) is not int or version != CONTRACT_VERSION:
        raise _refused(
            model,
            f"contract version {_shown(version)} is unknown, this voxion knows {CONTRACT_VERSION}",
            expected,
        )
    found = KINDS.get(kind) if isinstance(kind, str) else None
    if found is None or not issubclass(found, expected):
        wanted = " or ".join(repr(name) for name in _kinds(expected))
        raise VoxionError(
            f"Model {model}: its contract's 'kind' must be {wanted}, found {_shown(kind)}; make "
            f"such a model with {_exporters(expected)}."
        )
    try:
        # strict: "1.0" is not a number; JSON mode: lists are tuples
        contract = found.model_validate_json(text, strict=True)
    except ValidationError as error:
        raise _refused(model, _first_problem(error), found) from None
    if unstated := contract.unstated():
        raise _refused(model, f"its contract lacks '{unstated[0]}'", found)
    return contract


@overload
def read_contract(path: str | Path) -> ChargeContract: ...
@overload
def read_contract(path: str | Path, expected: type[AnyContract]) -> AnyContract: ...
def read_contract(path: str | Path, expected: type[Contract] = ChargeContract) -> Contract:
    """Read the contract of a model file, without loading the model.

    Parameters
    ----------
    path : str or Path
        TorchScript archive or AOTInductor package with `voxion.json` among its extra files.
    expected : type
        `ChargeContract`, `ClassifierContract`, or `Contract` for any kind.

    Raises
    ------
    VoxionError
        No such file, no whole archive, no contract in it, a contract of another kind, or one that
        breaks a rule.
    """
    return parse_contract(read_contract_text(path, _exporters(expected)), str(path), expected)


@overload
def load_model(path: str | Path) -> tuple[LoadedModel, ChargeContract]: ...
@overload
def load_model(
    path: str | Path, expected: type[AnyContract]
) -> tuple[LoadedModel, AnyContract]: ...
def load_model(
    path: str | Path, expected: type[Contract] = ChargeContract
) -> tuple[LoadedModel, Contract]:
    """Load a model file, on the CPU, and its contract.

    Loading runs code that the file brings: load models only from people you trust.

    Parameters are those of `read_contract`.

    Returns
    -------
    torch.jit.ScriptModule or PackagedModel
        Of a TorchScript archive or of an AOTInductor package.
    Contract

    Raises
    ------
    VoxionError
        As `read_contract`, torch cannot load the module, or the package was made for another torch
        or processor.
    """
    import torch  # here, so that the command line starts quickly

    from voxion.contract.package import PackagedModel, is_package

    contract = read_contract(path, expected)
    if is_package(path):
        return PackagedModel(path), contract
    with quiet_torchscript():
        try:
            module = torch.jit.load(str(path), map_location="cpu")
        except Exception as error:  # torch raises whatever its many parsers raise
            problem = str(error).strip().partition("\n")[0][:200]
            raise VoxionError(
                f"Model file {path} is not a TorchScript archive that torch {torch.__version__} "
                f"loads ({problem}); make one with {_exporters(expected)}."
            ) from None
    return module.eval(), contract


def _kinds(expected: type[Contract]) -> list[str]:
    return [name for name, kind in KINDS.items() if issubclass(kind, expected)]


def _exporters(expected: type[Contract]) -> str:
    return " or ".join(EXPORTERS[name] for name in _kinds(expected))


def _refused(model: str, problem: str, expected: type[Contract]) -> VoxionError:
    return VoxionError(
        f"Model {model}: {problem}; export the model again with {_exporters(expected)}."
    )


def _json_object(text: str) -> dict[str, Any] | None:
    """Return the JSON object in a text; None if it holds none, or what the C++ reader refuses."""
    try:
        content = json.loads(
            text, parse_float=_finite, parse_int=_whole, parse_constant=_no_json_constant
        )
        json.dumps(content, ensure_ascii=False).encode()  # no half of a surrogate pair
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) and not _too_deep(content) else None


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"{text} is too large")
    return value


def _whole(text: str) -> int:
    _finite(text)
    return int(text)


def _no_json_constant(text: str) -> None:
    raise ValueError(f"{text} is no JSON")


def _too_deep(value: Any, containers: int = 0) -> bool:
    if containers > MAX_DEPTH:
        return True
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(_too_deep(part, containers + 1) for part in parts)


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 80 else f"{text[:80]}..."


def _first_problem(error: ValidationError) -> str:
    first = error.errors()[0]
    message = first["msg"].removeprefix("Value error, ")
    place = ".".join(str(part) for part in first["loc"])
    if not place:
        return f"its contract breaks a rule: {message[:200]}"
    found = "" if first["type"] == "missing" else f", found {_shown(first['input'])}"
    return f"its contract's {_quoted(place)}: {message[:200]}{found}"


def _quoted(place: str) -> str:
    return f"'{place[:80]}'" if place.isprintable() else _shown(place)
