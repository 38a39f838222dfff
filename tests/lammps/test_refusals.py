"""Everything that must stop a run with its own message, before its first step."""

import os
import zipfile

import pytest
import torch

from voxion.engines.lammps import gather, lammps_session
from voxion.errors import VoxionError

from .conftest import IonNetwork, LinearResponse, NotFiniteLater, ion_network_for, save_model
from .harness import charge_fix, started


def refused(folder, fix: str, message: str, *before: str) -> None:
    with pytest.raises(VoxionError, match=message):
        with started(folder, *before, fix) as engine:
            engine.command("run 0")


def test_model_file_missing(sheet):
    refused(sheet, charge_fix("nowhere.pt"), "nowhere.pt cannot be read")


def test_not_torchscript(sheet, tmp_path):
    (tmp_path / "text.pt").write_text("no model")
    refused(sheet, charge_fix(tmp_path / "text.pt"), "not a whole TorchScript archive")


def test_a_pickled_module_is_not_torchscript(sheet, tmp_path):
    torch.save({"weight": torch.zeros(2)}, tmp_path / "pickled.pt")
    refused(sheet, charge_fix(tmp_path / "pickled.pt"), r"carries no voxion\.json")


def test_without_contract(sheet, tmp_path):
    model = save_model(tmp_path / "bare.pt", LinearResponse(), None)
    refused(sheet, charge_fix(model), "carries no voxion.json")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"contract_version": 2}, "contract version 2 is unknown"),
        ({"kind": "voxel-classifier"}, "'kind' must be 'surface-charges'"),
        ({"inputs": "density"}, "'inputs' must be"),
        ({"length_unit": "bohr"}, "'length_unit' must be 'angstrom'"),
        ({"surface_atoms": 100}, "trained for 100 surface atoms, the surface group has 96"),
        (
            {"sources": [{"name": "O", "charge": -0.82, "count": None}]},
            "none of the model's species",
        ),
    ],
)
def test_contract_that_does_not_fit(sheet, make_model, changes, message):
    refused(sheet, charge_fix(make_model("changed.pt", **changes)), message)


def test_wrong_number_of_sources(sheet, tmp_path):
    module, contract = ion_network_for(sheet)
    contract["sources"][0]["count"] += 1
    model = save_model(tmp_path / "more.pt", module, contract)
    refused(
        sheet, charge_fix(model, sources="ions"), "the sources group has", "group ions type Na Cl"
    )


def test_sources_in_another_order(sheet, tmp_path):
    module, contract = ion_network_for(sheet)
    contract["sources"].reverse()
    model = save_model(tmp_path / "order.pt", module, contract)
    refused(sheet, charge_fix(model, sources="ions"), "source number", "group ions type Na Cl")


def test_model_that_gives_too_few_charges(sheet, tmp_path):
    _, contract = ion_network_for(sheet)
    ions = sum(s["count"] for s in contract["sources"])
    model = save_model(tmp_path / "few.pt", IonNetwork(ions, 95), contract)
    refused(sheet, charge_fix(model, sources="ions"), "95 charges for 96", "group ions type Na Cl")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("surface voxion/charge 1", "Illegal fix voxion/charge command"),
        ("surface voxion/charge 0 {model} sources electrolyte", "Nevery must be at least 1"),
        ("surface voxion/charge x {model} sources electrolyte", "integer"),
        ("surface voxion/charge 1 {model} total -2", "keyword sources"),
        ("surface voxion/charge 1 {model} sources nobody", "no group nobody"),
        ("surface voxion/charge 1 {model} sources electrolyte total", "lacks its value"),
        ("surface voxion/charge 1 {model} sources electrolyte cutoff 3", "unknown keyword cutoff"),
        (
            "surface voxion/charge 1 {model} sources electrolyte range never",
            "warn, error or ignore",
        ),
        ("surface voxion/charge 1 {model} sources electrolyte device tpu", "cpu or cuda"),
        ("surface voxion/charge 1 {model} sources electrolyte threads 0", "at least 1"),
        ("surface voxion/charge 1 {model} sources all", "share 96 atoms"),
        (
            "nothing voxion/charge 1 {model} sources electrolyte",
            "surface group nothing has no atoms",
        ),
        ("surface voxion/charge 1 {model} sources nothing", "sources group nothing has no atoms"),
        ("moving voxion/charge 1 {model} sources electrolyte", "static, not dynamic"),
    ],
)
def test_command_line(sheet, local_model, arguments, message):
    fix = "fix charges " + arguments.format(model=local_model)
    refused(sheet, fix, message, "group nothing empty", "group moving dynamic surface every 1")


@pytest.mark.skipif(torch.cuda.is_available(), reason="a CUDA device is there")
def test_device_that_is_not_there(sheet, local_model):
    refused(sheet, charge_fix(local_model, more="device cuda"), "finds no CUDA device")


def test_run_style_respa(sheet, local_model):
    # SHAKE and r-RESPA do not matter here: the fix refuses when the run is set up
    with pytest.raises(VoxionError, match="does not work with run_style respa"):
        with started(sheet, charge_fix(local_model), dynamics=False) as engine:
            engine.command("run_style respa 2 2 pair 1 kspace 2")
            engine.command("run 0")


def test_package_intel(sheet, local_model):
    # a LAMMPS with the package defines a fix of this name when it is used
    refused(
        sheet,
        charge_fix(local_model),
        "does not work with package INTEL.*run without suffix intel",
        "fix package_intel all store/state 0 x",
    )


def lone_atoms(model, units="real", atom_style="charge", atom_modify="map yes"):
    """Two atoms, of which the first is the surface."""
    with lammps_session() as engine:
        for command in [
            f"units {units}",
            f"atom_style {atom_style}",
            *([f"atom_modify {atom_modify}"] if atom_modify else []),
            "region box block 0 20 0 20 0 20",
            "create_box 1 box",
            "create_atoms 1 single 5 5 5",
            "create_atoms 1 single 5 5 9",
            "mass 1 12.0",
            "pair_style zero 5.0",
            "pair_coeff * *",
            "group surface id 1",
            "group electrolyte id 2",
            charge_fix(model),
            "run 0",
        ]:
            engine.command(command)


def test_no_charge_per_atom(local_model):
    with pytest.raises(VoxionError, match="needs a charge per atom"):
        lone_atoms(local_model, atom_style="atomic")


def test_no_atom_map(local_model):
    with pytest.raises(VoxionError, match="needs an atom map"):
        lone_atoms(local_model, atom_modify="")


@pytest.mark.parametrize("units", ["lj", "si", "cgs", "micro"])
def test_units_without_known_length_and_charge(local_model, units):
    with pytest.raises(VoxionError, match=f"units {units} have no known length"):
        lone_atoms(local_model, units=units)


def test_charge_that_is_not_finite_names_step_and_atom(sheet, make_model):
    model = make_model("nan.pt", NotFiniteLater())
    with pytest.raises(VoxionError, match=r"at step 2: .*not finite \(surface atom ID 4\)"):
        with started(sheet, charge_fix(model)) as engine:
            engine.command("run 5")


class Raises(torch.nn.Module):
    """Raises an error at its third call."""

    def __init__(self):
        super().__init__()
        self.calls = 0

    def forward(
        self, potentials: torch.Tensor, positions: torch.Tensor, cell: torch.Tensor
    ) -> torch.Tensor:
        self.calls += 1
        if self.calls == 3:
            raise RuntimeError("out of my depth")
        return potentials[:, 0]


class Constant(torch.nn.Module):
    """Returns the same charge for as many atoms as it is told."""

    def __init__(self, charge: float, atoms: int):
        super().__init__()
        self.charge = charge
        self.atoms = atoms

    def forward(
        self, potentials: torch.Tensor, positions: torch.Tensor, cell: torch.Tensor
    ) -> torch.Tensor:
        charges = torch.zeros(self.atoms, dtype=torch.float64)
        charges[0] = self.charge
        return charges


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (Raises(), "at step 2: model .*raises.pt failed in its forward call: .*out of my depth"),
        (Constant(0.0, 95), "at step 0: the model returned 95 charges for 96 surface atoms"),
        (Constant(4.6e18, 96), r"at step 0: .*charge of 4.6e\+18 e.*\(surface atom ID 1\)"),
        (Constant(-11.0, 96), r"at step 0: .*no atom has more than 10 e.*\(surface atom ID 1\)"),
    ],
)
def test_a_model_that_fails_is_told_with_step_and_atom(sheet, make_model, module, message):
    model = make_model("raises.pt", module)
    with pytest.raises(VoxionError, match=message):
        with started(sheet, charge_fix(model)) as engine:
            engine.command("run 5")


def test_a_source_on_a_surface_atom_is_told_by_both_ids(sheet, local_model):
    source, site = 420, 5
    expected = rf"at step 0: .*\(surface atom ID {site}, source atom ID {source}\)"
    with pytest.raises(VoxionError, match=expected):
        with started(sheet, charge_fix(local_model)) as engine:
            x, y, z = map(float, gather(engine, "x")[site - 1])
            engine.command(f"set atom {source} x {x!r} y {y!r} z {z!r}")
            engine.command("run 0")


@pytest.mark.parametrize("cutoff", [1e300, 2e3, 1e6])
def test_a_cutoff_beyond_reason_is_refused(sheet, make_model, cutoff):
    radial = {"form": "erfc", "widths": [0.05, 0.1, 0.2, 0.4], "cutoff": cutoff}
    model = make_model("far.pt", radial_functions=radial)
    refused(sheet, charge_fix(model), "'cutoff' must be a number from 0.1 to 100.0")


def test_plane_waves_need_a_box_that_repeats_along_the_surface(sheet, make_model):
    ranges = {"min": [-10.0] * 5, "max": [10.0] * 5}
    model = make_model("waves.pt", largest_wave_vector=1.2, input_ranges=ranges)
    with pytest.raises(VoxionError, match="plane waves along x and y"):
        with started(sheet, charge_fix(model)) as engine:
            engine.command("kspace_style none")
            engine.command("pair_style lj/cut/coul/cut 8.0")
            engine.command("pair_coeff * * 0.1 3.0")
            engine.command("change_box all boundary f p f")
            engine.command("run 0")


def test_a_deflated_contract_of_two_gib_is_refused(sheet, tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("m/extra/voxion.json", "w", force_zip64=True) as file:
            for _ in range(2**11):
                file.write(bytes(2**20))
    refused(sheet, charge_fix(tmp_path / "bomb.pt"), "unpack to more than 64 MiB")


def test_a_pipe_is_no_model(sheet, tmp_path):
    os.mkfifo(tmp_path / "pipe.pt")
    refused(sheet, charge_fix(tmp_path / "pipe.pt"), "it is not a file")


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ("surface voxion/charge 2 {model} sources electrolyte", "96 atoms .* fix other of style"),
        ("part voxion/charge 1 {model} sources electrolyte", "10 atoms .* fix other of style"),
        ("part electrode/conq -1 1.979", "10 atoms .* of style electrode/conq too"),
    ],
)
def test_atoms_whose_charges_another_fix_sets_are_refused(sheet, local_model, other, message):
    fix = "fix other " + other.format(model=local_model)
    refused(sheet, fix, message, "group part id 1:10", charge_fix(local_model))


def test_surfaces_apart_are_taken(sheet, make_model):
    model = make_model("any.pt", input_ranges={"min": [-1e3] * 4, "max": [1e3] * 4})
    halves = ["group first id 1:48", "group second id 49:96"]
    fixes = [
        f"fix {g} {g} voxion/charge 1 {model} sources electrolyte" for g in ("first", "second")
    ]
    with started(sheet, *halves, *fixes) as engine:
        engine.command("run 1")


def warned(folder, fix: str, tmp_path, *before: str) -> str:
    log = tmp_path / "log"
    with started(folder, *before, fix, log=log) as engine:
        engine.command("run 0")
    return log.read_text()


def test_net_charge_under_a_long_range_solver_is_a_warning(sheet, local_model, tmp_path):
    text = warned(sheet, charge_fix(local_model, more="total -1"), tmp_path)
    assert "the box has a net charge of 1 e under a long-range solver" in text
    assert "net charge of" not in warned(sheet, charge_fix(local_model), tmp_path)


def test_cell_unlike_the_trained_one_is_a_warning(sheet, tmp_path):
    module, contract = ion_network_for(sheet)
    model = save_model(tmp_path / "same.pt", module, contract)
    fix = charge_fix(model, sources="ions")
    ions = "group ions type Na Cl"
    assert "cell differs" not in warned(sheet, fix, tmp_path, ions)
    contract["cell"][0][0] += 0.5
    save_model(model, module, contract)
    assert "cell differs from the one that model" in warned(sheet, fix, tmp_path, ions)
