"""A small system for GROMACS: 16 charged sites of a sheet, three ions and 97 rigid waters."""

import os
import subprocess
from pathlib import Path

SHEET = 16
ATOMS = SHEET + 3 + 97 * 3
GROMPP = "-f md.mdp -c conf.gro -p topol.top -n index.ndx -maxwarn 1"

TOPOLOGY = """\
; a sheet in salt water
#define SHEET_CHARGE -0.0625
#include "forcefield.itp"
#include "sheet.itp"
#ifdef ANOTHER
[ moleculetype ]
NA 3
#else
[moleculetype]
NA 1 ; sodium
#endif
[ atoms ]
1 NA 1 NA NA 1 1.0 22.99
[ moleculetype ]
CL 1
[ atoms ]
1 CL \\
  1 CL CL 1 \\
  -1.0 35.45 ; over three lines
[ moleculetype ]
SOL 2
[ atoms ]
1 OW 1 SOL OW 1 -0.8476 15.9994
2 HW 1 SOL HW1 1 0.4238 1.008
3 HW 1 SOL HW2 1 0.4238 1.008
[ settles ]
1 1 0.1 0.1633
[ exclusions ]
1 2 3
2 1 3
3 1 2
[ system ]
sheet in salt water
[ molecules ]
Sheet 1
NA 2
CL 1
SOL 97
"""
FORCE_FIELD = """\
[ defaults ]
1 2 no 1.0 1.0
[ atomtypes ]
C   6 12.011  0 A 0.34   0.36
OW  8 15.9994 0 A 0.3166 0.65
HW  1 1.008   0 A 0      0
NA 11 22.99   0 A 0.25   0.4
CL 17 35.45   0 A 0.44   0.4
"""
PARAMETERS = {
    "integrator": "md",
    "dt": "0.001",
    "nsteps": "40",
    "nstlist": "10",
    "rcoulomb": "0.8",
    "rvdw": "0.8",
    "coulombtype": "PME",
    "fourierspacing": "0.14",
    "tcoupl": "v-rescale",
    "tc-grps": "System",
    "tau-t": "0.1",
    "ref-t": "300",
    "freezegrps": "SHT",
    "freezedim": "Y Y Y",
    "gen-vel": "yes",
    "gen-temp": "300",
    "nstenergy": "10",
    "nstxout": "20",
    "nstvout": "20",
    "nstfout": "20",
    "nstcomm": "10",
}


def write_system(folder: Path, **parameters: str) -> None:
    """Write topology, configuration, index and mdp; `parameters` of the mdp with _ for -."""
    folder.mkdir(exist_ok=True, parents=True)
    rows = [f"{n} C 1 SHT C {n} SHEET_CHARGE" for n in range(1, SHEET + 1)]
    sheet = "\n".join(["[ moleculetype ]", "SHEET 1", "[ atoms ]", *rows, ""])
    (folder / "sheet.itp").write_text(sheet)
    (folder / "forcefield.itp").write_text(FORCE_FIELD)
    (folder / "topol.top").write_text(TOPOLOGY)
    values = PARAMETERS | {name.replace("_", "-"): value for name, value in parameters.items()}
    (folder / "md.mdp").write_text("".join(f"{name} = {v}\n" for name, v in values.items()))
    groups = {"System": (1, ATOMS), "SHT": (1, SHEET), "water": (SHEET + 4, ATOMS)}
    (folder / "index.ndx").write_text(
        "".join(
            f"[ {name} ]\n" + "".join(f"{atom}\n" for atom in range(first, last + 1))
            for name, (first, last) in groups.items()
        )
    )
    atoms = [
        (1, "SHT", "C", 0.25 + 0.5 * i, 0.25 + 0.5 * j, 0.1) for i in range(4) for j in range(4)
    ]
    sites = [
        (0.2 + 0.4 * i, 0.2 + 0.4 * j, 0.5 + 0.38 * k)
        for i in range(5)
        for j in range(5)
        for k in range(4)
    ]
    for number, (x, y, z) in enumerate(sites):
        if number < 3:
            name = "NA" if number < 2 else "CL"
            atoms.append((number + 2, name, name, x, y, z))
        else:
            for atom, dx, dy in [
                ("OW", 0, 0),
                ("HW1", 0.08165, 0.05774),
                ("HW2", -0.08165, 0.05774),
            ]:
                atoms.append((number + 2, "SOL", atom, x + dx, y + dy, z))
    lines = [
        f"{residue:5d}{name:5}{atom:>5}{number:5d}{x:8.3f}{y:8.3f}{z:8.3f}"
        for number, (residue, name, atom, x, y, z) in enumerate(atoms, 1)
    ]
    lines = ["a sheet in salt water", f"{len(atoms):5d}", *lines, "   2.00000   2.00000   2.00000"]
    (folder / "conf.gro").write_text("\n".join([*lines, ""]))


def run_gmx(gmx: Path, folder: Path, arguments: str) -> None:
    """Run a tool of GROMACS in a folder, on one thread."""
    run = subprocess.run(
        [str(gmx), "-quiet", *arguments.split()],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1", "GMX_MAXBACKUP": "-1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr


def make_run_input(gmx: Path, folder: Path, **parameters: str) -> Path:
    """Write the system and its run input, md.tpr."""
    write_system(folder, **parameters)
    run_gmx(gmx, folder, f"grompp {GROMPP} -o md.tpr")
    return folder / "md.tpr"
