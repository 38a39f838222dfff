"""Draw the charges of the run over time, those along the sheet, and those across the electrolyte.

python plot.py              # after ./run.sh
"""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from voxion.figures import COLOURS, REFERENCE, WIDTH, styled
from voxion.voxels.stores.store import open_store

FOLDER = Path(__file__).parent / "electrode"
INTERRUPTED = 4.4  # ps


@styled
def draw() -> Figure:
    """Three panels from the table and the two stores of the run."""
    figure = Figure((WIDTH, 3.3), layout="constrained")
    figure.get_layout_engine().set(wspace=0.06)
    over_time, along, across = figure.subplots(1, 3, width_ratios=[1, 1.2, 1])

    time, _, smallest, mean, largest, *_ = np.loadtxt(
        FOLDER / "charges.xvg", comments=["#", "@"], unpack=True
    )
    over_time.fill_between(
        time, smallest, largest, color=COLOURS[5], alpha=0.5, lw=0, label="smallest to largest"
    )
    over_time.plot(time, mean, color=COLOURS[0], label="mean")
    over_time.axvline(INTERRUPTED, 0, 0.65, color=REFERENCE, ls="--", lw=1.0, label="interrupted")
    over_time.set(title="charges of the atoms", xlabel="time / ps", ylabel="charge / e")
    over_time.set(xlim=(0, time[-1]), ylim=(None, 0.055))
    over_time.legend(loc="upper right")

    store = open_store(FOLDER / "sheet.zarr")
    lx, ly, lz = store.boxes[-1].diagonal()
    image = along.imshow(
        store.grid(-1)[0, 0] * lz,  # one layer of voxels
        origin="lower",
        extent=(0, lx, 0, ly),
        cmap="viridis",
    )
    along.grid(visible=False)
    along.set(title="sheet, mean of the last ps", xlabel="x / nm", ylabel="y / nm")
    figure.colorbar(image, ax=along, label="charge / e nm$^{-2}$", shrink=0.85, pad=0.02)

    store = open_store(FOLDER / "electrolyte.zarr")
    charge = np.mean([store.grid(i, ["charge"]) for i in range(store.frames)], axis=(0, 1, 3, 4))
    z = (np.arange(len(charge)) + 0.5) * store.boxes[-1][2, 2] / len(charge)
    across.axhline(0.0, color=REFERENCE, lw=0.8)
    across.plot(z, charge, color=COLOURS[1])
    across.set(title="electrolyte, mean of the run", xlabel="z / nm", xlim=(0, 2.5))
    across.set(ylabel="charge / e nm$^{-3}$")
    return figure


draw().savefig(FOLDER.parent / "electrode.png", dpi=130)
