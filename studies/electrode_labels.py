"""Label the frames of a data set with ELECTRODE's charges where sheets differ in order and place.

python studies/electrode_labels.py SYSTEM DATA OUTPUT

`voxion charges label` asks for the very sheet of the data set. SYSTEM, a folder of `voxion systems
graphene`, may have its atoms in another order, and its lattice elsewhere in the cell.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from rich.progress import track
from scipy.spatial import cKDTree

from voxion.charges.data.dataset import ChargeFrame
from voxion.charges.data.dataset_writer import ChargeDatasetWriter
from voxion.charges.data.opening import open_dataset
from voxion.charges.sampling.electrode import ElectrodeLabels
from voxion.errors import VoxionError

TOLERANCE = 0.01  # angstrom


def main(
    system: Annotated[Path, typer.Argument(help="Folder of a built sheet of the same size.")],
    data: Annotated[Path, typer.Argument(help="Data set whose frames are labelled.")],
    output: Annotated[Path, typer.Argument(help="Data set to write (Zarr).")],
) -> None:
    """Label all frames."""
    dataset = open_dataset(data)
    with ElectrodeLabels(system) as solver:
        shift, order = match(
            dataset.surface_positions, solver.surface_positions, dataset.cells[0].diagonal()
        )
        writer = ChargeDatasetWriter.like(
            dataset,
            output,
            label_source=solver.settings,
            title=f"ELECTRODE's charges for {data.name}",
        )
        for frame in track([dataset.frame(i) for i in range(dataset.frames)], "labelling"):
            charges = solver.label(frame.source_positions.astype(np.float64) + shift)[order]
            writer.append(
                ChargeFrame(frame.source_positions, charges, frame.cell, frame.step, frame.time)
            )


def match(
    sites: NDArray[np.float64], others: NDArray[np.float64], lengths: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Shift [3] that puts a sheet onto another, and the index [M] of each site there."""
    box = lengths[:2]
    tree = cKDTree(others[:, :2] % box, boxsize=box)
    for other in others:
        shift = other - sites[0]
        distance, order = tree.query((sites + shift)[:, :2] % box)
        if distance.max() < TOLERANCE:
            return shift, order
    raise VoxionError("The system's sheet is not the sheet of the data set.")


if __name__ == "__main__":
    typer.run(main)
