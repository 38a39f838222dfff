"""The conda recipe: rendered by conda's own builder, and asking for what the package asks for."""

import re
from pathlib import Path

import pytest

rattler_build = pytest.importorskip(
    "rattler_build", reason="py-rattler-build needs Python 3.11 or newer"
)
tomllib = pytest.importorskip("tomllib", reason="part of Python 3.11 and newer")

ROOT = Path(__file__).resolve().parents[2]
OTHER_NAMES = {"torch": "pytorch", "torch-geometric": "pytorch_geometric"}
OTHER_NAMES |= {"matplotlib": "matplotlib-base"}
VARIANTS = """
python: ["3.12.* *_cpython"]
c_compiler: [gcc]
cxx_compiler: [gxx]
c_stdlib: [sysroot]
c_stdlib_version: ["2.17"]
"""


@pytest.fixture(scope="module")
def rendered() -> dict:
    recipe = rattler_build.Stage0Recipe.from_file(ROOT / "installation/conda/recipe.yaml")
    variants = rattler_build.VariantConfig.from_yaml(VARIANTS)
    (one,) = recipe.render(variants)
    return one.recipe.to_dict() if not callable(one.recipe) else one.recipe().to_dict()


def test_recipe_asks_for_what_the_package_asks_for(rendered):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    expected = {}
    for requirement in project["dependencies"]:
        name, version = re.fullmatch(r"([\w-]+)(.*)", requirement).groups()
        expected[OTHER_NAMES.get(name, name.lower())] = version
    run = [one for one in rendered["requirements"]["run"] if isinstance(one, str)]
    found = dict((*one.split(), "")[:2] for one in run)
    pinned = {
        one["pin_compatible"]["name"]
        for one in rendered["requirements"]["run"]
        if isinstance(one, dict)
    }
    assert pinned == {"lammps", "pytorch"}
    host = dict((*one.split(), "")[:2] for one in rendered["requirements"]["host"])
    assert host["pytorch"] == expected.pop("pytorch")
    assert found.pop("python") == ""
    assert found == expected
    assert rendered["package"]["version"] == project["version"]


def test_recipe_builds_for_the_lammps_of_its_environment(rendered):
    assert "VOXION_LAMMPS_PROGRAM=$PREFIX/bin/lmp" in str(rendered["build"]["script"])
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    host = " ".join(rendered["requirements"]["host"])
    for requirement in project["build-system"]["requires"]:
        name, version = re.fullmatch(r"([\w-]+)[=>]+(\d+\.\d+).*", requirement).groups()
        assert re.search(rf"{re.sub('-', '[-_]', name)} \S*{re.escape(version)}", host), name
