"""GROMACS: finding it, running its tools, and reading what they print of its binary files."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryFile

from voxion.engines.mpi import without_rank
from voxion.errors import VoxionError, one_line

# The first release whose mdrun has a PLUMED interface of its own.
OLDEST_RELEASE = 2025

_INTEGER, _REAL = "-?[0-9]{1,18}", r"-?[0-9]+(\.[0-9]+)?(e[-+]?[0-9]+)?"
# Parameters that are asked for, and what they look like.
_NEEDED = {
    "integrator": r"[\w-]+",
    "nsteps": _INTEGER,
    "nstlist": _INTEGER,
    "pbc": r"[\w-]+",
    "verlet-buffer-tolerance": _REAL,
    "ld-seed": _INTEGER,
    "rcoulomb": _REAL,
    "ewald-rtol": _REAL,
}


@dataclass(frozen=True)
class Gromacs:
    """A GROMACS that starts.

    Attributes
    ----------
    program : str
        Path of ``gmx``.
    version : str
        As it tells, such as 2025.2.
    mpi : str
        ``thread_mpi``, ``mpi`` or ``none``.
    """

    program: str
    version: str
    mpi: str

    @property
    def knows_plumed(self) -> bool:
        """True if the release is one whose mdrun has the option ``-plumed``."""
        year = re.match(r"[0-9]{4}(?![0-9])", self.version)
        return year is not None and int(year.group()) >= OLDEST_RELEASE


class Options:
    """Options of a tool of GROMACS, told from their values as GROMACS does.

    Parameters
    ----------
    arguments : sequence of str
    """

    def __init__(self, arguments: Sequence[str]) -> None:
        self._items: list[tuple[str, list[str]]] = []
        for word in arguments:
            # numbers are no options; two dashes are as good as one
            if option := re.fullmatch(r"--?(?![\d.]+(?:e[-+]?\d+)?$)(\w[\w-]*)", word):
                self._items.append((option.group(1), []))
            elif self._items:
                self._items[-1][1].append(word)
            else:
                raise VoxionError(f"Expected options of GROMACS, which begin with -, found {word}.")

    def __contains__(self, name: str) -> bool:
        return any(name == found for found, _ in self._items)

    def value(self, name: str, default: str = "") -> str:
        """First value of an option; `default` where it or its value is not given."""
        return next(
            (values[0] for found, values in self._items if found == name and values), default
        )

    def file(self, name: str, default: str) -> Path:
        """File of an option: -deffnm names it where the option does not; suffixes are added."""
        default_stem, dot, suffix = default.rpartition(".")
        path = self.value(name, self.value("deffnm", default_stem))
        return Path(path if path.endswith(dot + suffix) else path + dot + suffix)

    def with_values(self, changes: Mapping[str, str | None]) -> Options:
        """Copy with other values: none takes an option away, an empty one is a flag."""
        copy = Options([])
        copy._items = [item for item in self._items if item[0] not in changes]
        for name, value in changes.items():
            if value is not None:
                copy._items.append((name, [value] if value else []))
        return copy

    def dictionary(self) -> dict[str, str | list[str] | None]:
        """Values by option, dash included, as gmxapi takes them."""
        return {
            f"-{name}": None if not values else values[0] if len(values) == 1 else values
            for name, values in self._items
        }

    def words(self) -> list[str]:
        """Return the words of the command line."""
        return [word for name, values in self._items for word in (f"-{name}", *values)]


def find_gromacs(program: str = "gmx") -> Gromacs:
    """Find GROMACS and ask for its version.

    Parameters
    ----------
    program : str
        Name on the PATH, or path.

    Raises
    ------
    VoxionError
        There is none, or it does not start.
    """
    found = shutil.which(program)
    if found is None:
        raise VoxionError(
            f"GROMACS was not found: there is no program {program!r}; put it on the PATH (source "
            "GMXRC) or name it with --gmx."
        )
    answer = _run([found, "--version"])
    facts = dict(re.findall(r"^([^:\n]+?): +(.+?) *$", answer.stdout, re.MULTILINE))
    if answer.returncode != 0 or "GROMACS version" not in facts:
        lines = (answer.stderr or answer.stdout).strip().splitlines()
        reason = lines[-1] if lines else "it says nothing"
        raise VoxionError(f"{found} does not start as GROMACS does: {reason}")
    return Gromacs(found, facts["GROMACS version"], facts.get("MPI library", "none").lower())


def run_tool(gromacs: Gromacs, *arguments: str) -> None:
    """Run a tool of GROMACS.

    Raises
    ------
    VoxionError
        It ended with an error; the message has its words.
    """
    run = _run([gromacs.program, "-quiet", *arguments])
    if run.returncode != 0:
        words = error_words(run.stdout + run.stderr)
        raise VoxionError(f"gmx {arguments[0]} stopped: {words}")


def error_words(output: str) -> str:
    """Find what a tool of GROMACS names as its errors; in one line."""
    # grompp tells its errors and warnings first, and counts them in the fatal error
    parts = re.findall(r"^((?:ERROR|WARNING) \d+ .*?)\n\s*\n", output, re.MULTILINE | re.DOTALL)
    fatal = re.search(
        r"^Program: .*?\n\n(?:Fatal error:\n)?(.*?)(?:\n\nFor more information|\Z)",
        output,
        re.MULTILINE | re.DOTALL,
    )
    if fatal:
        parts.append(fatal.group(1))
    text = " ".join(" ".join(parts).split())
    return text or " ".join(output.strip().splitlines()[-1:]) or "it says nothing"


def read_parameters(gromacs: Gromacs, tpr: Path) -> dict[str, str]:
    """Parameters of a run input: what ``gmx dump -s`` prints under `inputrec`.

    Parameters
    ----------
    gromacs : Gromacs
    tpr : Path

    Returns
    -------
    dict
        Values as printed; of parameters of the same name, as modules have, the first.

    Raises
    ------
    VoxionError
        gmx cannot read the file, or prints none of the parameters that voxion asks for.
    """
    parameters: dict[str, str] = {}
    with closing(_dump(gromacs, "-s", tpr)) as lines:
        for line in lines:
            if line.startswith("header:"):
                _check_parameters(parameters, tpr)
                return parameters
            name, equals, value = line.partition(" = ")
            if equals:
                parameters.setdefault(name.strip(), value.strip())
    raise VoxionError(f"{tpr} holds no parameters of a run: make it with gmx grompp.")


def _check_parameters(parameters: Mapping[str, str], tpr: Path) -> None:
    for name, form in _NEEDED.items():
        found = parameters.get(name)
        if found is None or not re.fullmatch(form, found):
            raise VoxionError(
                f"{tpr}: gmx dump prints {name} = {one_line(found or 'nothing', 40)!r}, which is "
                "no value of it: make the run input again with gmx grompp."
            )


def read_atoms(gromacs: Gromacs, tpr: Path) -> int:
    """Return the number of atoms of a run input."""
    with closing(_dump(gromacs, "-s", tpr)) as lines:
        for line in lines:
            if match := re.match(r" +natoms = ([0-9]{1,9})$", line):
                return int(match.group(1))
    raise VoxionError(f"{tpr} does not state its atoms: make it again with gmx grompp.")


def read_step(gromacs: Gromacs, checkpoint: Path) -> int:
    """Step of a checkpoint file."""
    with closing(_dump(gromacs, "-cp", checkpoint)) as lines:
        for line in lines:
            if match := re.match(r"step = ([0-9]{1,18})$", line):
                return int(match.group(1))
    raise VoxionError(f"{checkpoint} has no step: it is not a checkpoint file of mdrun.")


def difference_beyond_charges(gromacs: Gromacs, first: Path, second: Path) -> str | None:
    """Tell how two run inputs differ in their parameters, topology or box.

    Charges of atoms may differ, positions and velocities as well: those are the checkpoint's.

    Returns
    -------
    str, optional
        The first difference; none where there is none.
    """
    with closing(_dump(gromacs, "-s", first)) as one, closing(_dump(gromacs, "-s", second)) as two:
        next(one, None), next(two, None)  # the names of the files
        for left, right in zip_longest(map(_no_charge, one), map(_no_charge, two), fillvalue=""):
            if left != right:
                return f"'{' '.join(left.split())}' and '{' '.join(right.split())}'"
            if left.startswith("x ("):
                break
    return None


def _no_charge(line: str) -> str:
    return re.sub(r"\b(qB?)=\s*[-+.\w]+", r"\1=", line) if " q=" in line else line


def _dump(gromacs: Gromacs, option: str, file: Path) -> Generator[str, None, None]:
    """Lines that ``gmx dump`` prints; close the iterator to end it early."""
    command = [gromacs.program, "-quiet", "dump", option, str(file)]
    with (
        TemporaryFile("w+", errors="replace") as errors,
        subprocess.Popen(
            command,
            env=without_rank(),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            errors="replace",
        ) as process,
    ):
        try:
            assert process.stdout is not None
            for line in process.stdout:
                yield line.rstrip("\n")
            if process.wait() != 0:
                errors.seek(0)
                raise VoxionError(f"gmx dump cannot read {file}: {error_words(errors.read())}")
        finally:
            process.kill()


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command,
            env=without_rank(),
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise VoxionError(f"{command[0]} cannot be run: {error.strerror or error}.") from None
