"""Draw what the model learned from the loop, and how far charges are off between two updates.

python plot.py              # after ./run.sh
"""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from voxion.charges.data.opening import open_dataset
from voxion.figures import COLOURS, REFERENCE, WIDTH, styled

FOLDER = Path(__file__).parent
SOLVERS = {"lammps-electrode": "ELECTRODE", "dftb+": "DFTB+"}


@styled
def draw() -> Figure:
    """Model against solver; and the errors of charges that wait for the next update."""
    loop, run, solved = (open_dataset(FOLDER / f"{n}.zarr") for n in ("loop", "run", "solved"))
    solver = SOLVERS[solved.label_source["name"]]
    figure = Figure((WIDTH, 3.6), layout="constrained")
    charges, errors = figure.subplots(1, 2, width_ratios=[1, 1.5])

    wanted, found = solved.surface_charges(), run.surface_charges()
    ends = [wanted.min(), wanted.max()]
    charges.plot(ends, ends, color=REFERENCE, lw=0.8)
    charges.plot(wanted.ravel(), found.ravel(), ".", ms=3, color=COLOURS[0])
    charges.set(title="charges in a run with the model", aspect="equal")
    charges.set(xlabel=f"{solver} / e", ylabel="model / e")

    updated = loop.surface_charges()
    late = np.abs(updated[1:] - updated[:-1]).mean(axis=1)
    constant = np.abs(updated - updated.mean()).mean(axis=1)
    own = np.abs(found - wanted).mean(axis=1)
    errors.plot(loop.times, constant, "s", ms=4, color=REFERENCE, label="the same for all atoms")
    errors.plot(
        loop.times[1:], late, "o", ms=4, color=COLOURS[1], label="loop, just before an update"
    )
    errors.plot(
        run.times, own, "o", ms=4, color=COLOURS[0], label="run with the model, at every step"
    )
    errors.set(title="mean error of the charges", xlabel="time / ps", ylabel="error / e")
    errors.set(yscale="log", xlim=(0, None))
    errors.legend(loc="center right")
    return figure


draw().savefig(FOLDER / "loop.png", dpi=130)
