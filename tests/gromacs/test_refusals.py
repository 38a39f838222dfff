"""Refusals of the kernel, by their messages; mdrun ends with it, and nothing is left half made."""

import os
import re
import subprocess
from pathlib import Path

import pytest
import torch

from tests.gromacs.harness import INPUT, Electrode
from tests.gromacs.test_updates import charge_line
from tests.lammps.conftest import NotFiniteLater, ion_network_for, local_contract, save_model

ROOT = Path(__file__).resolve().parents[2]
VOXELS = "voxels System 10 1 10 4 4 4 file grids.zarr channels mass"


def refusal(electrode: Electrode, steps=30, **more) -> str:
    """The words in mdrun's fatal error."""
    run = electrode.mdrun("md", steps=steps, **more)
    assert run.returncode == 1, run.stderr[-2000:]
    text = " ".join(run.stderr.split())
    assert "voxion: " in text, text[-1500:]
    return text[text.index("voxion: ") :]


@pytest.fixture
def ready(electrode) -> Electrode:
    electrode.grompp()
    return electrode


JOBS = {
    "charge surface 15 {model} sources electrolyte": "every 10 steps (nstlist); found an update "
    "every 15 steps",
    "charge surface 10 nowhere.pt sources electrolyte": "nowhere.pt",
    "charge surface 10 topol.top sources electrolyte": "topol.top",
    "charge graphene 10 {model} sources electrolyte": "there is no group graphene in index.ndx; "
    "it has System, surface",
    "charge surface 10 {model} sources System": "it shares 216 atoms with its sources System, the "
    "first is atom 1",
    "charge surface 10 {model} sources electrolyte device tpu": "device",
    "charge surface 10 {model} sources electrolyte output nowhere/q.xvg": "nowhere/q.xvg",
    "charge surface 10 {model} sources electrolyte\ncharge surface 10 {model} sources water": "two "
    "charge jobs share atoms: groups surface and surface both have atom 1",
    "charges surface 10 {model} sources electrolyte": "line 3: unknown job charges",
    VOXELS + " pressure": "channel pressure is unknown; known are mass, charge, number, kinetic_xx",
    VOXELS + " mass": "channel mass is named twice",
    VOXELS + " kinetic_yx": "channel kinetic_yx is unknown",
    VOXELS.replace("grids.zarr", "topol.top"): "something else than a voxel store is there",
    VOXELS + " classify {model}": "kind",
    VOXELS + "\nplumed plumed.dat kernel nowhere.so": "PLUMED's kernel nowhere.so cannot be loaded",
    VOXELS + "\nplumed plumed.dat kernel libm.so.6": "is no kernel of PLUMED",
}


@pytest.mark.parametrize(("lines", "words"), JOBS.items())
def test_jobs_that_cannot_be_done(ready, strong_model, lines, words):
    ready.jobs(lines.format(model=strong_model))
    assert words in refusal(ready)
    assert not (ready.folder / "grids.zarr").exists()
    assert not (ready.folder / "md.cpt").exists()


def test_a_jobs_file_without_what_it_names(ready, strong_model):
    ready.jobs(charge_line(strong_model), head="index nowhere.ndx\n")
    assert "nowhere.ndx" in refusal(ready)
    ready.jobs(charge_line(strong_model), head="")
    assert "a line 'index FILE.ndx'" in refusal(ready)


def test_domain_decomposition(ready, strong_model):
    ready.jobs(charge_line(strong_model))
    words = refusal(ready, environment={"GMX_DD_SINGLE_RANK": None})
    assert "set GMX_DD_SINGLE_RANK=0" in words


def test_options_of_mdrun(ready, strong_model):
    ready.jobs(charge_line(strong_model))
    words = refusal(ready, common=["-ntmpi", "1", "-ntomp", "1", "-nstlist", "10"])
    assert "start mdrun with -pme cpu (not given)" in words
    words = refusal(ready, common=["-ntmpi", "1", "-ntomp", "1", "-pme", "cpu"])
    assert "start mdrun with -nstlist" in words
    # as a launcher in the same process tells it
    told = {"VOXION_MDRUN_OPTIONS": "-nstlist 10 -pme gpu"}
    assert "found -pme gpu" in refusal(ready, environment=told)


def test_an_interval_of_pair_searches_that_is_not_the_true_one(electrode, strong_model):
    """Without a thermostat mdrun keeps the run input's nstlist; here the kernel is told another."""
    electrode.grompp(tcoupl="no", nstlist=15, verlet_buffer_tolerance=0.005)
    electrode.jobs(charge_line(strong_model))
    told = {"VOXION_MDRUN_OPTIONS": "-nstlist 10 -pme cpu"}
    options = ["-ntmpi", "1", "-ntomp", "1", "-pme", "cpu"]
    words = refusal(electrode, steps=200, environment=told, common=options)
    assert re.search(r"mdrun did not search pairs at step \d+, though it was said", words)
    # before a fourth update
    assert int(re.search(r"at step (\d+),", words)[1]) <= 40
    # what has been written can be read
    electrode.tool("check", "-f", "md.trr")


def test_pbc_that_is_not_the_true_one(ready, strong_model):
    """Atoms on both sides of z = 0 are no sign of a missing search where z does not repeat."""
    ready.jobs(charge_line(strong_model), head=INPUT.replace("pbc xy", "pbc no"))
    assert "pbc must be xyz or xy" in refusal(ready)


def test_atoms_without_charge_in_the_topology(electrode, strong_model):
    from voxion.engines.gromacs_topology import set_charges

    electrode.tool("grompp", "-f", "md.mdp", *GROMPP, "-pp", "processed.top", "-o", "unused.tpr")
    text = (electrode.folder / "processed.top").read_text()
    changed = set_charges(text, {1: 0.0, 2: -4.0 / 216})
    (electrode.folder / "topol.top").write_text(changed)
    electrode.grompp()
    electrode.jobs(charge_line(strong_model))
    assert "atom 1 has no charge in the run input" in refusal(electrode)


GROMPP = (
    "-c",
    "conf.gro",
    "-t",
    "equilibrate.cpt",
    "-p",
    "topol.top",
    "-n",
    "index.ndx",
    "-po",
    "mdout.mdp",
)


def test_a_total_that_is_not_the_models(ready, tmp_path):
    module, contract = ion_network_for(ready.folder)
    model = save_model(tmp_path / "other.pt", module, {**contract, "total_charge": -3.0})
    ready.jobs(charge_line(model, sources="ions"))
    words = refusal(ready)
    assert "add up to -2 e, the model was trained with -3 e" in words


def test_sources_that_are_not_the_models(ready, ion_model):
    ready.jobs(charge_line(ion_model, sources="water"))
    assert "the model was trained with 20 sources" in refusal(ready)


def test_a_charge_that_is_not_finite(ready, tmp_path):
    model = save_model(tmp_path / "later.pt", NotFiniteLater(), local_contract())
    ready.jobs(charge_line(model), VOXELS)
    words = refusal(ready)
    assert "at step 19: the model returned a charge that is not finite (surface atom 4)" in words
    ready.tool("check", "-f", "md.trr")
    ready.tool("check", "-e", "md.edr")
    # frames that were finished stay
    import zarr

    store = zarr.open_group(ready.folder / "grids.zarr", mode="r")
    assert store["step"][:].tolist() == [0, 10]


class Constant(torch.nn.Module):
    def forward(
        self, potentials: torch.Tensor, positions: torch.Tensor, cell: torch.Tensor
    ) -> torch.Tensor:
        return 0.0 * potentials[:, 0]


@pytest.mark.parametrize(("word", "stops"), [("error", True), ("warn", False), ("ignore", False)])
def test_inputs_outside_the_training_range(ready, tmp_path, word, stops):
    narrow = {"min": [-1e-6] * 4, "max": [1e-6] * 4}
    model = save_model(tmp_path / "m.pt", Constant(), local_contract(input_ranges=narrow))
    ready.jobs(charge_line(model, more=f"range {word}"))
    words = "% of the model's inputs at step 9 lie outside its training range"
    if stops:
        assert words in refusal(ready)
        return
    run = ready.mdrun("md", steps=30)
    assert run.returncode == 0
    assert run.stderr.count("lie outside its training range") == (word == "warn")


def test_charges_that_somebody_else_writes(ready, strong_model, tmp_path):
    """A kernel that is chained to and changes a charge, as a second plugin might."""
    from tests.gromacs.test_chain import build_kernel

    library = build_kernel(tmp_path, meddles=True)
    ready.jobs(charge_line(strong_model), f"plumed other.dat kernel {library}")
    words = refusal(ready)
    assert "at step 9 the charge of atom 3 is" in words and "something else writes charges" in words


def test_another_torch(ready, strong_model, tmp_path):
    """An entry built for another torch (the same source, another version number)."""
    import torch

    entry = ROOT / "cpp" / "gromacs" / "kernel_entry.cpp"
    library = tmp_path / "libother.so"
    beside = os.path.relpath(Path(torch.__file__).parent, tmp_path)
    definitions = {"VOXION_TORCH_VERSION": '"2.0.0"', "VOXION_TORCH_FROM_PLUGIN": f'"{beside}"'}
    subprocess.run(
        [
            *("c++", "-std=c++20", "-shared", "-fPIC", entry, "-o", library),
            f"-I{ROOT / 'cpp' / 'core'}",
            *(f"-D{name}={value}" for name, value in definitions.items()),
        ],
        check=True,
    )
    ready.jobs(charge_line(strong_model))
    run = ready.mdrun("md", steps=5, environment={"PLUMED_KERNEL": str(library)})
    assert run.returncode == 1
    words = " ".join(run.stderr.split())
    assert "voxion is not available: voxion was built against torch 2.0.0, found torch" in words


def test_mpi_ranks(ready, strong_model):
    """A build with an MPI library hands over a communicator; here by hand, no such build is had."""
    from tests.gromacs.test_chain import ask_kernel

    assert "start mdrun with one rank" in ask_kernel("setMPIComm")
