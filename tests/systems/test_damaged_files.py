"""Files of built systems that are damaged: descriptions, and data files before LAMMPS has them."""

import json
import os
import re
import shutil

import pytest

from voxion.charges.sampling.run import FrameCollector, load_configuration
from voxion.engines.lammps import lammps_session
from voxion.errors import VoxionError
from voxion.systems.description import load_system
from voxion.systems.lammps_data import check_lammps_data


@pytest.fixture
def system(built, tmp_path):
    """A copy of the built system to damage."""
    return shutil.copytree(built, tmp_path / "system")


def change(folder, **values):
    path = folder / "system.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"timestep": 0}, "timestep: Input should be greater than 0, found 0"),
        ({"timestep": float("nan")}, "it has the number nan"),
        ({"temperature": "warm"}, "temperature: Input should be a valid number, found 'warm'"),
        ({"waters": -1}, "waters: Input should be greater than or equal to 0"),
        ({"waters": 10**24}, "waters: Input should be"),
        ({"waters": 1}, "1 waters have not"),
        ({"surfaces": []}, "surfaces: List should have at least 1 item"),
        ({"box_z": [5.0, 5.0]}, "box_z is 5 to 5 A for a thickness of 22 A"),
        ({"periodic": [True, True, True]}, "belongs to a box that is not"),
        ({"slab_factor": None}, "slab_factor is None, periodic along z is False"),
        ({"seed": True}, "seed: Input should be a valid integer, found True"),
        ({"title": "two\nlines"}, "title: String should match pattern"),
    ],
)
def test_descriptions_that_cannot_be_are_refused(system, values, message):
    change(system, **values)
    with pytest.raises(VoxionError, match=rf"system\.json .*{message}.*build the system again"):
        load_system(system)


def test_names_that_would_be_other_commands_of_lammps_are_refused(system):
    description = json.loads((system / "system.json").read_text())
    description["surfaces"][0]["group"] = "surface\nshell date"
    change(system, surfaces=description["surfaces"])
    with pytest.raises(VoxionError, match=r"surfaces\.0\.group: String should match pattern"):
        load_system(system)


def test_charges_that_contradict_each_other_are_refused(system):
    description = json.loads((system / "system.json").read_text())
    description["surfaces"][0]["charge"] = -4.0
    change(system, surfaces=description["surfaces"])
    with pytest.raises(VoxionError, match="species and surfaces sum to -3 e, not to 0"):
        load_system(system)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe{}", "not a text file: byte 0 is not UTF-8"),
        (b"[" * 100_000, "nested too deep"),
        (b'{"a": ' * 40 + b"1" + b"}" * 40, "nested deeper than 32 levels"),
        (b'{"waters": 1e999}', "it has the number inf"),
        (b'{"title": "\\ud800"}', "surrogates not allowed"),
        (b"", "Expecting value"),
        (b"null", "Input should be an object"),
    ],
)
def test_what_is_no_json_is_refused(system, content, message):
    (system / "system.json").write_bytes(content)
    with pytest.raises(VoxionError, match=rf"system\.json .*{message}"):
        load_system(system)


@pytest.mark.parametrize("kind", ["folder", "pipe", "device"])
def test_what_is_no_regular_file_is_not_opened(system, kind):
    path = system / "system.json"
    path.unlink()
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")
    with pytest.raises(VoxionError, match=r"system\.json cannot be read: it is not a regular file"):
        load_system(system)


def damage(path, pattern, new):
    text = path.read_text()
    assert re.search(pattern, text, re.MULTILINE)
    path.write_text(re.sub(pattern, new, text, count=1, flags=re.MULTILINE))


@pytest.mark.parametrize(
    ("pattern", "new", "message"),
    [
        # the first two would keep LAMMPS busy for ever
        (r"^(7 1 C \S+) \S+", r"\1 1e24", "line .*from -1e\\+06 to 1e\\+06, found '1e24'"),
        (r"^(7 1 C) \S+", r"\1 1e24", "line .*from -100 to 100, found '1e24'"),
        (r"^(7 1 C \S+) \S+", r"\1 nan", "found 'nan'"),
        (r"^(7 1 C \S+) \S+", r"\1", "an atom has 6 columns; expected 7 or 10"),
        (r"^7 1 C .*\n", "", "announces [0-9]+ atoms and has [0-9]+"),
        (r"^[0-9]+ atoms", f"{10**24} atoms", "found '1000000000000000000000000'"),
        (r"^[0-9]+ atoms", "many atoms", "found 'many'"),
        (r"^(\S+) \S+ xlo", r"\1 -5.0 xlo", "the box goes from 0.0 to -5.0"),
        (r"^(\S+) \S+ xlo", r"\1 inf xlo", "found 'inf'"),
    ],
)
def test_data_files_that_lammps_cannot_begin_with_are_refused(system, pattern, new, message):
    path = system / "system.data"
    check_lammps_data(path, "build it again")
    damage(path, pattern, new)
    with pytest.raises(VoxionError, match=rf"system\.data.*{message}.*build it again"):
        check_lammps_data(path, "build it again")


def test_a_data_file_with_bytes_that_are_no_text_is_refused(system):
    path = system / "system.data"
    path.write_bytes(path.read_bytes().replace(b"\n7 1 C", b"\n7 1 \xff"))
    with lammps_session() as engine, pytest.raises(VoxionError, match=r"line .* is not text"):
        load_configuration(engine, system, path)


def test_a_data_file_of_another_system_is_refused(system):
    description = load_system(system)
    species = [one.model_dump() for one in description.species]
    counts = {one["name"]: one for one in species}
    for name in ("Na", "Cl"):  # a pair less: neutral as well
        counts[name]["count"] -= 1
    change(system, species=species)
    with lammps_session(variables={"kspace": "pppm"}) as engine:
        load_configuration(engine, system, system / "system.data")
        with pytest.raises(VoxionError, match=r"has read .* atoms of electrolyte, the sys"):
            FrameCollector(engine, load_system(system))
