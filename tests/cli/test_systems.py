"""The command line of the builders."""

import pytest
from typer.testing import CliRunner

from voxion.cli.systems import app
from voxion.errors import VoxionError
from voxion.systems.description import load_system


def test_graphene_command_builds_and_tells_what(tmp_path):
    arguments = ["graphene", "--out", str(tmp_path / "s"), "--carbons", "96", "--charge", "-2"]
    arguments += ["--molarity", "0.5", "--thickness", "20", "--seed", "4", "--capacitor"]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    system = load_system(tmp_path / "s")
    assert [(s.group, s.atoms, s.charge) for s in system.surfaces] == [
        ("lower", 96, -2.0),
        ("upper", 96, 2.0),
    ]
    assert (system.thickness, system.seed) == (20.0, 4)
    assert "lmp -in in.equilibrate" in result.output


def test_sheet_size_is_given_once(tmp_path):
    arguments = ["graphene", "--out", str(tmp_path / "s"), "--carbons", "96", "--cells", "6", "4"]
    with pytest.raises(VoxionError, match="--carbons and --cells exclude each other"):
        CliRunner().invoke(app, arguments, catch_exceptions=False)


def test_graphene_command_builds_for_gromacs(tmp_path):
    arguments = ["graphene", "--out", str(tmp_path / "s"), "--cells", "9", "6"]
    arguments += ["--engine", "gromacs"]
    arguments += ["--charge", "0", "--molarity", "0", "--thickness", "20"]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    assert load_system(tmp_path / "s", "gromacs").engine == "gromacs"
    assert "the commands in README.md" in result.output
    assert not (tmp_path / "s" / "in.equilibrate").exists()
    # nothing is said of ions where there are none
    for name in ("index.ndx", "README.md"):
        assert " ions" not in (tmp_path / "s" / name).read_text().split("Force field")[0]


def test_unknown_engine(tmp_path):
    arguments = ["graphene", "--out", str(tmp_path / "s"), "--engine", "gmx"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2 and "'gmx' is not one of" in result.output
    assert not (tmp_path / "s").exists()
