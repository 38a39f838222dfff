"""Draw slices of the grids at some hydrations: mass, charge and shear stress.

python plot.py                      # phases/lambda-*-run-1.zarr
python plot.py phases voxels.png
"""

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

from voxion.voxels.stores.store import open_store

HYDRATIONS = (0, 6, 15, 40)
# colours, and whether they are centred on zero
CHANNELS = {"mass": ("viridis", False), "charge": ("RdBu_r", True), "shear": ("magma", False)}
WINDOWS = 8  # averaged, as one window of few beads is noisy

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "phases")
picture = sys.argv[2] if len(sys.argv) > 2 else "voxels.png"

stores = [open_store(folder / f"lambda-{number}-run-1.zarr") for number in HYDRATIONS]
means = [
    np.mean([s.grid(i, list(CHANNELS)) for i in range(s.frames)[-WINDOWS:]], axis=0) for s in stores
]
slices = np.array([grid[:, grid.shape[1] // 2] for grid in means])

figure, panels = plt.subplots(
    len(CHANNELS), len(HYDRATIONS), figsize=(9.0, 6.9), layout="constrained"
)
for row, (channel, (colours, centred)) in enumerate(CHANNELS.items()):
    low, high = np.percentile(slices[:, row], [1, 99])
    if centred:
        low, high = -max(-low, high), max(-low, high)
    for column, store in enumerate(stores):
        axes = panels[row, column]
        edge = store.boxes[-1, 0, 0]
        image = axes.imshow(
            slices[column, row],
            origin="lower",
            extent=(0, edge, 0, edge),
            cmap=colours,
            vmin=low,
            vmax=high,
        )
        axes.set(xticks=[], yticks=[])
        if row == 0:
            axes.set_title(f"$\\lambda$ = {HYDRATIONS[column]}")
        if column == 0:
            unit = store.units[store.channels.index(channel)].replace("^3", "³")
            axes.set_ylabel(f"{channel}, {unit}")
    figure.colorbar(image, ax=panels[row], shrink=0.9, pad=0.01)
figure.savefig(picture, dpi=130)
