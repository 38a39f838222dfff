"""Models on the CPU beside a GPU: charges of sheets, and the classifier of voxels.

python -m benchmarks.devices.run

On a machine without a CUDA device it measures the CPU alone.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Annotated

import torch
import typer

from benchmarks.common.demonstration import TOTAL_CHARGE, demonstration, tiled
from benchmarks.common.report import Page, report_errors
from voxion import _core
from voxion.demo import model_path
from voxion.voxels.classifier.network import C3D

TILES = {336: 1, 5376: 4}  # atoms of the sheet, copies of the demonstration's along x and y
BATCH = 10  # grids, as in training


def main(
    repeats: Annotated[int, typer.Option(min=3)] = 30,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path(__file__).parent,
) -> None:
    """Time updates of charges, the classifier's inference and its training on each device."""
    with report_errors():
        devices = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
        names = {"cpu": f"{platform.processor() or 'processor'}, 1 thread"}
        if "cuda" in devices:
            names["cuda"] = torch.cuda.get_device_name()
        torch.set_num_threads(1)
        rows = [*_charges(devices, repeats), *_classifier(devices, repeats)]
        page = Page("Models on the CPU and on a GPU", [_where(names)])
        head = ["what", *(f"{names[device]}, ms" for device in devices)]
        page.table("Medians", head, [[what, *(f"{t:.2f}" for t in times)] for what, times in rows])
        page.write(out, "results", {"devices": names, "milliseconds": dict(rows)})


def _where(names: dict[str, str]) -> str:
    if "cuda" in names:
        return f"`python -m benchmarks.devices.run` on {names['cuda']}."
    return "`python -m benchmarks.devices.run`, on a machine without a CUDA device: the CPU alone."


def _charges(devices: list[str], repeats: int) -> list[tuple[str, list[float]]]:
    small = demonstration()
    rows = []
    for atoms, copies in TILES.items():
        sources, charges, surface, cell = tiled(small, copies)
        times = []
        for device in devices:
            predictor = _core.ChargePredictor(str(model_path()), device)
            total = TOTAL_CHARGE * copies**2
            inputs = (sources, charges, surface, cell, (True, True, False), total)
            times.append(_time(partial(predictor.predict, *inputs), repeats))
        rows.append((f"update of {atoms} charges, site potentials included", times))
    return rows


def _classifier(devices: list[str], repeats: int) -> list[tuple[str, list[float]]]:
    one, batch, training = [], [], []
    for device in devices:
        network = C3D(channels=3).to(device).eval()
        optimiser = torch.optim.Adam(network.parameters())
        grids = torch.rand(BATCH, 3, 32, 32, 32, device=device)
        classes = torch.arange(BATCH, device=device)

        few = max(3, repeats // 10)
        one.append(_time(partial(_infer, network, grids[:1]), repeats))
        batch.append(_time(partial(_infer, network, grids), few))
        training.append(_time(partial(_train, network, optimiser, grids, classes), few))
    return [
        ("phase of one grid of 3 x 32 x 32 x 32", one),
        (f"phases of {BATCH} such grids", batch),
        (f"a step of training on {BATCH}", training),
    ]


def _infer(network: C3D, grids: torch.Tensor) -> None:
    with torch.inference_mode():
        network(grids).cpu()


def _train(
    network: C3D, optimiser: torch.optim.Optimizer, grids: torch.Tensor, classes: torch.Tensor
) -> None:
    optimiser.zero_grad()
    loss = torch.nn.functional.cross_entropy(network(grids), classes)
    loss.backward()
    optimiser.step()
    loss.item()


def _time(action: Callable[[], object], repeats: int) -> float:
    """Return the median time in ms; each action ends with a copy to the CPU."""
    for _ in range(2):
        action()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        action()
        times.append(1e3 * (time.perf_counter() - start))
    return median(times)


if __name__ == "__main__":
    typer.run(main)
