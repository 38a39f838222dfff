"""Two electrodes at a potential difference."""

from pathlib import Path

import numpy as np
import pytest

from tests.capacitor import equilibrated
from voxion.charges.models.planar_pair import VACUUM_PERMITTIVITY
from voxion.charges.sampling.electrode import ElectrodeSettings
from voxion.charges.sampling.run import load_configuration, model_method, sample_run
from voxion.contract.schema import read_contract
from voxion.engines.lammps import gather, in_group, lammps_session
from voxion.errors import VoxionError
from voxion.systems.crystals import Crystal, CrystalCapacitor
from voxion.systems.description import load_system

from .harness import started
from .test_mpi import lammps_on
from .test_restart import FLEXIBLE

VALUES = 9  # of an electrode, in the fix's vector
ETA = 1.979


def pair_fix(
    model: Path, lower: float | str, upper: float | str, every: int = 1, more: str = ""
) -> str:
    return (
        f"fix charges lower voxion/charge {every} {model} sources electrolyte potential {lower} "
        f"couple upper potential {upper} {more}"
    )


def outputs(engine) -> np.ndarray:
    """Values of the lower and the upper electrode."""
    values = [engine.extract_fix("charges", 0, 1, i) for i in range(2 * VALUES)]
    return np.array(values).reshape(2, VALUES)


def totals(engine) -> np.ndarray:
    charges = gather(engine, "q")
    return np.array([charges[in_group(engine, group)].sum() for group in ("lower", "upper")])


def corrugation(nuclei, edges, positions, distances) -> np.ndarray:
    """Heights that the waves of a face's lattice add, by their definition."""
    largest = (3.5 * edges / (2 * np.pi)).astype(int)
    heights = np.zeros(len(positions))
    for n in range(-largest[0], largest[0] + 1):
        for m in range(-largest[1], largest[1] + 1):
            wave = 2 * np.pi * np.array([n, m]) / edges
            length = np.linalg.norm(wave)
            if 0.0 < length <= 3.5:
                mean = np.exp(1j * nuclei @ wave).mean()
                if abs(mean) > 1e-3:  # sums over lattices cancel but for rounding
                    phases = np.exp(1j * positions @ wave) * mean.conjugate()
                    heights += np.exp(-length * distances) * phases.real
    return heights


def functional(engine, model: Path, voltage: float) -> float:
    """Charge of the upper electrode, from the positions."""
    positions, charges = gather(engine, "x"), gather(engine, "q")
    low = positions[in_group(engine, "lower"), 2].max()
    high = positions[in_group(engine, "upper"), 2].min()
    electrolyte = in_group(engine, "electrolyte")
    box = np.array(engine.extract_box()[1]) - np.array(engine.extract_box()[0])
    contract = read_contract(model)
    levers = positions[electrolyte, 2] - (low + high) / 2
    for group, face, sign in (("lower", low, -1.0), ("upper", high, 1.0)):
        nuclei = positions[in_group(engine, group)]
        nuclei = nuclei[np.isclose(nuclei[:, 2], face), :2]
        distance = np.abs(positions[electrolyte, 2] - face)
        waves = corrugation(nuclei, box[:2], positions[electrolyte, :2], distance)
        levers += sign * (contract.corrugation or 0.0) * waves
    moment = charges[electrolyte] @ levers
    offset = contract.plane_offset
    return (VACUUM_PERMITTIVITY * box[0] * box[1] * voltage - moment) / (high - low - 2 * offset)


@pytest.fixture(params=["graphene", "gold"])
def capacitor(request) -> tuple[Path, Path]:
    """Folder of a system and the model of its electrodes: of one layer, or of two."""
    fixtures = {
        "graphene": ("neutral_capacitor", "trained_pair"),
        "gold": ("gold_capacitor", "trained_gold"),
    }
    folder, training = map(request.getfixturevalue, fixtures[request.param])
    return folder, training.model_path


def test_charges_are_those_of_electrode_conp(capacitor):
    """At 1 V, where the training had 0 and 2 V, on a configuration that it had not."""
    folder, model = capacitor
    conp = f"fix e lower electrode/conp -0.5 {ETA} couple upper 0.5 symm on algo mat_inv"
    with lammps_session(variables={"kspace": "pppm/electrode"}) as engine:
        load_configuration(engine, folder, folder / "equilibrated.data")
        engine.command(conp)
        engine.command("run 0")
        solved, solved_totals = gather(engine, "q"), totals(engine)
        surface = in_group(engine, "surface")
    with started(folder, pair_fix(model, -0.5, 0.5), dynamics=False) as engine:
        engine.command("run 0")
        learned, told = gather(engine, "q"), outputs(engine)
        heights = gather(engine, "x")[surface, 2]
        expected = functional(engine, model, 1.0)
    # the fix leaves waves out where they are below exp(-12)
    assert np.abs(told[:, 7] - [-expected, expected]).max() < 1e-6
    assert np.abs(told[:, 7] - solved_totals).max() < 0.01 * np.abs(solved_totals).max()
    for height in np.unique(heights):  # of each layer
        reference = solved[surface][heights == height]
        error = learned[surface][heights == height] - reference
        assert np.square(error).mean() < 0.1 * reference.var() + 1e-4**2


def test_electrodes_of_two_materials(trained_gold, trained_pair, tmp_path):
    """Each model learned from pairs of its material; nothing of this pair was fitted."""
    system = CrystalCapacitor(
        crystal=Crystal("gold", "100", layers=2),
        upper_crystal=Crystal("graphite", layers=1),
        cells=(6, 6),
        molarity=1.0,
        thickness=20.0,
    )
    folder = equilibrated(system, tmp_path / "mixed", seed=3)
    models = trained_gold.model_path, trained_pair.model_path
    solved = ElectrodeSettings().potential_method(load_system(folder), [1.0], 2)
    learned = model_method(models[0], load_system(folder), 1, [1.0], 2, models[1])
    charges = {}
    for name, method in (("solved", solved), ("learned", learned)):
        data = sample_run(folder, tmp_path / f"{name}.zarr", method, 2, 0.002, settle=0.002)
        charges[name] = data.surface_charges()[0]
    reference, error = charges["solved"], charges["learned"] - charges["solved"]
    gold, graphene = np.arange(36), np.arange(72, 184)  # of gold the face
    assert reference.size == 184
    assert abs(error[graphene].sum()) < 0.01 * abs(reference[graphene].sum())
    assert abs(error[:72].sum() + error[graphene].sum()) < 1e-9
    for atoms in (gold, graphene):
        assert np.square(error[atoms]).mean() < 0.1 * reference[atoms].var() + 1e-4**2


def test_potentials_may_be_variables(neutral_capacitor, trained_pair):
    """The charges are exact on each electrode at every update, and follow the ramp."""
    model = trained_pair.model_path
    with started(
        neutral_capacitor,
        "reset_timestep 0",
        "variable high equal 0.1*step",
        pair_fix(model, 0.25, "v_high"),
    ) as engine:
        engine.command("run 5")
        for _ in range(3):
            engine.command("run 1 pre no post no")
            voltage = 0.1 * engine.get_thermo("step")
            expected = functional(engine, model, voltage - 0.25)
            told = outputs(engine)
            assert told[:, 8].tolist() == [0.25, pytest.approx(voltage)]
            assert np.abs(told[:, 7] - [-expected, expected]).max() < 1e-9
            assert np.abs(totals(engine) - told[:, 7]).max() < 1e-12
            assert np.abs(told[:, 1] - told[:, 7] / 96).max() < 1e-15


def test_two_ranks_agree_with_one(capacitor, tmp_path):
    folder, model = capacitor
    found = []
    for ranks in (1, 2):
        dump = tmp_path / f"q.{ranks}"
        output = lammps_on(
            ranks,
            folder,
            tmp_path,
            [
                pair_fix(model, 0.0, 1.5),
                "run 0",
                f"write_dump surface custom {dump} id q modify sort id format float %.17g",
            ],
            "1 1 2",
        )
        assert dump.exists(), output
        found.append(np.loadtxt(dump, skiprows=9)[:, 1])
    assert np.abs(found[0] - found[1]).max() < 1e-10 < np.ptp(found[0])


def continued(folder, start, commands, *, restart=False, log=None):
    with lammps_session(log=log) as engine:
        load_configuration(engine, folder, start, restart=restart)
        for command in (*FLEXIBLE, "variable high equal 1.0+0.01*step", *commands):
            engine.command(command)
        told = outputs(engine)[:, [0, 1, 2, 3, 4, 7, 8]]
        return gather(engine, "x"), gather(engine, "v"), gather(engine, "q"), told


@pytest.mark.parametrize("every", [1, 7])
def test_two_halves_equal_the_whole(neutral_capacitor, trained_pair, tmp_path, every):
    fix = pair_fix(trained_pair.model_path, -1.0, "v_high", every)
    write = f"restart 20 {tmp_path}/*.restart"
    begin = ["reset_timestep 0", write, "run 40"]
    whole = continued(neutral_capacitor, neutral_capacitor / "equilibrated.data", [fix, *begin])
    start = tmp_path / "20.restart"
    halves = continued(neutral_capacitor, start, [fix, write, "run 20"], restart=True)
    for one, other in zip(whole, halves, strict=True):
        assert np.array_equal(one, other)


def test_another_potential_is_applied_at_once_after_a_restart(
    neutral_capacitor, trained_pair, tmp_path
):
    model = trained_pair.model_path
    fix = pair_fix(model, 0.0, 1.0, 1000)
    begin = [fix, "run 3", f"write_restart {tmp_path}/r"]
    before = continued(neutral_capacitor, neutral_capacitor / "equilibrated.data", begin)
    run = ["run 0"]
    same = continued(neutral_capacitor, tmp_path / "r", [fix, *run], restart=True)
    assert np.array_equal(before[2], same[2])
    fix = pair_fix(model, 0.0, 2.0, 1000)
    other = continued(neutral_capacitor, tmp_path / "r", [fix, *run], restart=True)
    assert other[3][1, 5] > same[3][1, 5] + 0.01
    # a single surface's restart is another fix's
    single = f"fix charges upper voxion/charge 1 {model} sources electrolyte"
    log = tmp_path / "log"
    with lammps_session(log=log) as engine:
        load_configuration(engine, neutral_capacitor, tmp_path / "r", restart=True)
        engine.command(single)
        engine.command("run 0")
    assert "was written with 2 electrodes" in log.read_text()


def test_rerun(neutral_capacitor, trained_pair, tmp_path):
    model = trained_pair.model_path
    fix = pair_fix(model, 0.0, 2.0)
    dump = tmp_path / "run.lammpstrj"
    with started(neutral_capacitor, fix) as engine:
        engine.command(f"dump run all custom 10 {dump} id type x y z q")
        engine.command("dump_modify run sort id format float %.17g")
        engine.command("run 10")
        during = gather(engine, "q")
    with started(neutral_capacitor, fix, dynamics=False) as engine:
        engine.command(f"rerun {dump} dump x y z")
        assert np.abs(gather(engine, "q") - during).max() < 1e-9


def test_minimize(neutral_capacitor, trained_pair):
    fix = pair_fix(trained_pair.model_path, 0.0, 2.0)
    with started(neutral_capacitor, fix, dynamics=False) as engine:
        engine.command("fix hold surface setforce 0.0 0.0 0.0")
        engine.command("run 0")
        before = engine.get_thermo("pe")
        engine.command("minimize 0.0 1.0e-6 20 200")
        assert engine.get_thermo("pe") < before - 1.0
        assert np.abs(totals(engine) - outputs(engine)[:, 7]).max() < 1e-12
        expected = functional(engine, trained_pair.model_path, 2.0)
        # the charges are those of the iteration's start
        assert outputs(engine)[1, 7] == pytest.approx(expected, rel=0.05)


def test_an_electrode_that_moves(neutral_capacitor, trained_pair):
    """A piston: charges of the geometry at each step, pressure of these charges."""
    model = trained_pair.model_path
    move = "fix piston upper move linear 0.0 0.0 0.001 units box"
    # PPPM would choose another mesh for other charges
    mesh = "kspace_modify gewald 0.28 mesh 15 15 72"
    fixes = (*FLEXIBLE, mesh, move, pair_fix(model, 0.0, 1.0))
    with started(neutral_capacitor, *fixes, dynamics=False) as engine:
        engine.command("thermo_style custom step pzz")
        engine.command("run 20")
        expected = functional(engine, model, 1.0)
        assert outputs(engine)[1, 7] == pytest.approx(expected, abs=1e-9)
        high = gather(engine, "x")[in_group(engine, "upper"), 2]
        pressure = engine.get_thermo("pzz")
        engine.command("unfix charges")  # the charges stay
        engine.command("run 0")
        assert engine.get_thermo("pzz") == pytest.approx(pressure, rel=1e-9)
    assert np.ptp(high) < 1e-9


def forces(engine) -> np.ndarray:
    return gather(engine, "f")[in_group(engine, "electrolyte")]


def periodic(engine, behind: float) -> None:
    """A cell that is periodic along z, with that much more room behind the electrodes."""
    low, high = engine.extract_box()[:2]
    engine.command(f"change_box all boundary p p p z final {low[2]} {high[2] + behind}")


def test_finite_field_has_the_forces_of_the_slab(neutral_capacitor, trained_pair):
    """Forces on the electrolyte at 2 V; without the field they are others."""
    model = trained_pair.model_path
    with started(neutral_capacitor, dynamics=False) as engine:
        engine.command("kspace_style pppm 1.0e-6")
        engine.command("kspace_modify slab 3.0")
        engine.command(pair_fix(model, -1.0, 1.0))
        engine.command("run 0")
        slab, charges = forces(engine), totals(engine)
    with started(neutral_capacitor, dynamics=False) as engine:
        engine.command("kspace_style pppm 1.0e-6")
        periodic(engine, 100.0)
        engine.command(pair_fix(model, -1.0, 1.0, more="ffield yes"))
        engine.command("run 0")
        assert np.abs(totals(engine) - charges).max() < 0.005 * np.abs(charges).max()
        field = forces(engine)
        engine.command("unfix charges")
        assert not engine.has_id("fix", "charges_efield")
        assert not engine.has_id("variable", "charges_zfield")
        engine.command("run 0")
        without = forces(engine)
    scale = np.sqrt(np.square(without - slab).mean())
    assert np.sqrt(np.square(field - slab).mean()) < 0.02 * scale


@pytest.mark.parametrize(("behind", "tolerance"), [(0.0, 0.01), (20.0, 0.003)])
def test_finite_field_agrees_with_electrode_conp(capacitor, behind, tolerance):
    """Total charges under ffield: single sheets feel each other's images behind them."""
    folder, model = capacitor
    conp = f"fix e lower electrode/conp -0.5 {ETA} couple upper 0.5 symm on ffield yes algo mat_inv"
    with lammps_session(variables={"kspace": "pppm/electrode"}) as engine:
        load_configuration(engine, folder, folder / "equilibrated.data")
        engine.command("kspace_style pppm/electrode 1.0e-6")
        periodic(engine, behind)
        engine.command(conp)
        engine.command("run 0")
        solved = totals(engine)
    with started(folder, dynamics=False) as engine:
        engine.command("kspace_style pppm 1.0e-6")
        periodic(engine, behind)
        engine.command(pair_fix(model, -0.5, 0.5, more="ffield yes"))
        engine.command("run 0")
        assert np.abs(totals(engine) - solved).max() < tolerance * np.abs(solved).max()


def test_finite_field_begins_at_the_lower_electrode(neutral_capacitor, trained_pair):
    fix = pair_fix(trained_pair.model_path, 0.0, 1.0, more="ffield yes")
    swapped = fix.replace("charges lower", "charges upper").replace("couple upper", "couple lower")
    with pytest.raises(VoxionError, match="group of the fix must be the lower electrode"):
        with started(neutral_capacitor, dynamics=False) as engine:
            engine.command("kspace_style pppm 1.0e-4")
            periodic(engine, 20.0)
            engine.command(swapped)
            engine.command("run 0")


def test_electrodes_come_in_either_order(neutral_capacitor, trained_pair):
    found = []
    for first, second, voltage in (("lower", "upper", 1.0), ("upper", "lower", -1.0)):
        fix = pair_fix(trained_pair.model_path, 0.0, voltage)
        fix = fix.replace("charges lower", f"charges {first}")
        fix = fix.replace("couple upper", f"couple {second}")
        with started(neutral_capacitor, fix, dynamics=False) as engine:
            engine.command("run 0")
            found.append(totals(engine))
    assert np.abs(found[0] - found[1]).max() < 1e-12 < np.abs(found[0]).max()


UPPER = "couple upper potential 1.0"
PAIR = f"potential 0 {UPPER}"
PERIODIC = ("kspace_style pppm 1e-4", "change_box all boundary p p p")
NO_KSPACE = ("pair_style lj/cut/coul/cut 10", "pair_coeff * * 0.1 3", "kspace_style none")


@pytest.mark.parametrize(
    ("keywords", "message", "before"),
    [
        ("potential 1.0", "needs two electrodes, found 1", ()),
        (UPPER, "group lower lacks its keyword potential", ()),
        ("potential 0 couple upper", "group upper lacks its keyword potential", ()),
        (f"{PAIR} couple electrolyte potential 2", "two electrodes, found 3", ()),
        (f"{PAIR} total -1.0", "total and potential exclude each other", ()),
        ("ffield yes", "ffield needs electrodes at potentials", ()),
        (f"{PAIR} ffield yes", "needs a box that is periodic along z", ()),
        (f"potential high {UPPER}", "instead of 'high'", ()),
        (f"potential v_none {UPPER}", "there is no variable none", ()),
        (f"potential v_x {UPPER}", "variable x .* must be of style equal", ("variable x atom q",)),
        (f"potential v_x {UPPER}", "of variable x is inf", ("variable x equal exp(1000)",)),
        ("potential 0 couple nobody potential 1", "no group nobody for keyword couple", ()),
        ("potential 0 couple lower potential 1", "96 atoms belong to both electrodes", ()),
        (f"model other.pt {PAIR}", "model is that of the coupled electrode, after couple", ()),
        (PAIR, "need kspace_modify slab", ("kspace_modify slab nozforce",)),
        (PAIR, "need a long-range solver", NO_KSPACE),
        (PAIR, "p p f with kspace_modify slab, or a periodic z", PERIODIC),
        (
            PAIR,
            "the electrolyte has a charge of 1 e",
            ("group cl type Cl", "delete_atoms random count 1 no cl NULL 1"),
        ),
        (PAIR, "expected a flat one", ("displace_atoms upper ramp z 0 2 x 0 10",)),
        (
            PAIR,
            "atoms of group electrolyte are not between the electrodes, one of them with ID",
            ("displace_atoms upper move 0 0 -4",),
        ),
    ],
)
def test_command_line(neutral_capacitor, trained_pair, keywords, message, before):
    model = trained_pair.model_path
    fix = f"fix charges lower voxion/charge 1 {model} sources electrolyte {keywords}"
    with pytest.raises(VoxionError, match=message):
        with started(neutral_capacitor, *before, fix, dynamics=False) as engine:
            engine.command("run 0")


def test_models_and_sources_that_do_not_serve(neutral_capacitor, trained_pair, local_model):
    command = "fix charges lower voxion/charge 1 {} sources {} " + PAIR
    for model, sources, message in (
        (local_model, "electrolyte", "is not for electrodes at potentials"),
        (trained_pair.model_path, "ions", "charged atoms belong neither to the electrodes nor"),
    ):
        with pytest.raises(VoxionError, match=message):
            with started(
                neutral_capacitor, "group ions type Na Cl", command.format(model, sources)
            ) as engine:
                engine.command("run 0")


def test_a_model_of_other_layers_is_refused(gold_capacitor, trained_pair, trained_gold):
    def message(*commands: str) -> str:
        with started(gold_capacitor, *commands, dynamics=False) as engine:
            with pytest.raises(Exception) as caught:
                engine.command("run 0")
            return str(caught.value)

    found = message(pair_fix(trained_pair.model_path, 0.0, 1.0))
    assert (
        "angstrom behind the face of its electrode; the model knows layers at 0 angstrom" in found
    )
    assert "electrode lower" in found and "(surface atom ID " in found
    deeper = ("group deep id 31:60", "displace_atoms deep move 0.0 0.0 -0.4")
    found = message(*deeper, pair_fix(trained_gold.model_path, 0.0, 1.0))
    assert "2.4391 angstrom behind the face" in found
    single = f"fix charges lower voxion/charge 1 {trained_gold.model_path} sources electrolyte"
    with started(gold_capacitor, dynamics=False) as engine:
        with pytest.raises(Exception, match="is for electrodes of several layers at potentials"):
            engine.command(single)
