"""One and two MPI ranks agree."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.packages import graphene
from voxion.charges.models.packaged import package_site_potentials
from voxion.charges.training.fitted import restored
from voxion.contract.model_file import write_model_file
from voxion.contract.schema import CONTRACT_FILE
from voxion.demo import model_path
from voxion.engines.lammps import run_lammps
from voxion.systems.graphene import GrapheneSystem

from .harness import charge_fix

BIN = Path(sys.executable).parent


def lammps_on(
    ranks: int, folder: Path, work: Path, commands: list[str], layout: str = "* * *"
) -> str:
    """Run LAMMPS as a user does; return what it printed."""
    script = work / f"in.{ranks}"
    lines = [
        f"include {folder}/in.init",
        f"processors {layout if ranks > 1 else '* * *'}",
        f"read_data {folder}/equilibrated.data",
        f"include {folder}/in.settings",
        f"include {folder}/in.dynamics",
        *commands,
    ]
    script.write_text("\n".join(lines) + "\n")
    command = [str(BIN / "mpirun"), "-n", str(ranks), str(BIN / "lmp")]
    run = subprocess.run(
        [*command, "-in", script.name, "-log", f"log.{ranks}"],
        cwd=work,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return run.stdout + run.stderr


def charges_on(ranks: int, folder: Path, work: Path, fix: str, layout="* * *") -> np.ndarray:
    """Charges by ascending atom ID, written with all digits."""
    dump = work / f"q.{ranks}"
    output = lammps_on(
        ranks,
        folder,
        work,
        [
            "group ions type Na Cl",
            fix,
            "run 0",
            f"write_dump surface custom {dump} id q modify sort id format float %.17g",
        ],
        layout,
    )
    assert dump.exists(), output
    return np.loadtxt(dump, skiprows=9)[:, 1]


@pytest.mark.parametrize("layout", ["1 1 2", "2 1 1", "2 1 2", "2 2 2"])
def test_local_model(sheet, local_model, tmp_path, layout):
    """Cut across the sheet, and between sheet and electrolyte; also on more ranks than cores."""
    fix = charge_fix(local_model)
    ranks = int(np.prod([int(number) for number in layout.split()]))
    one = charges_on(1, sheet, tmp_path, fix)
    several = charges_on(ranks, sheet, tmp_path, fix, layout)
    assert np.abs(one - several).max() < 1e-10
    assert np.ptp(one) > 1e-3


@pytest.fixture(scope="module")
def wide_sheet(tmp_path_factory) -> Path:
    """1344 atoms, 59 by 60 angstrom."""
    folder = tmp_path_factory.mktemp("wide")
    GrapheneSystem(cells=(24, 14), total_charge=-16, thickness=15.0).build(folder, seed=7)
    run_lammps(folder / "in.equilibrate", variables={"steps": 20})
    return folder


@pytest.mark.parametrize("name", ["model.pt", "model.pt2"])
def test_ranks_share_a_model_that_has_a_reach(wide_sheet, tmp_path, name):
    def write(reach: float | None) -> Path:
        fitted = restored(model_path())
        contract = fitted.contract.model_copy(update={"reach": reach})
        folder = tmp_path / f"reach{reach}"
        return write_model_file(
            fitted.model,
            {CONTRACT_FILE: contract.to_json()},
            folder / name,
            check=lambda written: None,
            package=lambda: package_site_potentials(fitted.model, graphene((6, 4)), False),
        )

    fix = charge_fix(write(restored(model_path()).contract.reach), more="range ignore")
    one, eight = (charges_on(n, wide_sheet, tmp_path, fix) for n in (1, 8))
    assert np.abs(one - eight).max() < 1e-12
    assert np.ptp(one) > 1e-3
    if name == "model.pt":
        # what is shared is really in parts: with too short a reach their edges are wrong
        cut = charges_on(8, wide_sheet, tmp_path, charge_fix(write(0.5), more="range ignore"))
        assert np.abs(one - cut).max() > 1e-6


def test_positions_model(sheet, ion_model, tmp_path):
    fix = charge_fix(ion_model, sources="ions")
    one, two = (charges_on(n, sheet, tmp_path, fix) for n in (1, 2))
    assert np.abs(one - two).max() < 1e-10
    assert np.ptp(one) > 1e-3


def test_runs_stay_together_while_rounding_does_not_grow(sheet, local_model, tmp_path):
    """Energies of ten steps with an update at each agree on one and two ranks."""
    energies = []
    for ranks in (1, 2):
        output = lammps_on(
            ranks,
            sheet,
            tmp_path,
            [charge_fix(local_model), "thermo 1", "thermo_modify format float %.15g", "run 10"],
        )
        lines = output.split("Step", 1)[1].splitlines()[1:12]
        energies.append([float(line.split()[3]) for line in lines])
    assert np.abs(np.subtract(*energies)).max() < 1e-5 * np.abs(energies[0]).max()
    assert np.ptp(energies[0]) > 1e-3 * np.abs(energies[0]).max() * 1e-2


def test_errors_of_rank_zero_stop_both(sheet, tmp_path):
    output = lammps_on(2, sheet, tmp_path, [charge_fix(Path("nowhere.pt")), "run 0"])
    assert output.count("nowhere.pt cannot be read") == 1


def test_atoms_are_named_whichever_rank_has_them(sheet, local_model, tmp_path):
    """Atom 420 of the electrolyte is put on atom 5 of the sheet."""
    place = [f"variable {d} equal {d}[5]" for d in "xyz"] + ["set atom 420 x $x y $y z $z"]
    output = lammps_on(2, sheet, tmp_path, [charge_fix(local_model), *place, "run 0"])
    assert "at step 0: a source atom lies on a surface atom" in output
    assert "(surface atom ID 5, source atom ID 420)" in output


def test_overlapping_surfaces_stop_both_ranks(sheet, local_model, tmp_path):
    other = charge_fix(local_model).replace("fix charges", "fix other")
    output = lammps_on(2, sheet, tmp_path, [charge_fix(local_model), other, "run 0"])
    assert output.count("96 atoms of its group surface get their charges from fix") == 1
