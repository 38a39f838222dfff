"""Draw the charges of one frame: by the solver, by the model in the run, and their difference.

python plot.py run.zarr solved.zarr
"""

import sys

import numpy as np

from voxion.charges.data.opening import open_dataset
from voxion.charges.report.sheet_map import plot_error_map

run, solved = (open_dataset(path) for path in sys.argv[1:3])
difference = run.surface_charges() - solved.surface_charges()
# the frame whose error is the median of all
frame = int(np.argsort(np.abs(difference).mean(axis=1))[run.frames // 2])
figure = plot_error_map(
    run.surface_positions,
    run.frame(frame).cell,
    solved.surface_charges()[frame],
    run.surface_charges()[frame],
    "model, in the run",
)
figure.savefig("electrode.png", dpi=130)
