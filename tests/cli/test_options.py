"""Treatment of an output that exists: refuse, continue, or replace without a loss."""

import pytest

from voxion.cli.options import output
from voxion.errors import VoxionError


def folder(path, *files):
    path.mkdir()
    for name in files:
        (path / name).write_text("old")
    return path


def test_a_new_output_and_an_empty_folder_are_free(tmp_path):
    empty = folder(tmp_path / "empty")
    for out in (tmp_path / "new", empty):
        with output(out, force=False, kind="settings.json"):
            out.mkdir()  # the command's own


def test_an_existing_output_is_refused(tmp_path):
    out = folder(tmp_path / "run", "settings.json")
    with (
        pytest.raises(VoxionError, match="exists: choose another --out, or replace"),
        output(out, force=False),
    ):
        raise AssertionError("the command ran")
    with (
        pytest.raises(VoxionError, match="continue it with --resume"),
        output(out, force=False, resume=False, kind="settings.json"),
    ):
        raise AssertionError("the command ran")
    with pytest.raises(VoxionError, match="choose one of them"), output(out, True, True):
        raise AssertionError("the command ran")


def test_force_replaces(tmp_path):
    out = folder(tmp_path / "run", "settings.json", "old.txt")
    with output(out, force=True, kind="settings.json"):
        folder(out, "settings.json")
    assert [path.name for path in out.iterdir()] == ["settings.json"]
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_force_loses_nothing_where_the_command_fails(tmp_path):
    file = tmp_path / "model.pt"
    file.write_text("old")
    with pytest.raises(VoxionError, match="wrong input"), output(file, force=True):
        raise VoxionError("wrong input")
    assert file.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["model.pt"]


@pytest.mark.parametrize("kind", ["", "settings.json"])
def test_force_replaces_no_folder_of_another_kind(tmp_path, kind):
    out = folder(tmp_path / "thesis", "chapter.tex")
    with pytest.raises(VoxionError, match="choose another --out"), output(out, True, kind=kind):
        raise AssertionError("the command ran")
    assert (out / "chapter.tex").read_text() == "old"


def test_resume_leaves_what_is_there(tmp_path):
    out = folder(tmp_path / "run", "settings.json")
    with output(out, force=False, resume=True, kind="settings.json"):
        assert (out / "settings.json").read_text() == "old"
