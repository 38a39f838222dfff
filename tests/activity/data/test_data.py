import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from voxion.activity.data.table import DESCRIPTORS, ActivityData, read_activity
from voxion.activity.demo import DEMO
from voxion.errors import VoxionError

Rows = list[dict[str, str]]


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., tuple[Path, Path]]:
    """Writes the embedded data set, changed."""

    def rows_of(name: str) -> Rows:
        with (DEMO / name).open() as file:
            return list(csv.DictReader(line for line in file if not line.startswith("#")))

    def files(change: Callable[[Rows, Rows], None]) -> tuple[Path, Path]:
        data, molecules = rows_of("activity.csv"), rows_of("molecules.csv")
        change(data, molecules)
        for name, rows in (("activity.csv", data), ("molecules.csv", molecules)):
            with (tmp_path / name).open("w", newline="") as file:
                writer = csv.DictWriter(file, list(rows[0]))
                writer.writeheader()
                writer.writerows(rows)
        return tmp_path / "activity.csv", tmp_path / "molecules.csv"

    return files


def test_published_data_are_read(published: ActivityData) -> None:
    assert len(published) == 80
    assert len(set(published.polymers)) == 12
    assert len(set(published.pairs)) == 18
    row = published.take([70])
    assert row.pairs[0] == "XLAPn4_9p/NaCl"
    assert row.measured[0] == pytest.approx(1.534674411)
    # the order of the columns is the file's
    np.testing.assert_allclose(
        row.numbers[0],
        [3.198, 2.35, 16.71, 5.47, 3.55, 2.75, 1.58, 1.48, 3.25, 2.35, 3.86, 0.03, 0.01, 53],
    )


def test_coefficients_may_be_missing_for_predictions(write: Callable) -> None:
    def drop(data: Rows, molecules: Rows) -> None:
        for row in data:
            del row["gamma_exp"]

    files = write(drop)
    data = read_activity(*files, measured=False)
    assert data.gamma is None
    assert data.take([1, 2]).gamma is None
    with pytest.raises(VoxionError, match="lacks the column gamma_exp"):
        read_activity(*files)
    with pytest.raises(VoxionError, match="measured coefficients are needed"):
        _ = data.measured


@pytest.mark.parametrize("column", ["water_per_ion", "salt_conc_M", "gamma_exp", *DESCRIPTORS])
@pytest.mark.parametrize("text", ["nan", "inf", "x", "", "-1"])
def test_bad_numbers_are_named_with_their_line(write: Callable, column: str, text: str) -> None:
    files = write(lambda data, molecules: data[2].update({column: text}))
    with pytest.raises(VoxionError, match=f"activity.csv, line 4: {column} is '{text}'"):
        read_activity(*files)


@pytest.mark.parametrize("smiles", ["[Qq+].[Cl-]", "C1CC", "[*]CC[*]"])
def test_bad_smiles_are_named_with_their_line(write: Callable, smiles: str) -> None:
    files = write(lambda data, molecules: molecules[1].update(smiles=smiles))
    with pytest.raises(VoxionError, match=r"molecules\.csv, line 3: polymer SS25-block: "):
        read_activity(*files)


def test_zero_is_no_concentration(write: Callable) -> None:
    with pytest.raises(VoxionError, match="salt_conc_M is '0'; a positive number"):
        read_activity(*write(lambda data, molecules: data[0].update(salt_conc_M="0")))


def test_a_row_that_is_there_twice_is_refused(write: Callable) -> None:
    files = write(lambda data, molecules: data.append(dict(data[3])))
    with pytest.raises(VoxionError, match="is already on line 5"):
        read_activity(*files)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data, molecules: molecules.pop(0), "has no SMILES in"),
        (lambda data, molecules: molecules.append(dict(molecules[0])), "is there twice"),
        (lambda data, molecules: molecules[1].update(smiles=" "), "line 3: smiles is empty"),
        (lambda data, molecules: molecules[1].update(kind="ion"), "polymer or salt is expected"),
    ],
)
def test_molecules_are_checked(write: Callable, change: Callable, message: str) -> None:
    with pytest.raises(VoxionError, match=message):
        read_activity(*write(change))


def test_files_that_are_no_table(tmp_path: Path) -> None:
    molecules = DEMO / "molecules.csv"
    with pytest.raises(VoxionError, match=r"nothing\.csv cannot be read"):
        read_activity(tmp_path / "nothing.csv", molecules)
    path = tmp_path / "activity.csv"
    path.write_bytes(b"\xff\xfe\x00polymer")
    with pytest.raises(VoxionError, match="is text in UTF-16: save it as CSV"):
        read_activity(path, molecules)
    path.write_text("polymer,salt\na,b,c\n")
    with pytest.raises(VoxionError, match="lacks the column water_per_ion"):
        read_activity(path, molecules)
    header = (DEMO / "activity.csv").read_text().splitlines()[0]
    path.write_text(header + "\n")
    with pytest.raises(VoxionError, match="has no rows"):
        read_activity(path, molecules)
    path.write_text(header + "\na,b,1\n")
    with pytest.raises(VoxionError, match="line 2: another number of cells"):
        read_activity(path, molecules)
    path.write_bytes(b"\xfa\xfbpolymer")
    with pytest.raises(VoxionError, match="not a CSV file in UTF-8"):
        read_activity(path, molecules)
    text = (DEMO / "activity.csv").read_text()
    for separator, name in ((";", "semicolons"), ("\t", "tabs")):
        path.write_text(text.replace(",", separator))
        with pytest.raises(
            VoxionError, match=f"separates its columns by {name}: separate"
        ) as error:
            read_activity(path, molecules)
        assert len(str(error.value)) < 200
    path.write_text(text.replace("water_per_ion", "polymer", 1))
    with pytest.raises(VoxionError, match="has the column polymer twice"):
        read_activity(path, molecules)
    path.write_text(text.replace("polymer", "Polymer", 1))
    with pytest.raises(VoxionError, match="lacks the column polymer: it has Polymer"):
        read_activity(path, molecules)
    path.write_bytes(b"PK\x03\x04" + bytes(100))
    with pytest.raises(VoxionError, match="is an Excel or other packed file: save it as CSV"):
        read_activity(path, molecules)
    path.write_text("\ufeff" + text, encoding="utf-8")
    assert len(read_activity(path, molecules)) == 96


def test_numbers_of_other_countries_and_languages(write: Callable) -> None:
    for text, message in (
        ("1,5", "with a decimal point is expected"),
        ("1_000", "a finite number up to"),
        ("1e300", "a finite number up to"),
    ):
        files = write(lambda data, molecules, text=text: data[2].update(water_per_ion=text))
        with pytest.raises(VoxionError, match=f"line 4: water_per_ion is '{text}'; .*{message}"):
            read_activity(*files)


@pytest.mark.parametrize(
    ("smiles", "message"),
    [
        ("block: [*]CC([*])c1ccc(S(=O)(=O)[O-])cc1.[Na+] x 4", "2 parts, one of them '.Na\\+.'"),
        ("CC(C)c1ccc(C[N+](C)(C)C)cc1.[OH-]", "2 parts, one of them '.OH-.': write it without"),
        ("block: [*]CC([*])c1ccc(S(=O)(=O)O)cc1 x 4", "is in its acid form: write its tethered"),
        ("CCC(=O)O", "is in its acid form"),
        ("CCCCCC", "has no charge: write its tethered groups ionised"),
        ("{[$]CC([$])c1ccccc1[$]}", "is BigSMILES, which is not read: write 'random: "),
        ("[R1]CC[R2]", "RDKit cannot read the SMILES .* ends of repeat units are written"),
        ("[2H]C([2H])C[N+](C)(C)C", "isotopes of H, which the models do not know"),
        ("Nafion", "RDKit cannot read the SMILES 'Nafion'"),
        ("C" * 30_000, "30000 characters are no SMILES"),
        ("block: [*]CC[*] x 99999999999", "is not a repeat unit and its number"),
        ("block: [*]" + "C" * 300 + "[*] x 500", "more than 20000 atoms"),
    ],
)
def test_polymers_written_otherwise_are_told_what_to_write(
    write: Callable, smiles: str, message: str
) -> None:
    files = write(lambda data, molecules: molecules[1].update(smiles=smiles))
    with pytest.raises(VoxionError, match=message) as error:
        read_activity(*files)
    assert "molecules.csv, line 3: polymer SS25-block" in str(error.value)
    assert "\n" not in str(error.value) and len(str(error.value)) < 500
