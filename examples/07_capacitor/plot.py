"""Draw the charging of the pair in both engines, the ions between, and the electrodes' charges.

python plot.py [gold]
"""

import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from voxion.figures import COLOURS, REFERENCE, WIDTH, styled

MATERIAL = sys.argv[1] if len(sys.argv) > 1 else "graphene"
FOLDER = Path(__file__).parent / MATERIAL
TIMESTEP = 2e-3  # ps
METHODS = {"conp": "fix electrode/conp", "voxion": "fix voxion/charge"}
SPECIES = {"cations": "Na$^+$", "anions": "Cl$^-$", "oxygen": "water, tenth"}


def profile(species: str) -> tuple[np.ndarray, np.ndarray]:
    """Heights (angstrom) and number density (1/angstrom^3) of the run with the model."""
    table = np.loadtxt(FOLDER / f"{species}-voxion.txt", skiprows=4)
    return table[:, 1], table[:, 3]


@styled
def draw() -> Figure:
    """Charging curves in LAMMPS and GROMACS, ion profiles, and a map of each electrode."""
    figure = Figure((WIDTH, 6.2), layout="constrained")
    (lammps, gromacs), (ions, maps) = figure.subplots(2, 2)

    for (name, label), colour in zip(METHODS.items(), (REFERENCE, COLOURS[0]), strict=True):
        path = FOLDER / f"charging-{name}.txt"
        if path.exists():
            step, charge = np.loadtxt(path, unpack=True)
            lammps.plot(TIMESTEP * step, charge, color=colour, label=label)
    lammps.set(
        title="LAMMPS, 2 V switched on", xlabel="time / ps", ylabel="charge of the upper / e"
    )
    lammps.legend(loc="lower right")

    for number, voltage in enumerate((2, 1, 0)):
        table = np.loadtxt(FOLDER / "gromacs" / f"{voltage}.xvg", comments=["#", "@"])
        gromacs.plot(table[:, 0], table[:, 19], color=COLOURS[number], label=f"{voltage} V")
    gromacs.set(title="GROMACS", xlabel="time / ps", ylabel="charge of the upper / e")
    gromacs.set_ylim(top=1.3 * gromacs.get_ylim()[1])
    gromacs.legend(loc="upper center", ncols=3)

    for number, (name, label) in enumerate(SPECIES.items()):
        z, density = profile(name)
        scale = 100.0 if name == "oxygen" else 1000.0  # per nm^3
        ions.plot(z, scale * density, color=COLOURS[number], label=label)
    ions.set(title="2 V, second half of the run", xlabel="z / $\\mathrm{\\AA}$")
    ions.set(ylabel="number density / nm$^{-3}$")
    ions.legend(loc="upper center")

    x, y, z, q = np.loadtxt(FOLDER / "electrodes-voxion.txt", skiprows=9, usecols=(1, 2, 3, 4)).T
    upper = z > z.mean()
    # the layers that face the electrolyte
    face = np.isclose(z, np.where(upper, z[upper].min(), z[~upper].max()), atol=0.1)
    x, y, q, upper = x[face], y[face], q[face], upper[face]
    width = np.ptp(x) + 4.0
    shift = np.where(upper, width, 0.0)
    milli = 1000.0 * (q - np.where(upper, q[upper].mean(), q[~upper].mean()))
    limit = np.abs(milli).max()
    points = maps.scatter(x + shift, y, c=milli, cmap="RdBu_r", vmin=-limit, vmax=limit, s=16)
    for name, mean, left in (("lower", q[~upper].mean(), 0.0), ("upper", q[upper].mean(), width)):
        maps.text(left, y.max() + 2.0, f"{name}, mean {1000 * mean:+.1f} me", fontsize="small")
    maps.set(xlabel="x / $\\mathrm{\\AA}$", ylabel="y / $\\mathrm{\\AA}$", aspect="equal")
    maps.set_ylim(top=y.max() + 5.0)
    maps.set_title("electrodes at the end of it")
    maps.grid(visible=False)
    figure.colorbar(points, ax=maps, label="charge beside the mean / me", shrink=0.8)
    return figure


draw().savefig(FOLDER.with_suffix(".png"), dpi=130)
