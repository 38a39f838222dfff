"""Harness of the tests of the GROMACS kernel: run inputs, runs, and their frames."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import MDAnalysis
import numpy as np

from voxion.engines.build import plugin_folder
from voxion.engines.gromacs_topology import set_charges
from voxion.engines.mdrun import KERNEL
from voxion.engines.mdrun_continuation import with_parameters

INPUT = "index index.ndx\npbc xy\n"
# every step is kept, with all its digits; and no pair is missed between pair searches
EVERY_STEP = {
    **{"nstxout": 1, "nstvout": 1, "nstfout": 1, "nstenergy": 1, "nstcalcenergy": 1},
    "verlet-buffer-tolerance": 1e-6,
}
OPTIONS = ("-ntmpi", "1", "-ntomp", "1", "-nstlist", "10", "-pme", "cpu", "-reprod")


@dataclass
class Frames:
    """Steps [T], positions, velocities (nm, nm/ps) and forces (kJ/mol/nm), [T, N, 3]."""

    steps: np.ndarray
    positions: np.ndarray
    velocities: np.ndarray
    forces: np.ndarray


class Electrode:
    """A built and equilibrated electrode in a folder of its own, and runs of GROMACS there."""

    def __init__(self, gmx: Path, folder: Path) -> None:
        self.gmx, self.folder = gmx, folder

    def tool(self, *arguments, stdin=None) -> str:
        run = self.call([str(self.gmx), "-quiet", *map(str, arguments)], stdin=stdin)
        assert run.returncode == 0, (run.stdout + run.stderr)[-3000:]
        return run.stdout

    def call(self, command, environment=None, stdin=None) -> subprocess.CompletedProcess:
        return subprocess.run(
            command,
            cwd=self.folder,
            env={**os.environ, "OMP_NUM_THREADS": "1", **(environment or {})},
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            check=False,
        )

    def grompp(self, name="md", topology="topol.top", mdp="md.mdp", **parameters) -> None:
        """A run input that goes on from the equilibrated start."""
        values = {k.replace("_", "-"): str(v) for k, v in {**EVERY_STEP, **parameters}.items()}
        text = with_parameters((self.folder / mdp).read_text(), values)
        (self.folder / f"{name}.made.mdp").write_text(text)
        self.tool("grompp", *self.grompp_arguments(name, topology), "-o", f"{name}.tpr")

    def grompp_arguments(self, name="md", topology="topol.top") -> list[str]:
        made = ["-f", f"{name}.made.mdp", "-po", f"{name}.mdout.mdp", "-p", topology]
        return [*made, "-c", "conf.gro", "-t", "equilibrate.cpt", "-n", "index.ndx"]

    def jobs(self, *lines: str, head: str = INPUT) -> Path:
        path = self.folder / "voxion.dat"
        path.write_text(head + "\n".join(lines) + "\n")
        return path

    def mdrun(self, name, *options, steps, kernel=True, environment=None, common=OPTIONS):
        """Run mdrun, with the kernel by its own means."""
        with_kernel = {"PLUMED_KERNEL": str(Path(plugin_folder()) / KERNEL)} if kernel else {}
        plumed = ["-plumed", "voxion.dat"] if kernel else []
        settings = {"GMX_DD_SINGLE_RANK": "0", **with_kernel, **(environment or {})}
        settings = {k: v for k, v in settings.items() if v is not None}
        return self.call(
            [
                str(self.gmx),
                "-quiet",
                "mdrun",
                "-deffnm",
                name,
                "-nsteps",
                str(steps),
                *plumed,
                *common,
                *options,
            ],
            settings,
        )

    def run(self, name, *options, steps, **more) -> Frames:
        run = self.mdrun(name, *options, steps=steps, **more)
        assert run.returncode == 0, run.stderr[-3000:]
        return self.frames(name)

    def frames(self, name) -> Frames:
        reader = MDAnalysis.Universe(
            str(self.folder / "conf.gro"), str(self.folder / f"{name}.trr"), convert_units=False
        ).trajectory
        kept = [
            (t.data["step"], t.positions.copy(), t.velocities.copy(), t.forces.copy())
            for t in reader
        ]
        return Frames(*(np.array(values) for values in zip(*kept, strict=True)))

    def rerun(self, name, charges: np.ndarray) -> Frames:
        """Forces of a run's frames, with other charges of the surface in the topology."""
        self.tool(
            *("grompp", "-pp", "processed.top", "-o", "unused.tpr"), *self.grompp_arguments(name)
        )
        text = set_charges(
            (self.folder / "processed.top").read_text(), dict(enumerate(charges.tolist(), 1))
        )
        (self.folder / "charged.top").write_text(text)
        arguments = self.grompp_arguments(name, "charged.top")
        self.tool("grompp", *arguments, "-o", "charged.tpr")
        self.tool("mdrun", "-s", "charged.tpr", "-rerun", f"{name}.trr", "-deffnm", "charged")
        return self.frames("charged")

    def state(self) -> dict:
        """The kernel's state at the last checkpoint."""
        return json.loads((self.folder / "voxion.dat.state").read_text())["checkpoints"][0]

    def charges(self) -> np.ndarray:
        """Charges (e) of the surface that were in effect at the last checkpoint."""
        return np.array(self.state()["charges"][0]["charges"])

    def energy(self, name, term="Potential") -> np.ndarray:
        """A term of the energy at every step, kJ/mol."""
        self.tool(
            *("energy", "-f", f"{name}.edr", "-o", f"{name}.xvg", "-dp", "-xvg", "none"), stdin=term
        )
        return np.loadtxt(self.folder / f"{name}.xvg")[:, 1]


def same(a: Frames, b: Frames) -> bool:
    """Return True if two runs agree bit for bit."""
    return all(np.array_equal(getattr(a, n), getattr(b, n)) for n in vars(a))


def deviation(forces: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Root mean square difference of each frame in units of the root mean square force."""

    def rms(values):
        return np.sqrt((values.astype(float) ** 2).mean(axis=(1, 2)))

    return rms(forces - reference) / rms(reference)
