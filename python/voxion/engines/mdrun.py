"""``gmx mdrun`` with voxion's kernel in it: the checks before, the start, and continuations.

The kernel enters through mdrun's PLUMED interface. It changes the charges of atoms, which mdrun
takes in for the forces within the cutoff when it searches pairs; so it must know on which steps
that is, and needs a run without domain decomposition and with PME on the CPU. For charges that
change between searches it must also know how mdrun divides the Coulomb sum.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

from voxion.contract.schema import ClassifierContract, read_contract
from voxion.engines.build import plugin_folder
from voxion.engines.gromacs import (
    OLDEST_RELEASE,
    Gromacs,
    Options,
    error_words,
    find_gromacs,
    read_atoms,
    read_parameters,
    read_step,
)
from voxion.engines.mdrun_continuation import continued_input, read_charges
from voxion.engines.mpi import ranks
from voxion.errors import VoxionError
from voxion.files import read_text

KERNEL = "libvoxion_gromacs.so"
_MAX_JOBS_BYTES = 2**20
# Dynamics whose pair searches are on multiples of nstlist.
INTEGRATORS = ("md", "md-vv", "md-vv-avek", "sd")


@dataclass(frozen=True)
class Launch:
    """A run that is ready to start.

    Attributes
    ----------
    program : str
        Path of ``gmx``.
    arguments : list of str
        Arguments of ``gmx mdrun``.
    environment : dict
        What it needs beside the environment of this process.
    continues : int, optional
        Step of the checkpoint that a run with other charges than its first continues from.
    """

    program: str
    arguments: list[str]
    environment: dict[str, str]
    continues: int | None = None

    @property
    def command(self) -> list[str]:
        """The command line."""
        return [self.program, "mdrun", *self.arguments]


@dataclass(frozen=True)
class Jobs:
    """The lines of a jobs file that the launcher needs; the kernel reads and checks the rest.

    Attributes
    ----------
    path : Path
    intervals : dict
        Steps between predictions by group, of the `charge` lines.
    pbc : str
        ``xyz`` or ``xy``.
    potentials : bool
        Whether a `charge` line has electrodes at potentials.
    """

    path: Path
    intervals: dict[str, int]
    pbc: str
    potentials: bool

    @property
    def state(self) -> Path:
        """File in which the kernel keeps what belongs to a checkpoint."""
        return self.path.with_name(self.path.name + ".state")


def read_jobs(path: Path) -> Jobs:
    """Read the words of a jobs file that matter before the start.

    Raises
    ------
    VoxionError
        There is no such file, or mdrun would not take it.
    """
    text = read_text(path, "give the jobs file of the run", _MAX_JOBS_BYTES)
    if path.suffix != ".dat":
        raise VoxionError(f"mdrun takes jobs files that end in .dat only; rename {path}.")
    intervals: dict[str, int] = {}
    pbc, potentials = "xyz", False
    for line in text.splitlines():
        match line.partition("#")[0].split():
            case ["charge", group, interval, *more] if re.fullmatch("[0-9]{1,18}", interval):
                intervals[group] = int(interval)
                potentials = potentials or "potential" in more
            case ["pbc", value]:
                pbc = value
    return Jobs(path, intervals, pbc, potentials)


def check_jobs(jobs: Jobs, atoms: int) -> None:
    """Refuse what the kernel would refuse, before mdrun starts and calls it an internal error.

    Parameters
    ----------
    jobs : Jobs
    atoms : int
        Of the run input.

    Raises
    ------
    VoxionError
        The jobs file, its index file, a group or a model is wrong.
    """
    import torch  # noqa: F401  the core needs it in the process

    from voxion import _core

    read = _core.read_mdrun_jobs(str(jobs.path), atoms)
    for electrode in read["charges"]:
        _core.ChargePredictor(electrode["model"], electrode["device"])
    for model in read["classifiers"]:
        read_contract(model, ClassifierContract)


def prepare(
    jobs: str | Path,
    arguments: Sequence[str],
    *,
    program: str = "gmx",
    grompp: str | None = None,
) -> Launch:
    """Check a run and put its command together; for a continuation, make its run input.

    Parameters
    ----------
    jobs : path
        Jobs file of the kernel.
    arguments : sequence of str
        The user's, for mdrun.
    program : str
        ``gmx``.
    grompp : str, optional
        Arguments of ``gmx grompp`` that made the run input.

    Returns
    -------
    Launch

    Raises
    ------
    VoxionError
        Something is missing, or mdrun would not run as the kernel needs it.
    """
    if ranks() > 1:
        raise VoxionError(
            f"voxion mdrun was started on {ranks()} ranks: the kernel works in one process; start "
            "one rank and share its work among threads with -ntomp."
        )
    options = Options(arguments)
    gromacs = find_gromacs(program)
    if not gromacs.knows_plumed:
        raise VoxionError(
            f"GROMACS {OLDEST_RELEASE} or newer is needed, whose mdrun has a PLUMED interface; "
            f"{gromacs.program} is {gromacs.version}."
        )
    kernel = Path(plugin_folder()) / KERNEL
    if not kernel.is_file():
        raise VoxionError(f"{kernel} is missing: install voxion again; 'voxion doctor' tells more.")
    job_list = read_jobs(Path(jobs))
    tpr = options.file("s", "topol.tpr")
    if not tpr.is_file():
        raise VoxionError(
            f"There is no run input {tpr}; make it with gmx grompp, or name it by -s."
        )
    parameters = read_parameters(gromacs, tpr)
    _check_options(options, gromacs)
    _check_run(parameters, job_list, options)
    check_jobs(job_list, read_atoms(gromacs, tpr))

    step = None
    checkpoint = options.file("cpi", "state.cpt") if "cpi" in options else None
    # where there is no checkpoint file, mdrun starts from the beginning
    if checkpoint and checkpoint.is_file() and job_list.intervals:
        step = read_step(gromacs, checkpoint)
        charges = read_charges(job_list.state, step, checkpoint)
        tpr = continued_input(gromacs, tpr, parameters, charges, grompp)

    changes: dict[str, str | None] = {
        "s": str(tpr),
        "plumed": str(job_list.path),
        "pme": "cpu",
        # where mdrun takes no -nstlist, the run input's value stands
        "nstlist": parameters["nstlist"] if _takes_nstlist(parameters) else None,
        "update": "cpu",
    }
    if checkpoint:
        changes["cpi"] = str(checkpoint)
    if gromacs.mpi == "thread_mpi":
        changes["ntmpi"] = "1"
    if "v" not in options and "nov" not in options:
        changes["v"] = ""
    environment = {
        "PLUMED_KERNEL": str(kernel),
        # else mdrun sets the charges to those of the run input at every pair search
        "GMX_DD_SINGLE_RANK": "0",
        "VOXION_MDRUN_OPTIONS": f"-nstlist {parameters['nstlist']} -pme cpu",
    }
    if _between_searches(job_list, parameters):
        environment["VOXION_MDRUN_OPTIONS"] += (
            f" -rcoulomb {parameters['rcoulomb']} -ewald-rtol {parameters['ewald-rtol']}"
        )
        # mdrun would move work between PME and the forces within the cutoff
        changes |= {"tunepme": None, "notunepme": ""}
    words = options.with_values(changes).words()
    return Launch(gromacs.program, words, environment, step)


def start(launch: Launch) -> None:
    """Become mdrun: signals, output and exit status are its own from here on.

    Raises
    ------
    VoxionError
        It cannot be started.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        os.execve(launch.program, launch.command, {**os.environ, **launch.environment})
    except OSError as error:
        raise VoxionError(
            f"{launch.program} cannot be started: {error.strerror or error}."
        ) from None


def _check_options(options: Options, gromacs: Gromacs) -> None:
    """Refuse options of mdrun with which the kernel cannot work."""
    if "plumed" in options:
        raise VoxionError(
            "-plumed is the way in for voxion's jobs file; to run PLUMED beside it, put a line "
            "'plumed FILE kernel LIBRARY' into the jobs file."
        )
    if "multidir" in options:
        raise VoxionError("-multidir is not supported: start one 'voxion mdrun' per simulation.")
    threads = options.value("ntmpi", "1")
    if "ntmpi" in options and (threads != "1" or gromacs.mpi != "thread_mpi"):
        raise VoxionError(
            f"-ntmpi {threads}: the charges need one rank; leave -ntmpi away and share the work "
            "among threads with -ntomp."
        )
    if options.value("pme", "cpu") != "cpu":
        raise VoxionError(
            f"-pme {options.value('pme')}: PME on a GPU does not see charges that change; leave "
            "-pme away, it is run on the CPU."
        )
    if options.value("update", "cpu") != "cpu":
        raise VoxionError(
            f"-update {options.value('update')}: the kernel needs the positions of every step; "
            "leave -update away, it is done on the CPU."
        )


def _check_run(parameters: Mapping[str, str], jobs: Jobs, options: Options) -> None:
    """Refuse run inputs with which the jobs would go wrong."""
    pbc = parameters["pbc"]
    if pbc != jobs.pbc:
        raise VoxionError(
            f"The run input has pbc = {pbc}, the jobs file {jobs.path} has pbc {jobs.pbc} (xyz "
            "where it has no pbc line); make them agree."
        )
    nstlist = parameters["nstlist"]
    asked = options.value("nstlist", nstlist)
    if asked not in ("0", nstlist):
        # mdrun sets other values only where thermostat, Verlet buffer and box allow it, and
        # otherwise goes on with that of the run input after a warning
        raise VoxionError(
            f"-nstlist {asked}: the run input has nstlist = {nstlist}, and mdrun does not always "
            f"follow the option; set nstlist = {asked} in the mdp file and run gmx grompp again."
        )
    if not jobs.intervals:
        return
    if "rerun" in options:
        raise VoxionError(
            "-rerun cannot have charge jobs: a predicted charge acts on the steps after, and a "
            "rerun has none; take the charge lines out of the jobs file."
        )
    if parameters["integrator"] not in INTEGRATORS:
        raise VoxionError(
            f"integrator = {parameters['integrator']} cannot have charge jobs; expected one of "
            f"{', '.join(INTEGRATORS)}."
        )
    for name, off in (("mts", "false"), ("free-energy", "no")):
        if parameters.get(name, off) != off:
            raise VoxionError(
                f"{name} = {parameters[name]} cannot have charge jobs; switch it off in the mdp "
                "file and run gmx grompp again."
            )
    geometry = parameters.get("ewald-geometry", "3d")
    if jobs.potentials and (pbc != "xy" or geometry != "3dc"):
        raise VoxionError(
            f"Electrodes at potentials need pbc = xy and ewald-geometry = 3dc, found pbc = {pbc} "
            f"and ewald-geometry = {geometry}; set them in the mdp file and run gmx grompp again."
        )
    if int(nstlist) < 1:
        raise VoxionError(f"Charge jobs need pair searches: nstlist = {nstlist} must be positive.")
    for group, interval in jobs.intervals.items():
        if interval != 1 and (interval < 1 or interval % int(nstlist)):
            raise VoxionError(
                f"{jobs.path}: charges of {group} every {interval} steps; expected 1 or a multiple "
                f"of nstlist = {nstlist}, the interval of mdrun's pair searches."
            )
    if _between_searches(jobs, parameters):
        _check_between_searches(parameters)


def _between_searches(jobs: Jobs, parameters: Mapping[str, str]) -> bool:
    """Return True if charges change between pair searches."""
    return any(interval % int(parameters["nstlist"]) for interval in jobs.intervals.values())


def _check_between_searches(parameters: Mapping[str, str]) -> None:
    """Refuse run inputs whose forces the kernel could not complete."""
    for name, needed in (("coulombtype", "PME"), ("epsilon-r", "1"), ("pcoupl", "No")):
        found = parameters.get(name, needed)
        if found.lower() != needed.lower():
            raise VoxionError(
                f"{name} = {found}: charges that change between pair searches need {name} = "
                f"{needed}; set it in the mdp file, or take a multiple of nstlist = "
                f"{parameters['nstlist']} as the interval."
            )


def _takes_nstlist(parameters: Mapping[str, str]) -> bool:
    """Return True if mdrun takes the option -nstlist; without it, mdrun stops with an error."""
    return (
        parameters["integrator"] in (*INTEGRATORS, "bd")
        and float(parameters["verlet-buffer-tolerance"]) > 0
    )


# Options of mdrun with the name of a file.
_FILES = frozenset(
    "s cpi table tablep tableb rerun ei awh plumed membed mp mn o x cpo c e g dhdl field tpi tpid "
    "eo px pf ro ra rs rt mtx if swap deffnm".split()
)


def gmxapi_arguments(launch: Launch) -> tuple[str, dict[str, str | list[str] | None]]:
    """Run input and options as ``gmxapi.mdrun`` takes them; it runs in a folder of its own."""
    options = Options(launch.arguments)
    files = {
        name: str(Path(options.value(name)).resolve()) for name in _FILES if options.value(name)
    }
    arguments = options.with_values(files).dictionary()
    return str(arguments.pop("-s")), arguments


# Runs in a process of its own, since an error of the kernel ends the process.
_RUN_GMXAPI = """
import json, sys, gmxapi
tpr, arguments = json.loads(sys.argv[1])
gmxapi.mdrun(input=gmxapi.read_tpr(tpr), runtime_args=arguments).run()
"""
_GMXAPI_FOLDERS = "mdrun_*"


def check_gmxapi(jobs: str | Path, launch: Launch) -> None:
    """Refuse what does not work in the folder that gmxapi makes for a run.

    Raises
    ------
    VoxionError
        The run is a continuation, a folder of an earlier run is there, or the jobs file has paths
        that are relative to another folder.
    """
    if "-cpi" in launch.arguments:
        raise VoxionError(
            "--gmxapi cannot continue a run (-cpi): start gmx mdrun, without --gmxapi."
        )
    if earlier := sorted(Path.cwd().glob(_GMXAPI_FOLDERS)):
        raise VoxionError(
            f"gmxapi would continue the run in {earlier[0].name}: remove this folder, or start in "
            "another one."
        )
    text = read_text(Path(jobs), "give the jobs file of the run", _MAX_JOBS_BYTES)
    relative = [path for path in _paths(text) if not Path(path).is_absolute()]
    if relative:
        raise VoxionError(
            f"{jobs} names {relative[0]}, which gmxapi would look for in a folder of its own: "
            "write absolute paths."
        )


def _paths(jobs: str) -> Iterator[str]:
    """Return the files that a jobs file names."""
    for line in jobs.splitlines():
        words = line.partition("#")[0].split()
        match words:
            case ["index", path] | ["charge", _, _, path, *_] | ["plumed", path, *_]:
                yield path
        for keyword, path in pairwise(words):
            if keyword in ("file", "classify", "output", "model", "kernel"):
                yield path
            elif keyword == "potential" and path.endswith(".xvg"):
                yield path


def start_in_gmxapi(launch: Launch) -> None:
    """Run through the gmxapi package, in a folder that it makes.

    Raises
    ------
    VoxionError
        The package is not there, or the run failed.
    """
    if find_spec("gmxapi") is None:
        raise VoxionError(
            "--gmxapi needs the Python package gmxapi, built against your GROMACS: source GMXRC, "
            "then 'pip install gmxapi' with an MPI compiler on the PATH. Without --gmxapi, "
            "gmx mdrun is started itself."
        )
    run = subprocess.run(
        [sys.executable, "-c", _RUN_GMXAPI, json.dumps(gmxapi_arguments(launch))],
        env={**os.environ, **launch.environment},  # before libgromacs is loaded
        check=False,
    )
    if run.returncode == 0:
        return
    told = [
        path.read_text(errors="replace")
        for path in Path.cwd().glob(f"{_GMXAPI_FOLDERS}/stderr.txt")
    ]
    words = error_words(told[-1]) if told else f"it ended with status {run.returncode}"
    raise VoxionError(f"gmxapi stopped: {words}")
