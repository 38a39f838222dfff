"""The rooms of the package: imports run downwards only, and nothing imports the command line."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import voxion.cli

PACKAGE = Path(voxion.cli.__file__).parents[1]
# From the lowest to the highest; the modules beside them, such as errors, are the ground floor.
ROOMS = (
    "contract",
    "trajectories",
    "engines",
    "systems",
    "charges/defaults",
    "charges/data",
    "charges/models",
    "charges/sampling",
    "charges/evaluation",
    "charges/training",
    "charges/analysis",
    "charges/report",
    "scattering",
    "voxels/stores",
    "voxels/classifier",
    "voxels/morphology",
    "voxels/explain",
    "activity/demo",
    "activity/data",
    "activity/models",
    "activity/fitting",
    "activity/descriptors",
    "activity/explain",
    "activity/reproduction",
    "demo",
    "campaigns",
    "cli",
)
GROUND = -1


def _modules():
    """Names of all modules, by path."""
    return {
        path: ".".join(["voxion", *path.relative_to(PACKAGE).with_suffix("").parts]).removesuffix(
            ".__init__"
        )
        for path in PACKAGE.rglob("*.py")
    }


def _imports():
    """Imported modules of each module, those inside functions too."""
    names = set(_modules().values())
    found = {}
    for path, name in _modules().items():
        targets = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{name} has a relative import"
                for alias in node.names:
                    full = f"{node.module}.{alias.name}"
                    targets.add(full if full in names else node.module)
            elif isinstance(node, ast.Import):
                targets |= {alias.name for alias in node.names}
        found[name] = {target for target in targets if target in names} - {"voxion"}
    return found


def _room(module):
    place = "/".join(module.split(".")[1:]) + "/"
    levels = [n for n, room in enumerate(ROOMS) if place.startswith(f"{room}/")]
    return levels[0] if levels else GROUND


def test_every_folder_is_a_room():
    folders = {f"voxion/{path.parent.relative_to(PACKAGE)}" for path in PACKAGE.rglob("*.py")}
    folders -= {"voxion/.", "voxion/charges", "voxion/voxels", "voxion/activity"}
    assert [folder for folder in folders if _room(folder.replace("/", ".")) == GROUND] == []


def test_no_imports_go_round_in_a_circle():
    try:
        tuple(TopologicalSorter(_imports()).static_order())
    except CycleError as error:
        raise AssertionError(" -> ".join(error.args[1])) from None


def test_no_room_imports_from_a_higher_one():
    upward = [
        f"{module} imports {target}"
        for module, targets in _imports().items()
        for target in targets
        if _room(target) > _room(module) and module != "voxion.__main__"
    ]
    assert not upward


def test_engines_know_nothing_of_what_runs_in_them():
    forbidden = ("voxion.charges", "voxion.voxels", "voxion.activity")
    for module, targets in _imports().items():
        if module.startswith("voxion.engines"):
            assert not [target for target in targets if target.startswith(forbidden)]


def test_nothing_imports_the_command_line():
    importers = {
        module
        for module, targets in _imports().items()
        if any(target.startswith("voxion.cli") for target in targets)
        and not module.startswith("voxion.cli")
    }
    assert importers == {"voxion.__main__"}


def test_capabilities_do_not_import_each_other():
    capabilities = {"charges", "voxels", "activity"}
    crossing = [
        f"{module} imports {target}"
        for module, targets in _imports().items()
        for target in targets
        if module.count(".")
        and target.count(".")
        and {module.split(".")[1], target.split(".")[1]} <= capabilities
        and module.split(".")[1] != target.split(".")[1]
    ]
    assert not crossing
