"""The files of one DFTB+ calculation: input, geometry, point charges; and the charges it gives.

Keywords as in the DFTB+ manual. Lengths are in angstrom, charges in e.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from string import Template

import numpy as np
from numpy.typing import NDArray

from voxion.errors import VoxionError, one_line
from voxion.files import read_text

PARAMETER_FILE = "C-C.skf"
INPUT_FILE, RESULTS_FILE, RESTART_FILE = "dftb_in.hsd", "results.tag", "charges.bin"

# The parser's version is that of DFTB+ 22.2; later releases read it as it was meant then.
_INPUT = Template("""\
Geometry = GenFormat {
  <<< "geo.gen"
}
Hamiltonian = DFTB {
  SCC = Yes
  SCCTolerance = $scc_tolerance
  MaxSCCIterations = $max_iterations
  EwaldTolerance = $ewald_tolerance
  Charge = $total_charge
  ReadInitialCharges = $restart
  MaxAngularMomentum {
    C = "p"
  }
  SlaterKosterFiles = Type2FileNames {
    Prefix = "./"
    Separator = "-"
    Suffix = ".skf"
  }
  Filling = Fermi {
    Temperature [K] = $temperature
  }
  KPointsAndWeights = {
    0.0 0.0 0.0 1.0
  }
  Mixer = Broyden {
    MixingParameter = $mixing
  }
  ElectricField = {
    PointCharges = {
      CoordsAndCharges [Angstrom] = DirectRead {
        Records = $point_charges
        File = "pc.dat"
      }
    }
  }
  Solver = DivideAndConquer {}
}
Options {
  WriteResultsTag = Yes
  WriteDetailedOut = No
  WriteChargesAsText = No
}
Analysis {
  CalculateForces = No
  MullikenAnalysis = Yes
}
ParserOptions {
  ParserVersion = 12
}
""")

_HEADER = re.compile(r"^gross_atomic_charges *:(.*)$", re.MULTILINE)
_NEXT_TAG = re.compile(r"^[A-Za-z]", re.MULTILINE)
_NUMBER = re.compile(r"[-+]?[0-9]*\.?[0-9]+([Ee][-+]?[0-9]+)?")
# A carbon has 4 valence electrons and room for 8; Mulliken charges exceed that in no real sheet.
_LARGEST_CHARGE = 8.0  # e
_ADVICE = "look at what DFTB+ says in its output, and run it again"


@dataclass(frozen=True)
class DftbSettings:
    """Settings of a DFTB+ calculation at the Gamma point.

    Attributes
    ----------
    scc_tolerance : float
        Largest change of a charge in the last iteration, e.
    max_iterations : int
        Largest number of iterations of the self-consistent charges.
    mixing : float
        Parameter of the Broyden mixer.
    ewald_tolerance : float
        Tolerance of the Ewald sums over the point charges; 1e-5 and 1e-9 give the same charges to
        1e-4 e.
    temperature : float
        Temperature of the electrons (Fermi filling), K.
    """

    scc_tolerance: float = 1e-4
    max_iterations: int = 200
    mixing: float = 0.1
    ewald_tolerance: float = 1e-5
    temperature: float = 300.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not 0 < value < math.inf:
                raise VoxionError(f"{name} must be positive, found {value}.")


DEFAULTS = DftbSettings()


@dataclass(frozen=True)
class ChargedSheet:
    """Content that does not change from frame to frame.

    Attributes
    ----------
    positions : ndarray [M, 3]
        Positions of the carbon atoms.
    cell : ndarray [3, 3]
        Lattice vectors in rows; DFTB+ is periodic along all three.
    total_charge : float
        Total charge of the carbon atoms.
    source_charges : ndarray [N]
        Charges of the electrolyte atoms.
    """

    positions: NDArray[np.float64]
    cell: NDArray[np.float64]
    total_charge: float
    source_charges: NDArray[np.float64]


def write_calculation(
    folder: Path,
    sheet: ChargedSheet,
    source_positions: NDArray[np.floating],
    settings: DftbSettings,
    *,
    restart: bool = False,
) -> None:
    """Write ``dftb_in.hsd``, ``geo.gen`` and ``pc.dat``.

    Parameters
    ----------
    folder : Path
        Exists, and has the Slater-Koster file.
    sheet : ChargedSheet
    source_positions : ndarray [N, 3]
        Any periodic image does: DFTB+ folds point charges into its cell.
    settings : DftbSettings
    restart : bool
        Begin with the charges of the ``charges.bin`` in the folder.
    """
    text = _INPUT.substitute(
        vars(settings),
        total_charge=sheet.total_charge,
        restart="Yes" if restart else "No",
        point_charges=len(sheet.source_charges),
    )
    (folder / INPUT_FILE).write_text(text)
    atoms = [
        f"{number} 1 {x:.8f} {y:.8f} {z:.8f}"
        for number, (x, y, z) in enumerate(sheet.positions, start=1)
    ]
    lattice = [f"{x:.8f} {y:.8f} {z:.8f}" for x, y, z in sheet.cell]
    lines = [f"{len(atoms)} S", "C", *atoms, "0 0 0", *lattice]
    (folder / "geo.gen").write_text("\n".join(lines) + "\n")
    points = np.column_stack([source_positions, sheet.source_charges])
    np.savetxt(folder / "pc.dat", points, fmt="%.6f")


def read_charges(results: Path, atoms: int) -> NDArray[np.float64]:
    """Mulliken charges of the atoms from ``results.tag``.

    The tag ``gross_atomic_charges`` is the charge of the core less that of the electrons: atoms
    with a surplus of electrons are negative.

    Parameters
    ----------
    results : Path
    atoms : int
        Number of atoms, M.

    Returns
    -------
    ndarray [M]

    Raises
    ------
    VoxionError
        The file is no text, has no charges or some twice, or not of so many atoms; or one is not a
        number that a charge can be.
    """
    text = read_text(results, _ADVICE)
    headers = list(_HEADER.finditer(text))
    if len(headers) != 1:
        found = f"{len(headers)} times" if headers else "nowhere"
        raise VoxionError(
            f"{results}: expected gross_atomic_charges once, found it {found}; {_ADVICE}."
        )
    header = headers[0]
    announced = header.group(1).strip()
    values = _NEXT_TAG.split(text[header.end() :], maxsplit=1)[0]
    words = values.split()
    # without a line break at the end, the last number may be cut off
    if announced != f"real:1:{atoms}" or len(words) != atoms or not values.endswith("\n"):
        raise VoxionError(
            f"{results}: expected gross_atomic_charges of {atoms} atoms, real:1:{atoms}, found "
            f"{one_line(announced, 40)!r} announced and {len(words)} numbers; {_ADVICE}."
        )
    for atom, word in enumerate(words, start=1):
        if not _NUMBER.fullmatch(word) or abs(float(word)) > _LARGEST_CHARGE:
            raise VoxionError(
                f"{results}: expected the charge of atom {atom}, between {-_LARGEST_CHARGE:g} and "
                f"{_LARGEST_CHARGE:g} e, found {one_line(word, 40)!r}; {_ADVICE}."
            )
    return np.array(words, np.float64)
