"""voxion mdrun: its checks, the command it starts, signals, and run inputs of continuations."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import MDAnalysis
import numpy as np
import pytest

from tests.engines.gromacs_run import GROMPP, SHEET, make_run_input, run_gmx
from voxion.demo import model_path
from voxion.engines import mdrun
from voxion.engines.mdrun import (
    KERNEL,
    check_gmxapi,
    gmxapi_arguments,
    prepare,
    read_jobs,
    start_in_gmxapi,
)
from voxion.engines.mdrun_continuation import read_charges, with_parameters
from voxion.errors import VoxionError

VOXION = Path(sys.executable).with_name("voxion")
JOBS = """\
# charges and voxels
index index.ndx
charge SHT 20 model.pt sources water   # every other search
voxels System 10 1 10 4 4 4 file grids.zarr channels mass
"""


@pytest.fixture
def folder(gmx, tmp_path, monkeypatch):
    """A run input, md.tpr, and a jobs file, in the working directory."""
    make_run_input(gmx, tmp_path)
    (tmp_path / "voxion.dat").write_text(JOBS)
    shutil.copy(model_path(), tmp_path / "model.pt")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def kernel(tmp_path_factory, monkeypatch):
    """A folder with a file of the kernel's name: nothing here loads it."""
    plugins = tmp_path_factory.mktemp("plugins")
    (plugins / KERNEL).touch()
    monkeypatch.setattr(mdrun, "plugin_folder", lambda: str(plugins))
    return plugins / KERNEL


def write_state(folder: Path, *steps: int, charge: float = -0.0625) -> None:
    surface = {"group": "SHT", "atoms": list(range(1, SHEET + 1)), "charges": [charge] * SHEET}
    checkpoints = [{"step": step, "charges": [surface], "voxels": []} for step in steps]
    content = {"format": "voxion-mdrun-state", "version": 1, "checkpoints": checkpoints}
    (folder / "voxion.dat.state").write_text(json.dumps(content))


def test_command_and_environment(gmx, folder, kernel):
    launch = prepare("voxion.dat", "-deffnm md -ntomp 2 -nsteps -1".split(), program=str(gmx))
    assert launch.command[:2] == [str(gmx), "mdrun"]
    command = " ".join(launch.arguments)
    assert command == (
        "-deffnm md -ntomp 2 -nsteps -1 -s md.tpr -plumed voxion.dat -pme cpu -nstlist 10 "
        "-update cpu -ntmpi 1 -v"
    )
    assert launch.environment == {
        "PLUMED_KERNEL": str(kernel),
        "GMX_DD_SINGLE_RANK": "0",
        "VOXION_MDRUN_OPTIONS": "-nstlist 10 -pme cpu",
    }
    assert launch.continues is None


def test_options_of_the_user_are_not_given_twice(gmx, folder):
    """GROMACS refuses options that are; its own words decide."""
    given = "-s md.tpr -nov -pme cpu -update cpu -nstlist 10 -ntmpi 1 -nsteps 0 -ntomp 1".split()
    launch = prepare("voxion.dat", given, program=str(gmx))
    assert sorted(word for word in launch.arguments if word[:1] == "-") == sorted(
        "-s -nov -pme -update -nstlist -ntmpi -nsteps -ntomp -plumed".split()
    )
    place = launch.arguments.index("-plumed")  # without the kernel's file mdrun takes it all
    run_gmx(
        gmx, folder, " ".join(["mdrun", *launch.arguments[:place], *launch.arguments[place + 2 :]])
    )
    log = (folder / "md.log").read_text()
    assert "nstlist" in log and "Changing nstlist" not in log


@pytest.mark.parametrize(
    "parameters",
    [
        {"integrator": "md", "tcoupl": "no"},
        {"verlet_buffer_tolerance": "-1", "rlist": "0.9"},
        {"integrator": "sd", "tcoupl": "no"},
        {"integrator": "md-vv"},
        {"coulombtype": "reaction-field"},
        {"coulombtype": "cut-off", "nstlist": "20"},
    ],
)
def test_mdrun_takes_the_options_and_searches_as_said(gmx, folder, parameters):
    """Where mdrun would stop at -nstlist, the option is not given; it never takes another value."""
    make_run_input(gmx, folder, **parameters)
    launch = prepare("voxion.dat", ["-deffnm", "md", "-ntomp", "1"], program=str(gmx))
    words = launch.arguments
    place = words.index("-plumed")
    run_gmx(gmx, folder, " ".join(["mdrun", "-nsteps", "0", *words[:place], *words[place + 2 :]]))
    assert "Changing nstlist" not in (folder / "md.log").read_text()
    nstlist = parameters.get("nstlist", "10")
    assert launch.environment["VOXION_MDRUN_OPTIONS"] == f"-nstlist {nstlist} -pme cpu"
    assert ("-nstlist" in words) == ("verlet_buffer_tolerance" not in parameters)


@pytest.mark.parametrize(
    "words, complaint",
    [
        ("-plumed plumed.dat", "put a line 'plumed FILE kernel LIBRARY' into the jobs file"),
        ("-multidir a b", "one 'voxion mdrun' per simulation"),
        ("-ntmpi 4", "-ntmpi 4: the charges need one rank"),
        ("-pme gpu", "-pme gpu: PME on a GPU"),
        ("-pme auto", "leave -pme away"),
        ("-update gpu", "-update gpu: the kernel needs the positions"),
        ("-nstlist 100", "the run input has nstlist = 10.*set nstlist = 100 in the mdp"),
        ("-rerun md.trr", "-rerun cannot have charge jobs"),
        ("-s other.tpr", "no run input other.tpr"),
    ],
)
def test_options_that_the_kernel_cannot_work_with(gmx, folder, words, complaint):
    with pytest.raises(VoxionError, match=complaint):
        prepare("voxion.dat", ["-deffnm", "md", *words.split()], program=str(gmx))


@pytest.mark.parametrize(
    "parameters, complaint",
    [
        ({"integrator": "steep", "tcoupl": "no", "gen_vel": "no"}, "integrator = steep cannot"),
        ({"integrator": "bd", "tcoupl": "no", "bd_fric": "1000"}, "expected one of md, md-vv"),
        ({"free_energy": "yes", "init_lambda": "0"}, "free-energy = yes cannot"),
        ({"mts": "yes"}, "mts = true cannot"),
        ({"nstlist": "8"}, "charges of SHT every 20 steps; expected 1 or a multiple of"),
        ({"nstlist": "30"}, "expected 1 or a multiple of nstlist = 30"),
        (
            {"pbc": "xy", "nwall": "2", "wall_atomtype": "C C", "wall_density": "10 10",
             "ewald_geometry": "3dc", "wall_ewald_zfac": "3"},
            r"pbc = xy, the jobs file voxion.dat has pbc xyz",
        ),
    ],
)  # fmt: skip
def test_run_inputs_with_which_charges_would_go_wrong(gmx, folder, parameters, complaint):
    make_run_input(gmx, folder, **parameters)
    with pytest.raises(VoxionError, match=complaint):
        prepare("voxion.dat", ["-deffnm", "md"], program=str(gmx))


def test_voxels_alone_may_rerun_any_run_input(gmx, folder):
    make_run_input(gmx, folder, integrator="steep", tcoupl="no", gen_vel="no")
    (folder / "voxion.dat").write_text(
        "index index.ndx\nvoxels System 10 1 10 4 4 4 file a.zarr channels mass\n"
    )
    launch = prepare("voxion.dat", "-deffnm md -rerun md.trr -cpi".split(), program=str(gmx))
    assert "-nstlist" not in launch.arguments  # mdrun stops at it without dynamics


def test_what_is_missing_is_named(gmx, folder, kernel):
    def refused(jobs: str = "voxion.dat", program: str = str(gmx)) -> str:
        with pytest.raises(VoxionError) as error:
            prepare(jobs, ["-deffnm", "md"], program=program)
        return str(error.value)

    assert "none.dat cannot be read: no such file" in refused("none.dat")
    Path("jobs.txt").write_text(JOBS)
    assert "end in .dat only" in refused("jobs.txt")
    Path("binary.dat").write_bytes(b"\xff\xfe\x00")
    assert "binary.dat is not a text file" in refused("binary.dat")
    assert "no program 'gmx-of-nobody'" in refused(program="gmx-of-nobody")
    old = folder / "old"
    old.write_text("#!/bin/sh\necho 'GROMACS version:     2024.3'\n")
    old.chmod(0o755)
    assert "2025 or newer is needed" in refused(program=str(old))
    kernel.unlink()
    assert f"{kernel} is missing" in refused()


@pytest.mark.parametrize(
    "wrong, words",
    [
        (("index.ndx", "none.ndx"), "cannot read none.ndx"),
        (("SHT 20", "SHEET 20"), "there is no group SHEET in index.ndx"),
        (("sources water", "sources salt"), "there is no group salt in index.ndx"),
        (("model.pt", "none.pt"), "model file none.pt cannot be read: no such file"),
        (("20 model.pt", "20 voxion.dat"), "model file voxion.dat is not a whole TorchScript"),
        (("channels mass", "channels"), "voxion.dat"),
    ],
)
def test_what_the_kernel_would_refuse_is_told_before_mdrun_starts(gmx, folder, wrong, words):
    (folder / "voxion.dat").write_text(JOBS.replace(*wrong))
    with pytest.raises(VoxionError, match=words):
        prepare("voxion.dat", ["-deffnm", "md"], program=str(gmx))


def test_several_ranks_are_refused_and_tools_are_no_ranks(gmx, folder, monkeypatch):
    asks = folder / "asks"
    asks.write_text(f'#!/bin/sh\nenv > {folder}/environment\nexec {gmx} "$@"\n')
    asks.chmod(0o755)
    monkeypatch.setenv("OMPI_COMM_WORLD_SIZE", "1")
    monkeypatch.setenv("PMIX_RANK", "0")
    prepare("voxion.dat", ["-deffnm", "md"], program=str(asks))
    seen = (folder / "environment").read_text()
    assert "PATH=" in seen
    assert "OMPI_" not in seen and "PMIX_" not in seen
    monkeypatch.setenv("OMPI_COMM_WORLD_SIZE", "2")
    with pytest.raises(VoxionError, match="started on 2 ranks"):
        prepare("voxion.dat", ["-deffnm", "md"], program=str(gmx))


def test_words_of_the_jobs_file(tmp_path):
    path = tmp_path / "jobs.dat"
    path.write_text("pbc xy # slab\n#charge A 1\ncharge B 10 m.pt sources W\n charge C x\nfoo\n")
    jobs = read_jobs(path)
    assert (jobs.intervals, jobs.pbc, jobs.state) == ({"B": 10}, "xy", tmp_path / "jobs.dat.state")


# ------------------------------------------------------------------------- continuations


def without_kernel(arguments: list[str]) -> str:
    place = arguments.index("-plumed")
    return " ".join(arguments[:place] + arguments[place + 2 :])


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"integrator": "sd", "tcoupl": "no"},
        # positions of the first run input, not those of the checkpoint, set PME's mesh
        {"pcoupl": "c-rescale", "tau_p": "0.5", "compressibility": "4.5e-4", "ref_p": "3000",
         "fourierspacing": "0.1249", "nsttcouple": "5", "nstpcouple": "5"},
    ],
    ids=["md", "sd", "npt"],
)  # fmt: skip
def test_a_run_made_again_continues_bit_for_bit(gmx, folder, parameters):
    """With charges that are what they were, an interrupted run ends as the whole one does."""
    make_run_input(gmx, folder, nstcalcenergy="5", **parameters)
    before = (folder / "md.tpr").read_bytes()
    run = "mdrun -ntmpi 1 -ntomp 1 -reprod -pme cpu -nstlist 10"
    run_gmx(gmx, folder, f"{run} -s md.tpr -deffnm whole")
    run_gmx(gmx, folder, f"{run} -s md.tpr -deffnm md -nsteps 20")
    write_state(folder, 20, 10)
    launch = prepare(
        "voxion.dat",
        "-deffnm md -cpi -reprod -ntomp 1".split(),
        program=str(gmx),
        grompp=f"{GROMPP} -o elsewhere.tpr -po elsewhere.mdp",
    )
    assert launch.continues == 20
    assert "-s md.continued.tpr" in " ".join(launch.arguments)
    assert (folder / "md.tpr").read_bytes() == before
    assert not list(folder.glob("elsewhere*")) and not list(folder.glob(".*"))
    run_gmx(gmx, folder, f"mdrun {without_kernel(launch.arguments)}")
    for suffix in ("trr", "edr", "gro"):
        whole = (folder / f"whole.{suffix}").read_bytes()
        assert (folder / f"md.{suffix}").read_bytes() == whole, suffix
    assert len(MDAnalysis.Universe("md.gro", "md.trr").trajectory) == 3


def test_charges_in_effect_are_those_of_the_record(gmx, folder):
    run_gmx(gmx, folder, "mdrun -ntmpi 1 -ntomp 1 -deffnm md -nsteps 20")
    charges = np.random.default_rng(1).normal(-0.0625, 0.01, SHEET).astype(np.float32)
    surface = {"group": "SHT", "atoms": list(range(1, SHEET + 1))}
    newest = {**surface, "charges": [float(f"{charge:.9g}") for charge in charges]}
    before = {**surface, "charges": [0.5] * SHEET}
    records = [{"step": 20, "charges": [newest]}, {"step": 10, "charges": [before]}]
    content = {"format": "voxion-mdrun-state", "version": 1, "checkpoints": records}
    Path("voxion.dat.state").write_text(json.dumps(content))
    # the number of steps was changed since
    run_gmx(gmx, folder, "convert-tpr -s md.tpr -nsteps 60 -o md.tpr")
    prepare("voxion.dat", "-deffnm md -cpi".split(), program=str(gmx), grompp=GROMPP)
    continued = MDAnalysis.Universe("md.continued.tpr").atoms.charges
    np.testing.assert_array_equal(continued[:SHEET].astype(np.float32), charges)
    run_gmx(gmx, folder, "mdrun -s md.continued.tpr -cpi md.cpt -deffnm md -ntmpi 1 -ntomp 1")
    assert "           60" in (folder / "md.log").read_text()


def test_without_a_checkpoint_the_run_starts(gmx, folder):
    launch = prepare("voxion.dat", "-deffnm md -cpi".split(), program=str(gmx))
    assert launch.continues is None
    assert "-s md.tpr" in " ".join(launch.arguments)


def test_continuations_that_cannot_be(gmx, folder):
    run_gmx(gmx, folder, "mdrun -ntmpi 1 -ntomp 1 -deffnm md -nsteps 20")

    def refused(grompp: str | None = GROMPP) -> str:
        with pytest.raises(VoxionError) as error:
            prepare("voxion.dat", "-deffnm md -cpi".split(), program=str(gmx), grompp=grompp)
        assert not (folder / "md.continued.tpr").exists()
        return str(error.value)

    assert "charges of its step 20 are kept in voxion.dat.state" in refused()
    write_state(folder, 30, 25)
    assert "md.cpt is of step 20; voxion.dat.state has the charges of steps 30 and 25" in refused()
    write_state(folder, 20)
    assert 'add --grompp "..."' in refused(None)
    assert "'-f md.mdp \"' cannot be read" in refused('-f md.mdp "')
    assert "none.mdp cannot be read" in refused("-f none")
    assert "grompp stopped: " in refused(GROMPP.replace("topol.top", "none.top"))
    make_run_input_again = GROMPP.replace("md.mdp", "other.mdp")
    text = (folder / "md.mdp").read_text()
    (folder / "other.mdp").write_text(text.replace("rcoulomb = 0.8", "rcoulomb = 0.85"))
    assert "grompp" in refused(make_run_input_again)
    (folder / "other.mdp").write_text(text.replace("ref-t = 300", "ref-t = 310"))
    message = refused(make_run_input_again)
    assert "do not make md.tpr" in message and "temperature = 310" in message
    topology = (folder / "topol.top").read_text()
    (folder / "topol.top").write_text(topology.replace("SHEET_CHARGE -0.0625", "SHEET_CHARGE 0.5"))
    prepare("voxion.dat", "-deffnm md -cpi".split(), program=str(gmx), grompp=GROMPP)
    (folder / "md.continued.tpr").unlink()
    (folder / "voxion.dat.state").write_text('{"format": "voxion')
    assert "voxion.dat.state is not proper JSON" in refused()
    (folder / "voxion.dat.state").write_text("[]")
    assert "voxion.dat.state does not hold what it should" in refused()
    (folder / "voxion.dat.state").write_text('{"format": "another", "version": 1}')
    assert "format: Input should be 'voxion-mdrun-state'" in refused()


def test_several_surfaces_are_one_table(tmp_path):
    state = tmp_path / "a.dat.state"
    surfaces = [
        {"group": "lower", "atoms": [3, 5], "charges": [0.1, 0.2]},
        {"group": "upper", "atoms": [9], "charges": [-0.3]},
    ]
    record = {"step": 5_000_000_000, "charges": surfaces}
    content = {"format": "voxion-mdrun-state", "version": 1, "checkpoints": [record]}
    state.write_text(json.dumps(content))
    assert read_charges(state, 5_000_000_000, tmp_path) == {3: 0.1, 5: 0.2, 9: -0.3}


SURFACE = {"group": "lower", "atoms": [3, 5], "charges": [0.1, 0.2]}


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ([{"step": 20, "charges": [SURFACE | {"charges": [0.1]}]}], "2 atoms has 1 charges"),
        ([{"step": 20, "charges": [SURFACE, SURFACE]}], "an atom has two charges"),
        ([{"step": 20, "charges": [SURFACE | {"atoms": [3, 3]}]}], "an atom has two charges"),
        ([{"step": 20, "charges": [SURFACE | {"atoms": [0, 5]}]}], "greater than or equal to 1"),
        ([{"step": 20, "charges": [SURFACE | {"atoms": [3, 10**24]}]}], "less than or equal to"),
        ([{"step": 20, "charges": [SURFACE | {"charges": [0.1, 1e9]}]}], "less than or equal to"),
        ([{"step": 20, "charges": [SURFACE | {"charges": [0.1, "0.2"]}]}], "a valid number"),
        ([{"step": 20, "charges": [SURFACE | {"charges": [0.1, float("nan")]}]}], "number nan"),
        ([{"step": -20, "charges": [SURFACE]}], "greater than or equal to 0"),
        ([{"step": 20, "charges": [SURFACE]}] * 2, "two records of one step"),
        ([{"step": 20}], r"checkpoints\.0\.charges: Field required"),
        (5, "Input should be a valid"),
    ],
)
def test_damaged_charges_of_a_checkpoint_are_refused(tmp_path, records, message):
    state = tmp_path / "a.dat.state"
    content = {"format": "voxion-mdrun-state", "version": 1, "checkpoints": records}
    state.write_text(json.dumps(content))
    with pytest.raises(VoxionError, match=rf"a\.dat\.state .*{message}.*start without -cpi"):
        read_charges(state, 20, tmp_path)


def test_parameters_of_an_mdp_are_replaced_however_they_are_spelled():
    mdp = "; ld-seed = 1\nLD_seed =-1 ; any\nnsteps=5\n ldseed = 3\nnstlist = 10\n"
    assert with_parameters(mdp, {"ld-seed": "7", "nsteps": "9"}) == (
        "; ld-seed = 1\nnstlist = 10\nld-seed = 7\nnsteps = 9\n"
    )


# ------------------------------------------------------------------------- the run itself

_START = """
import sys
from voxion.engines.mdrun import Launch, start
start(Launch(sys.argv[1], sys.argv[2:], {"GMX_MAXBACKUP": "7"}))
"""


def test_sigterm_lets_mdrun_write_its_checkpoint(gmx, folder):
    """Same end, same status as of mdrun alone, which counts a run cut short as failed."""
    words = [str(gmx), *"-s md.tpr -nsteps -1 -ntmpi 1 -ntomp 1 -deffnm".split()]
    statuses = []
    for name, command in [
        ("launched", [sys.executable, "-c", _START, *words]),
        ("alone", [words[0], "mdrun", *words[1:]]),
    ]:
        process = subprocess.Popen([*command, name])
        log = folder / f"{name}.log"
        while not (log.exists() and "Started mdrun" in log.read_text()):
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        statuses.append(process.wait(timeout=60))
        assert (folder / f"{name}.cpt").is_file()
        assert "Received the TERM signal" in log.read_text()
    assert statuses[0] == statuses[1]


def test_exit_status_and_environment_are_those_of_mdrun(gmx, tmp_path):
    words = [sys.executable, "-c", _START]
    missing = subprocess.run([*words, str(gmx), "-s", "none.tpr"], capture_output=True, text=True)
    alone = subprocess.run([str(gmx), "mdrun", "-s", "none.tpr"], capture_output=True, check=False)
    assert missing.returncode == alone.returncode != 0
    tell = tmp_path / "tell"
    tell.write_text('#!/bin/sh\necho "$GMX_MAXBACKUP $HOME $*"; exit 42\n')
    tell.chmod(0o755)
    told = subprocess.run([*words, str(tell), "-a", "b c"], capture_output=True, text=True)
    assert told.returncode == 42
    assert told.stdout == f"7 {os.environ['HOME']} mdrun -a b c\n"


@pytest.mark.parametrize(
    "words, message",
    [
        ("--jobs voxion.dat -deffnm md -pme gpu", "voxion: -pme gpu: PME on a GPU"),
        (
            "-deffnm md -nstlist 20 --jobs voxion.dat",
            "voxion: -nstlist 20: the run input has nstlist = 10",
        ),
        ("--jobs none.dat -deffnm md", "voxion: none.dat cannot be read"),
        ("--jobs voxion.dat -s none -nsteps -1 -v", "voxion: There is no run input none.tpr"),
        ("--jobs voxion.dat md.tpr", "voxion: Expected options of GROMACS"),
    ],
)
def test_errors_on_the_command_line_are_one_line(gmx, folder, words, message):
    run = subprocess.run(
        [str(VOXION), "mdrun", "--gmx", str(gmx), *words.split()], capture_output=True, text=True
    )
    assert run.returncode == 1
    assert run.stderr.startswith("voxion: ") and run.stderr.count("\n") == 1
    assert message in run.stderr


# ------------------------------------------------------------------------- gmxapi


def test_gmxapi_gets_absolute_paths(gmx, folder):
    launch = prepare("voxion.dat", "-deffnm md -dd 1 1 1 -ntomp 1 -cpi".split(), program=str(gmx))
    tpr, arguments = gmxapi_arguments(launch)
    assert tpr == str(folder / "md.tpr")
    assert arguments["-plumed"] == str(folder / "voxion.dat")
    assert arguments["-deffnm"] == str(folder / "md")
    assert arguments["-cpi"] == str(folder / "md.cpt")
    assert arguments["-dd"] == ["1", "1", "1"]
    assert arguments["-v"] is None
    assert "-s" not in arguments


@pytest.mark.parametrize(
    "given, earlier, jobs, words",
    [
        ("-deffnm md -cpi", None, "index {here}/index.ndx", "cannot continue a run"),
        (
            "-deffnm md",
            "mdrun_0a1b_i0_0",
            "index {here}/index.ndx",
            "the run in mdrun_0a1b",
        ),
        ("-deffnm md", None, "index index.ndx", "names index.ndx, which gmxapi would look for"),
        ("-deffnm md", None, "index {here}/index.ndx file a.zarr", "names a.zarr"),
    ],
)
def test_what_gmxapi_cannot_do(gmx, folder, given, earlier, jobs, words):
    launch = prepare("voxion.dat", given.split(), program=str(gmx))
    if earlier:
        (folder / earlier).mkdir()
    (folder / "voxion.dat").write_text(jobs.format(here=folder) + "\n")
    with pytest.raises(VoxionError, match=words):
        check_gmxapi("voxion.dat", launch)


def test_without_gmxapi_it_is_refused(gmx, folder):
    if find_spec("gmxapi"):
        pytest.skip("gmxapi is here")
    launch = prepare("voxion.dat", ["-deffnm", "md"], program=str(gmx))
    with pytest.raises(VoxionError, match="needs the Python package gmxapi"):
        start_in_gmxapi(launch)


def test_a_run_through_gmxapi(gmx, folder, monkeypatch):
    pytest.importorskip("gmxapi", reason="gmxapi is not here; it needs a GROMACS built with it")
    monkeypatch.undo()  # the kernel itself
    (folder / "voxion.dat").write_text(
        f"index {folder}/index.ndx\n"
        f"voxels System 10 1 10 4 4 4 file {folder}/grids.zarr channels mass\n"
    )
    jobs = str(folder / "voxion.dat")
    command = [str(VOXION), "mdrun", "--gmxapi", "--gmx", str(gmx), "--jobs", jobs]
    run = subprocess.run([*command, "-deffnm", "md"], cwd=folder, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert (folder / "grids.zarr").is_dir() and (folder / "md.gro").is_file()
