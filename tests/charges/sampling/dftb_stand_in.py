"""A program that takes DFTB+'s input, and answers as DFTB+ does, with a linear response.

The charge of carbon i is Q/M - ALPHA (phi_i - <phi>), where phi_i sums q exp(-r/LENGTH) over the
nearest images of the point charges. `install` puts it as ``dftb+`` into a folder. Beside it lie
``runs.log``, one line for every run, and the files that tell it what to do: ``unconverged`` and
``broken`` name frames by the first number in their ``pc.dat``; ``old`` makes it end without
convergence as releases up to 23.1 did; ``crowd`` is a number of runs that must have begun before
one ends.
"""

import os
import re
import sys
import time
from pathlib import Path

import numpy as np

ALPHA, LENGTH = 0.05, 4.0


def respond(surface, sources, charges, cell, total):
    """Charges [M] of the linear response, e."""
    edges = np.diag(cell)
    shift = sources[None] - surface[:, None]
    shift -= np.round(shift / edges) * edges
    phi = (charges * np.exp(-np.linalg.norm(shift, axis=-1) / LENGTH)).sum(axis=1)
    return total / len(surface) - ALPHA * (phi - phi.mean())


def install(folder):
    """Put the stand-in as `dftb+` into a folder; return its path."""
    program = Path(folder) / "dftb+"
    program.write_text(f"#!{sys.executable}\n" + Path(__file__).read_text())
    program.chmod(0o755)
    return program


def setting(text, name):
    return re.search(rf"^\s*{re.escape(name)}\s*=\s*(.*?)\s*$", text, re.MULTILINE).group(1)


def told(home, name):
    file = home / name
    return file.read_text().split() if file.exists() else []


def stop(message):
    print(f"ERROR!\n-> {message}")
    sys.exit(1)


def main():
    home = Path(sys.argv[0]).parent
    print("|====\n|\n|  DFTB+ release 25.1\n|\n|====\n")
    if not Path("dftb_in.hsd").exists():
        stop("No input file found.")
    text = Path("dftb_in.hsd").read_text()
    if not Path(setting(text, "Prefix").strip('"'), "C-C.skf").exists():
        stop("SK-file with generic name C-C.skf does not exist.")
    restart = setting(text, "ReadInitialCharges")
    if restart == "Yes" and not Path("charges.bin").exists():
        stop("Could not open file for direct reading of charges.")
    lines = Path("geo.gen").read_text().split("\n")
    atoms = int(lines[0].split()[0])
    surface = np.array([line.split()[2:] for line in lines[2 : 2 + atoms]], float)
    cell = np.array([line.split() for line in lines[3 + atoms : 6 + atoms]], float)
    points = np.loadtxt("pc.dat")
    assert len(points) == int(setting(text, "Records"))
    name = Path("pc.dat").read_text().split()[0]
    threads = os.environ["OMP_NUM_THREADS"]
    with (home / "runs.log").open("a") as log:
        log.write(f"{name} {restart} {threads} {Path.cwd().name}\n")
    for crowd in told(home, "crowd"):
        deadline = time.monotonic() + 30
        while len((home / "runs.log").read_text().splitlines()) < int(crowd):
            if time.monotonic() > deadline:
                stop("This run is alone.")
            time.sleep(0.01)
    if name in told(home, "broken"):
        stop("Something else went wrong.")
    Path("charges.bin").write_text(name)
    if name in told(home, "unconverged"):
        if (home / "old").exists():
            print("WARNING!\n-> SCC is NOT converged, maximal SCC iterations exceeded")
            sys.exit(0)
        stop("SCC is NOT converged, maximal SCC iterations exceeded")
    total = float(setting(text, "Charge"))
    charges = respond(surface, points[:, :3], points[:, 3], cell, total)
    charges += 1e-9  # DFTB+'s total is good to 1e-8
    numbers = [f"{q: .15E}".replace("E-", "E-0").replace("E+", "E+0") for q in charges]
    rows = ["".join(f" {n}" for n in numbers[i : i + 3]) for i in range(0, atoms, 3)]
    Path("results.tag").write_text(
        "mermin_energy       :real:0:\n -0.584482279269446E+003\n"
        f"gross_atomic_charges:real:1:{atoms}\n" + "\n".join(rows) + "\n"
        "dipole_moments      :real:2:3,1\n"
        " -0.1E+003 -0.1E+003  0.0E+000\n"
    )


if __name__ == "__main__":
    main()
