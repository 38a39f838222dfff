"""Charges from DFTB+: Mulliken charges of the sheet in the field of the electrolyte's charges.

The program, Hourahine et al., J. Chem. Phys. 152, 124101 (2020), 10.1063/1.5143190, and its
Slater-Koster file are the user's. One run of it is one frame. The set-up is that of Di Pasquale et
al., J. Chem. Theory Comput. 17, 4477 (2021), 10.1021/acs.jctc.1c00360.
"""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from queue import Empty, SimpleQueue
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voxion.charges.data.dataset import ChargeDataset
from voxion.charges.sampling.coupling import couple
from voxion.charges.sampling.dftb_files import DEFAULTS, PARAMETER_FILE, ChargedSheet, DftbSettings
from voxion.charges.sampling.dftb_run import calculate, dftb_release, find_dftb
from voxion.charges.sampling.labels import check_sources
from voxion.charges.sampling.run import load_configuration
from voxion.engines.lammps import cell_of, gather, in_group, lammps_session
from voxion.errors import VoxionError
from voxion.files import read_bytes
from voxion.systems.description import load_system

# Height of DFTB+'s cell over that of a box that is bounded along z: DFTB+ knows no slabs, so the
# electrolyte and its images are kept apart by as much vacuum.
CELL_OVER_BOX = 2.0
_ADVICE = "give the folder of the Slater-Koster files, such as the set mio-1-1 of dftb.org"


class DftbLabels:
    """Label source: DFTB+ on the sheet of one built system.

    Use it as a context manager: it keeps its calculations in folders of its own until then. `label`
    may be called from several threads; each begins with the charges of a frame before.

    Parameters
    ----------
    system : path
        Folder of a built system.
    parameters : path
        Folder with the Slater-Koster file ``C-C.skf``.
    settings : DftbSettings
    threads : int
        OpenMP threads of one DFTB+.

    Raises
    ------
    VoxionError
        No such system, one with two sheets, no ``dftb+`` on the PATH, or no Slater-Koster file.
    """

    def __init__(
        self,
        system: str | Path,
        parameters: str | Path,
        settings: DftbSettings = DEFAULTS,
        *,
        threads: int = 1,
    ) -> None:
        self.folder = Path(system).resolve()
        self.description = load_system(self.folder)
        if self.description.capacitor:
            raise VoxionError(
                f"{self.folder} has two sheets: DFTB+ gives them one Fermi level and cannot hold "
                "the charge of each. Build it with one sheet, or label with ELECTRODE."
            )
        self.program = find_dftb()
        self.release = dftb_release(self.program)
        self.parameters = _parameter_file(parameters)
        self.threads = threads
        self.calculation = settings
        self.sheet = self._read_sheet()
        self._stack = ExitStack()
        self._folders: SimpleQueue[Path] = SimpleQueue()

    @property
    def settings(self) -> dict[str, Any]:
        """Name of the method and everything that its charges depend on."""
        digest = sha256(read_bytes(self.parameters, _ADVICE)).hexdigest()
        return {
            "name": "dftb+",
            "release": self.release,
            "parameters": {PARAMETER_FILE: f"sha256:{digest}"},
            **asdict(self.calculation),
            "k_points": "Gamma",
            "total_charge": self.sheet.total_charge,
            "cell": self.sheet.cell.tolist(),
            "point_charges": {s.name: s.charge for s in self.description.species},
        }

    @property
    def sources(self) -> int:
        """Number of electrolyte atoms."""
        return len(self.sheet.source_charges)

    @property
    def surface_positions(self) -> NDArray[np.float64]:
        """Positions of the carbon atoms, [M, 3], angstrom."""
        return self.sheet.positions

    def __enter__(self) -> DftbLabels:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove the folders of the calculations."""
        self._folders = SimpleQueue()
        self._stack.close()

    def label(self, source_positions: NDArray[np.floating]) -> NDArray[np.float64]:
        """Charges of the sheet for one configuration of the electrolyte.

        Parameters
        ----------
        source_positions : ndarray [N, 3]
            Angstrom, ascending atom ID.

        Returns
        -------
        ndarray [M]
            e; the total is exact.

        Raises
        ------
        NotLabelled
            The charges did not become self-consistent.
        VoxionError
            Wrong number of atoms, atoms outside the bounds along z, or an error of DFTB+.
        """
        check_sources(self.description, source_positions)
        folder = self._take_folder()
        try:
            return calculate(
                self.program,
                folder,
                self.sheet,
                np.asarray(source_positions, np.float64),
                self.calculation,
                self.threads,
            )
        finally:
            self._folders.put(folder)

    def sample(
        self,
        output: str | Path,
        frames: int,
        interval: float,
        *,
        start: str | Path | None = None,
        settle: float = 5.0,
        resume: bool = False,
        progress: bool = True,
    ) -> ChargeDataset:
        """Run NVT with these charges, new ones every `interval`; see `couple`."""
        return couple(
            self,
            self.folder,
            output,
            frames,
            interval,
            settle=settle,
            start=start,
            resume=resume,
            progress=progress,
        )

    def _take_folder(self) -> Path:
        try:
            return self._folders.get_nowait()
        except Empty:
            folder = Path(self._stack.enter_context(TemporaryDirectory(prefix="voxion-dftb-")))
            # beside the input, since DFTB+ cuts off long paths
            shutil.copy(self.parameters, folder / PARAMETER_FILE)
            return folder

    def _read_sheet(self) -> ChargedSheet:
        with lammps_session() as engine:
            load_configuration(engine, self.folder, self.folder / "system.data")
            surface, sources = in_group(engine, "surface"), in_group(engine, "electrolyte")
            positions, charges = gather(engine, "x"), gather(engine, "q")
            cell, _ = cell_of(engine)
        if not self.description.periodic[2]:
            cell[2] *= CELL_OVER_BOX
        return ChargedSheet(
            positions[surface], cell, self.description.surfaces[0].charge, charges[sources]
        )


def _parameter_file(folder: str | Path) -> Path:
    path = Path(folder).resolve() / PARAMETER_FILE
    if not path.is_file():
        raise VoxionError(f"{path} does not exist: {_ADVICE}.")
    return path
