"""From a fitted model to a TorchScript file under the contract `ion-activity`, and back."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from voxion import __version__
from voxion.activity.data.chemistry import FEATURES as CHAIN_FEATURES
from voxion.activity.data.domain import Familiarity, familiarity
from voxion.activity.data.graphs import FEATURES, molecule_graphs
from voxion.activity.data.table import CONCENTRATION, DESCRIPTORS, WATER, ActivityData, Floats
from voxion.activity.models.condensation_module import module_inputs
from voxion.activity.models.condensation_process import UNKNOWN
from voxion.activity.models.estimator import COVERAGE, Prediction
from voxion.contract.model_file import write_model_file
from voxion.contract.schema import CONTRACT_FILE, ActivityContract, InputRanges, load_model
from voxion.errors import VoxionError

TOLERANCE = 1e-4  # of ln gamma; networks run in single precision, only the order of sums differs
NUMBERS = (*DESCRIPTORS, CONCENTRATION, WATER)  # in the order of `ActivityData.numbers`
UNITS = tuple(
    {"r": "angstrom", "g": "", "cn": "", "salt": "mol/L", "water": ""}[name.split("_")[0]]
    for name in NUMBERS
)
ModelInputs = Literal["graphs", "condensation"]


def data_hash(data: ActivityData) -> str:
    """One hash for rows and the molecules that occur."""
    smiles = [data.polymer_smiles[str(name)] for name in data.polymers]
    smiles += [data.salt_smiles[str(name)] for name in data.salts]
    names = "\n".join([*data.pairs.tolist(), *smiles])
    numbers = np.column_stack([data.numbers, data.measured]).tobytes()
    return f"sha256:{hashlib.sha256(names.encode() + numbers).hexdigest()}"


def activity_contract(
    data: ActivityData,
    model: str,
    inputs: ModelInputs = "graphs",
    log_intervals: tuple[float, float] | None = None,
) -> ActivityContract:
    """Say what a model was trained on, and how wide its intervals are if they are not its own."""
    numbers = data.numbers
    known, new = log_intervals or (None, None)
    pairs = tuple(dict.fromkeys(data.pairs.tolist()))
    return ActivityContract(
        torch_version=torch.__version__.split("+")[0],
        voxion_version=__version__,
        data_hash=data_hash(data),
        input_ranges=_ranges(numbers),
        model=model,
        inputs=inputs,
        atom_features=FEATURES if inputs == "graphs" else None,
        chain_features=CHAIN_FEATURES if inputs == "condensation" else None,
        numbers=NUMBERS,
        number_units=UNITS,
        # in the order of the first rows, which is that of a model's codes
        polymers={name: data.polymer_smiles[name] for name in data.polymers.tolist()},
        salts={name: data.salt_smiles[name] for name in data.salts.tolist()},
        pairs=pairs,
        pair_ranges=tuple(_ranges(numbers[data.pairs == pair]) for pair in pairs),
        log_interval_known=known,
        log_interval_new=new,
        coverage=COVERAGE,
    )


def _ranges(numbers: Floats) -> InputRanges:
    return InputRanges(
        min=tuple(numbers.min(axis=0).tolist()), max=tuple(numbers.max(axis=0).tolist())
    )


def write_model(
    module: nn.Module,
    contract: ActivityContract,
    path: Path,
    data: ActivityData,
    expected: Prediction,
) -> Path:
    """Write a model; it gets its name if it says of its training data what is expected.

    Raises
    ------
    VoxionError
        It says something else, or has weights that are not finite.
    """

    def check(written: Path) -> None:
        loaded, _ = load_model(written, ActivityContract)
        found = run_model(loaded, contract, data, familiarity(data, contract))
        for name in ("gamma", "lower", "upper"):
            error = float(np.abs(np.log(getattr(found, name) / getattr(expected, name))).max())
            if not error <= TOLERANCE:
                raise VoxionError(
                    f"The exported model differs from the fitted one by {error:.2g} in the "
                    f"logarithm of {name}: it was not written."
                )

    return write_model_file(module, {CONTRACT_FILE: contract.to_json()}, path, check)


def run_model(
    module: Callable[..., Any],
    contract: ActivityContract,
    data: ActivityData,
    known: Sequence[Familiarity],
) -> Prediction:
    """Ask a model for all rows; `known` says what the training data have of each.

    Raises
    ------
    VoxionError
        A molecule cannot be read or described, or a result is not a positive number.
    """
    with torch.no_grad():
        if contract.inputs == "graphs":
            found = _run_graphs(module, contract, data, known)
        else:
            found = Prediction(*(v.numpy() for v in module(*_condensation(contract, data, known))))
    for values in (found.gamma, found.lower, found.upper):
        wrong = np.flatnonzero(~(np.isfinite(values) & (values > 0)))
        if wrong.size:
            raise VoxionError(
                f"Row {wrong[0] + 1}: the model gives {values[wrong[0]]}; look at its numbers."
            )
    return found


def _run_graphs(
    module: Callable[..., Any],
    contract: ActivityContract,
    data: ActivityData,
    known: Sequence[Familiarity],
) -> Prediction:
    polymers = molecule_graphs(data.polymers, data.polymer_smiles, "polymer")
    salts = molecule_graphs(data.salts, data.salt_smiles, "salt")
    gamma = np.zeros(len(data))
    for row in range(len(data)):
        polymer, salt = polymers[str(data.polymers[row])], salts[str(data.salts[row])]
        numbers = torch.from_numpy(data.numbers[row])
        graphs = (polymer.x, polymer.edge_index, salt.x, salt.edge_index)
        gamma[row] = float(module(*graphs, numbers))
    assert contract.log_interval_known is not None and contract.log_interval_new is not None
    width = np.where(
        [one.known for one in known], contract.log_interval_known, contract.log_interval_new
    )
    return Prediction(gamma, gamma * np.exp(-width), gamma * np.exp(width))


def _condensation(
    contract: ActivityContract, data: ActivityData, known: Sequence[Familiarity]
) -> tuple[Tensor, ...]:
    """Return the arguments of `CondensationModule.forward`."""
    polymers = {name: index for index, name in enumerate(contract.polymers)}
    pairs = {name: index for index, name in enumerate(contract.pairs)}
    codes = [
        (
            UNKNOWN if one.polymer is None else polymers[one.polymer],
            pairs.get(f"{one.polymer}/{one.salt}", UNKNOWN),
        )
        for one in known
    ]
    polymer, pair = np.array(codes, np.int64).T
    return module_inputs(data, polymer, pair)
