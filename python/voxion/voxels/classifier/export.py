"""From a finished training to a classifier under the contract, checked before it gets its name."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

import voxion._core as _core
from voxion.checkpoints import load_module, read_checkpoint
from voxion.contract.model_file import write_model_file
from voxion.contract.package import Method, Package
from voxion.contract.schema import CONTRACT_FILE, ClassifierContract, load_model, parse_contract
from voxion.errors import VoxionError
from voxion.files import refusing
from voxion.voxels.classifier.dataset import LabelledSet, open_labelled
from voxion.voxels.classifier.network import C3D
from voxion.voxels.classifier.scores import BASELINE_FILE, Baseline
from voxion.voxels.classifier.settings import read_settings

CLASSIFIER_FILE = "classifier.pt"
# The exported model runs the same operations in single precision: only the order of sums differs.
TOLERANCE = 1e-4
_ADVICE = "train again into another folder"


class ExportedClassifier(nn.Module):
    """The network as the engine calls it: float64 in and out, single precision inside."""

    def __init__(self, network: C3D) -> None:
        super().__init__()
        self.network = network

    def forward(self, grid: Tensor) -> Tensor:
        """Logits [B, K] of normalised grids [B, C, nz, ny, nx]."""
        logits: Tensor = self.network(grid.to(torch.float32))
        return logits.to(torch.float64)


@dataclass(frozen=True)
class Classifier:
    """A trained network with what it will say of itself when exported.

    Attributes
    ----------
    network : C3D
    contract : ClassifierContract
    baseline : Baseline
        Fitted to the same training part.
    """

    network: C3D
    contract: ClassifierContract
    baseline: Baseline

    def write(self, folder: Path) -> None:
        """Write `classifier.pt` into a training folder."""
        temporary = folder / f".{CLASSIFIER_FILE}"
        torch.save(
            {
                "contract": self.contract.to_json(),
                "baseline": self.baseline.to_json(),
                "state": self.network.state_dict(),
            },
            temporary,
        )
        temporary.replace(folder / CLASSIFIER_FILE)


def read_classifier(folder: str | Path) -> Classifier:
    """Read the classifier of a training folder.

    Raises
    ------
    VoxionError
        The training has not finished, the folder is none, or its classifier is damaged.
    """
    folder = Path(folder)
    read_settings(folder)  # says in words when the folder is no training
    path = folder / CLASSIFIER_FILE
    if not path.is_file():
        raise VoxionError(
            f"{folder} holds no finished training ({CLASSIFIER_FILE} is missing): finish it with "
            "'voxion voxels train ... --resume'."
        )
    content = read_checkpoint(path, _ADVICE)
    with refusing(path, "classifier", _ADVICE):
        texts = [content.get(name) for name in ("contract", "baseline")]
        if not all(isinstance(text, str) for text in texts):
            raise ValueError("it has no contract or no baseline")
    contract = parse_contract(str(texts[0]), str(path), ClassifierContract)
    baseline = Baseline.from_json(str(texts[1]), str(path), _ADVICE)
    channels, classes = len(contract.channels), len(contract.labels)
    with refusing(path, "classifier", _ADVICE):
        baseline.check_fits(channels, classes)
        network = load_module(lambda: C3D(channels, contract.grid, classes), content.get("state"))
    return Classifier(network.eval(), contract, baseline)


def export_classifier(folder: str | Path, path: str | Path) -> Path:
    """Write the classifier of a training folder with its contract.

    A name that ends on .pt2 makes an AOTInductor package, any other TorchScript. The written file
    is loaded in Python and in C++, as an engine does, and compared with the Python module on grids
    of the training's stores; only then it gets its name.

    Parameters
    ----------
    folder : str or Path
        Folder of a finished training.
    path : str or Path
        Model file to write.

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    VoxionError
        No finished training, its stores are not there, weights that are not finite, or a file that
        does not say what the Python module says.
    """
    classifier = read_classifier(folder)
    return write_model(classifier, path, open_labelled(read_settings(Path(folder)).sources))


def write_model(classifier: Classifier, path: str | Path, labelled: LabelledSet) -> Path:
    """Write one classifier; `labelled` gives the grids for the check. See `export_classifier`."""
    extra = {
        CONTRACT_FILE: classifier.contract.to_json(),
        BASELINE_FILE: classifier.baseline.to_json(),
    }

    def check(written: Path) -> None:
        _compare_in_python(classifier, written, labelled)
        _compare_engine(classifier, written, labelled)

    module = ExportedClassifier(copy.deepcopy(classifier.network))
    return write_model_file(module, extra, path, check, lambda: _package(module, classifier))


def _package(module: nn.Module, classifier: Classifier) -> Package:
    contract = classifier.contract
    # an example of one grid would fix their number
    grids = torch.zeros(2, len(contract.channels), *contract.grid, dtype=torch.float64)
    sizes = ({0: torch.export.Dim.AUTO},)
    return Package({"forward": Method(module, (grids,), sizes, len(contract.labels))})


def _compare_in_python(classifier: Classifier, path: Path, labelled: LabelledSet) -> None:
    module, _ = load_model(path, ClassifierContract)
    for number, frame, expected in _expected_logits(classifier, labelled):
        grid = labelled.stores[number].normalised(frame).astype(np.float64)
        with torch.no_grad():
            found = module(torch.from_numpy(grid)[None])[0].numpy()
        _require_equal(found, expected, f"Python, {_place(labelled, number, frame)}")


def _compare_engine(classifier: Classifier, path: Path, labelled: LabelledSet) -> None:
    # as in a run, the grids name their own channels
    engine = _core.VoxelClassifier(str(path), list(labelled.channels), list(labelled.shape))
    for number, frame, logits in _expected_logits(classifier, labelled):
        expected = torch.softmax(torch.from_numpy(logits), 0).numpy()
        found = np.asarray(engine.classify(labelled.stores[number].grid(frame)))
        _require_equal(found, expected, f"C++, {_place(labelled, number, frame)}")


def _expected_logits(
    classifier: Classifier, labelled: LabelledSet
) -> Iterator[tuple[int, int, NDArray[np.float64]]]:
    """Return store number, frame and the Python module's logits: first and last of each store."""
    network = classifier.network.eval()
    for number, store in enumerate(labelled.stores):
        for frame in sorted({0, store.frames - 1}):
            with torch.no_grad():
                logits = network(torch.from_numpy(store.normalised(frame))[None])[0]
            yield number, frame, logits.double().numpy()


def _place(labelled: LabelledSet, number: int, frame: int) -> str:
    return f"frame {frame} of {labelled.stores[number].path}"


def _require_equal(found: NDArray[np.float64], expected: NDArray[np.float64], where: str) -> None:
    largest = float(np.abs(found - expected).max() / max(1.0, np.abs(expected).max()))
    if not largest <= TOLERANCE:  # also when it is not a number
        raise VoxionError(
            f"The exported classifier differs from the trained one by {largest:.3g} in {where} "
            f"(allowed: {TOLERANCE:g} of the largest value): it was not written."
        )
