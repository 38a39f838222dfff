"""GROMACS found, its tools run, its files read."""

import subprocess
from pathlib import Path

import pytest

from tests.engines.gromacs_run import GROMPP, make_run_input, run_gmx, write_system
from voxion.engines.gromacs import (
    Gromacs,
    Options,
    difference_beyond_charges,
    find_gromacs,
    read_parameters,
    read_step,
    run_tool,
)
from voxion.errors import VoxionError


@pytest.fixture(scope="module")
def gromacs(gmx):
    return find_gromacs(str(gmx))


@pytest.fixture(scope="module")
def folder(gmx, tmp_path_factory):
    folder = tmp_path_factory.mktemp("gromacs")
    make_run_input(gmx, folder, ld_seed="-77")
    return folder


def script(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def test_version_and_mpi_as_gromacs_tells_them(gmx, gromacs):
    told = subprocess.run([str(gmx), "--version"], capture_output=True, text=True, check=True)
    assert f"GROMACS version:     {gromacs.version}\n" in told.stdout
    assert f"MPI library:         {gromacs.mpi}\n" in told.stdout.lower().replace("mpi l", "MPI l")
    assert gromacs.knows_plumed


@pytest.mark.parametrize(
    "version, knows",
    [
        ("2024.5", False),
        ("2025", True),
        ("2025.2-Debian", True),
        ("2026.0-dev", True),
        ("5.1", False),
    ],
)
def test_releases_with_an_interface_to_plumed(version, knows):
    assert Gromacs("gmx", version, "none").knows_plumed is knows


def test_programs_that_are_not_gromacs(tmp_path):
    with pytest.raises(VoxionError, match=r"no program 'no-such-gmx'.*--gmx"):
        find_gromacs("no-such-gmx")
    silent = script(tmp_path / "silent", "exit 0")
    with pytest.raises(VoxionError, match="does not start as GROMACS does: it says nothing"):
        find_gromacs(silent)
    broken = script(tmp_path / "broken", "echo 'libfftw3f.so.3: cannot open' >&2; exit 127")
    with pytest.raises(VoxionError, match=r"libfftw3f.so.3: cannot open"):
        find_gromacs(broken)
    Path(broken).write_text("#!/no/such/shell\n")
    with pytest.raises(VoxionError, match="cannot be run: No such file"):
        find_gromacs(broken)


def test_errors_of_tools_have_their_words(gromacs, tmp_path, monkeypatch):
    write_system(tmp_path, coulombtype="magic", nstlist="ten")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(VoxionError) as error:
        run_tool(gromacs, "grompp", *GROMPP.split())
    message = str(error.value)
    assert message.startswith("gmx grompp stopped: ")
    assert "Invalid enum 'magic' for variable coulombtype" in message
    assert "\n" not in message and "gromacs.org" not in message


def test_errors_of_grompp_are_told_before_their_number(gromacs, tmp_path, monkeypatch):
    write_system(tmp_path, rvdw="1.4")  # longer than half the box
    monkeypatch.chdir(tmp_path)
    with pytest.raises(VoxionError, match=r"ERROR 1 .*rcoulomb!=rvdw.*ERROR 2 .*were 2 errors"):
        run_tool(gromacs, "grompp", *GROMPP.split())


def test_parameters_of_a_run_input(gromacs, folder):
    parameters = read_parameters(gromacs, folder / "md.tpr")
    expected = {
        "integrator": "md",
        "nsteps": "40",
        "nstlist": "10",
        "ld-seed": "-77",
        "pbc": "xyz",
        "coulombtype": "PME",
        "tcoupl": "V-rescale",
        "mts": "false",
        "free-energy": "no",
        "verlet-buffer-tolerance": "0.005",
    }
    assert {name: parameters[name] for name in expected} == expected


def test_files_that_cannot_be_read(gromacs, folder, tmp_path):
    with pytest.raises(VoxionError, match=r"cannot read .*none.tpr.*does not exist"):
        read_parameters(gromacs, tmp_path / "none.tpr")
    damaged = tmp_path / "damaged.tpr"
    damaged.write_bytes((folder / "md.tpr").read_bytes()[:300])
    with pytest.raises(VoxionError, match=r"damaged\.tpr"):
        read_parameters(gromacs, damaged)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("   nstlist = 10000000000000000000000000", "nstlist = '1000"),
        ("   nstlist = nan", "nstlist = 'nan'"),
        ("   nstlist = \u0662", "nstlist = '"),
        ("   other = 1", "nstlist = 'nothing'"),
    ],
)
def test_what_is_printed_of_a_damaged_run_input_is_refused(tmp_path, line, message):
    others = {"integrator": "md", "nsteps": 1, "pbc": "xyz", "ld-seed": -1}
    lines = [f"   {name} = {value}" for name, value in others.items()]
    text = "\n".join([*lines, "   verlet-buffer-tolerance = 5e-03", line, "header:"])
    program = Gromacs(script(tmp_path / "gmx", f"cat <<'E'\n{text}\nE"), "2025", "none")
    with pytest.raises(VoxionError, match=rf"a\.tpr: gmx dump prints {message}"):
        read_parameters(program, Path("a.tpr"))


def test_bytes_that_are_no_text_are_printed_without_harm(tmp_path):
    program = Gromacs(script(tmp_path / "gmx", r"printf 'a = \377\nstep = 20\n'"), "2025", "none")
    assert read_step(program, Path("a.cpt")) == 20
    with pytest.raises(VoxionError, match="holds no parameters of a run"):
        read_parameters(program, Path("a.tpr"))


def test_step_of_a_checkpoint(gmx, gromacs, folder, tmp_path):
    arguments = f"mdrun -s {folder / 'md.tpr'} -ntmpi 1 -ntomp 1 -nsteps 7 -deffnm short"
    run_gmx(gmx, tmp_path, arguments)
    assert read_step(gromacs, tmp_path / "short.cpt") == 7


def test_run_inputs_that_differ_in_more_than_charges(gmx, gromacs, folder, tmp_path):
    first = folder / "md.tpr"

    def difference(old: str, new: str, name: str, **parameters: str) -> str | None:
        write_system(tmp_path, ld_seed="-77", **parameters)
        file = tmp_path / name
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))
        run_gmx(gmx, tmp_path, f"grompp {GROMPP} -o other.tpr")
        return difference_beyond_charges(gromacs, first, tmp_path / "other.tpr")

    assert difference("", "", "topol.top") is None
    assert difference("SHEET_CHARGE -0.0625", "SHEET_CHARGE -0.05", "topol.top") is None
    # another position and other velocities
    assert difference("0.250   0.250   0.100", "0.250   0.250   0.110", "conf.gro") is None
    assert difference("", "", "topol.top", gen_seed="9") is None
    assert "temperature = 310" in difference("", "", "topol.top", ref_t="310")
    assert "m= 2.30000e+01" in difference("1.0 22.99", "1.0 23.0", "topol.top")
    assert "2.10000e+00" in difference("2.00000   2.00000\n", "2.00000   2.10000\n", "conf.gro")


def test_options_are_told_from_values_as_gromacs_does():
    words = "-s a.tpr -nsteps -1 --deffnm md -v -pforce -1e3 -dd 1 1 1 -cpi -maxh .5".split()
    options = Options(words)
    assert options.value("s") == "a.tpr"
    assert options.value("nsteps") == "-1"
    assert options.value("deffnm") == "md"
    assert options.value("pforce") == "-1e3"
    assert "v" in options and "cpi" in options and "1" not in options
    assert options.value("cpi", "default") == "default"
    assert options.words() == [w.replace("--", "-") for w in words]
    changed = options.with_values({"s": "b.tpr", "v": None, "nstlist": "10"})
    assert changed.value("s") == "b.tpr" and "v" not in changed
    assert changed.words()[-2:] == ["-nstlist", "10"]
    with pytest.raises(VoxionError, match=r"found md\.tpr"):
        Options(["md.tpr", "-v"])


@pytest.mark.parametrize(
    "words, file",
    [
        ("", "topol.tpr"),
        ("-deffnm md", "md.tpr"),
        ("-deffnm md -s first", "first.tpr"),
        ("-s runs/first.tpr", "runs/first.tpr"),
        ("-deffnm run.1", "run.1.tpr"),
    ],
)
def test_run_input_is_the_one_that_mdrun_reads(words, file, gmx, folder, tmp_path):
    assert Options(words.split()).file("s", "topol.tpr") == Path(file)
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_bytes((folder / "md.tpr").read_bytes())
    run_gmx(gmx, tmp_path, f"mdrun -ntmpi 1 -nsteps 0 {words}")


@pytest.mark.parametrize(
    "words, file",
    [
        ("-cpi", "state.cpt"),
        ("-cpi -deffnm md", "md.cpt"),
        ("-deffnm md -cpi before", "before.cpt"),
        ("-cpi md_prev.cpt -deffnm md", "md_prev.cpt"),
    ],
)
def test_checkpoint_is_the_one_that_mdrun_reads(words, file, gmx, folder, tmp_path):
    """mdrun starts anew where there is no checkpoint; a run that continues is part 2."""
    assert Options(words.split()).file("cpi", "state.cpt") == Path(file)
    run = f"mdrun -s {folder / 'md.tpr'} -ntmpi 1"
    run_gmx(gmx, tmp_path, f"{run} -nsteps 5 -cpo {file} -deffnm first")
    run_gmx(gmx, tmp_path, f"{run} -nsteps 2 -noappend {words} -g second.log")
    assert (tmp_path / "second.part0002.log").is_file()
