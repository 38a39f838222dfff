"""AOTInductor packages: model files of compiled code, which need no TorchScript.

A package is a zip archive as TorchScript files are, with compiled code for each method in place of
the program, and two texts: the contract, and `package.json`, which says what the code was made for.
cpp/core/package_contents.cpp reads both. The code is for one version of torch and one kind of
processor.
"""

from __future__ import annotations

import json
import logging
import platform
import struct
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor, nn

import voxion._core as _core
from voxion.errors import VoxionError, one_line

PACKAGE_FILE = "package.json"
SUFFIX = ".pt2"
_GNU_STACK, _EXECUTABLE = 0x6474E551, 1  # of program headers


@dataclass(frozen=True)
class Method:
    """A method of a model, as `torch.export` takes it.

    Attributes
    ----------
    module : nn.Module
        Its forward method is exported.
    inputs : tuple
        Example of its inputs: tensors, or tuples of them.
    dynamic : tuple, optional
        Dimensions that may differ from the example's, as `torch.export` takes them.
    columns : int, optional
        Of a result that is a matrix.
    """

    module: nn.Module
    inputs: tuple[Any, ...]
    dynamic: tuple[Any, ...] | None = None
    columns: int | None = None


@dataclass(frozen=True)
class Package:
    """What a package is made of.

    Attributes
    ----------
    methods : dict
        By name; the method "forward" is the model.
    contents : dict
        More of `package.json`, such as the shells of a model of site potentials.
    constants : dict
        Numbers, or lists of them, that Python reads as attributes of the loaded model.
    """

    methods: dict[str, Method]
    contents: dict[str, Any] = field(default_factory=dict)
    constants: dict[str, Any] = field(default_factory=dict)


class PackagedModel:
    """A package in Python, called as a TorchScript module is; the engines' code runs it.

    Parameters
    ----------
    path : str or Path

    Raises
    ------
    VoxionError
        It is no package, or was made for another torch or processor.
    """

    def __init__(self, path: str | Path) -> None:
        self._contents = _read_contents(path)
        self._model = _core.Model(str(path))

    def __call__(self, *inputs: Tensor) -> Tensor:
        """Run the model."""
        return self._run("forward", *inputs)

    def __getattr__(self, name: str) -> Any:
        contents = self.__dict__.get("_contents", {})
        if name in contents.get("methods", ()):
            return partial(self._run, name)
        if name in contents.get("constants", {}):
            return torch.tensor(contents["constants"][name], dtype=torch.float64)
        raise AttributeError(name)

    def _run(self, method: str, *inputs: Tensor) -> Tensor:
        found = self._model.run(method, [one.to(torch.float64).numpy() for one in inputs])
        result = torch.from_numpy(found)
        columns = self._contents["columns"].get(method)
        return result if columns is None else result.reshape(-1, columns)


def is_package(path: str | Path) -> bool:
    """Return True if a zip archive says that it is a package."""
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith(f"/extra/{PACKAGE_FILE}") for name in archive.namelist())


def write_package(package: Package, extra_files: dict[str, str], path: Path) -> None:
    """Compile the methods of a model and write them with its texts.

    Raises
    ------
    VoxionError
        This torch makes no packages, or there is no C++ compiler that works.
    """
    from torch._inductor import config  # slow to import
    from torch.export.pt2_archive._package import package_pt2

    if not hasattr(config.cpp, "march"):
        raise VoxionError(
            f"torch {torch.__version__} compiles AOTInductor packages ({SUFFIX}) for this very "
            "processor only: install torch 2.13 or newer, or write TorchScript, a name that ends "
            "on .pt."
        )
    processor, options = _processor()
    contents = {
        "torch_version": torch.__version__.partition("+")[0],
        "processor": processor,
        "methods": list(package.methods),
        "columns": {n: m.columns for n, m in package.methods.items() if m.columns is not None},
        "constants": package.constants,
        **package.contents,
    }
    texts = {**extra_files, PACKAGE_FILE: json.dumps(contents)}
    # a folder of its own, since torch's cache is written by other processes too
    with TemporaryDirectory() as work, _quiet(), torch.no_grad():
        files = {
            name: _compiled(name, one, {**options, "aot_inductor.output_path": f"{work}/{name}/"})
            for name, one in package.methods.items()
        }
        with path.open("w+b") as file:
            package_pt2(file, aoti_files=files, extra_files=texts)


def _compiled(name: str, method: Method, options: dict[str, Any]) -> list[Any]:
    """Compile a method and return the names of its files, without the sources of the code."""
    from torch._inductor import aot_compile

    program = torch.export.export(
        method.module.eval(), method.inputs, dynamic_shapes=method.dynamic, strict=False
    )
    try:
        files = aot_compile(program.module(), method.inputs, options=options)
    except Exception as error:  # a class of its own for each way that a compiler fails
        raise VoxionError(
            f"The model's method {name} could not be compiled, which needs g++ or clang++ "
            f"({one_line(error, 300)}): install a C++ compiler, or write TorchScript, a name that "
            "ends on .pt."
        ) from None
    assert isinstance(files, list)
    for file in files:
        if str(file).endswith(".so"):
            _forbid_executable_stack(Path(str(file)))
    return [file for file in files if not str(file).endswith(".cpp")]


def _forbid_executable_stack(library: Path) -> None:
    """Take back the demand for an executable stack, which glibc 2.41 and newer refuse to load.

    It comes from the assembler file of the weights, which torch writes without saying that it needs
    none. Offsets are those of 64-bit ELF files.
    """
    content = bytearray(library.read_bytes())
    (table,) = struct.unpack_from("<Q", content, 0x20)
    size, count = struct.unpack_from("<HH", content, 0x36)
    for header in range(table, table + size * count, size):
        kind, flags = struct.unpack_from("<II", content, header)
        if kind == _GNU_STACK:
            struct.pack_into("<I", content, header + 4, flags & ~_EXECUTABLE)
    library.write_bytes(content)


def _processor() -> tuple[str, dict[str, Any]]:
    """Return the kind of processor to compile for, and the options that do so.

    Never for this very processor: other machines of a cluster are to run the package as well.
    """
    options: dict[str, Any] = {
        "aot_inductor.package": True,
        # the number of threads is chosen where the model runs
        "cpp.dynamic_threads": True,
    }
    machine = platform.machine()
    if machine != "x86_64":
        return machine, {**options, "cpp.march": "", "cpp.simdlen": 1}
    if torch.backends.cpu.get_cpu_capability() == "DEFAULT":
        return "x86-64", {**options, "cpp.march": "x86-64", "cpp.simdlen": 1}
    return "x86-64-v3", {**options, "cpp.march": "x86-64-v3", "cpp.simdlen": 256}


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence what the compiler says of its own ways, such as slower code for complex numbers."""
    logger = logging.getLogger("torch._inductor")
    level = logger.level
    logger.setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            logger.setLevel(level)


def _read_contents(path: str | Path) -> dict[str, Any]:
    with zipfile.ZipFile(path) as archive:
        folder = archive.namelist()[0].partition("/")[0]
        contents: dict[str, Any] = json.loads(archive.read(f"{folder}/extra/{PACKAGE_FILE}"))
    return contents
