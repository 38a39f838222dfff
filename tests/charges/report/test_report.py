"""The report: one self-contained file that says what the scores say, and wrong inputs."""

import base64
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
import typer
from typer.testing import CliRunner

from tests.charges.reference import LinearSystem
from voxion.charges.data.dataset_writer import ChargeDatasetWriter
from voxion.charges.data.opening import open_dataset
from voxion.charges.evaluation.scores import score
from voxion.charges.report.page import make_report, model_names
from voxion.charges.report.tables import score_cells, species_labels
from voxion.cli.charges_report import parse_runs, report
from voxion.errors import VoxionError

# Elements that a browser loads on its own, with the attribute that names what it loads.
LOADING = {
    "img": "src",
    "script": "src",
    "link": "href",
    "iframe": "src",
    "source": "src",
    "object": "data",
    "embed": "src",
    "video": "src",
    "audio": "src",
}
ODD_TITLE = '<img src="http://example.org/x.png">'


class Page(HTMLParser):
    """The resources that a page loads, its images, and its text."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.images: list[str] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.source = path.read_text(encoding="utf-8")
        self.feed(self.source)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.loaded += [values[LOADING[tag]]] if tag in LOADING else []
        self.images += [values["src"]] if tag == "img" else []
        self.open += [] if tag in ("img", "meta", "link") else [tag]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words += [data] if "style" not in self.open else []


@pytest.fixture(scope="module")
def two_models(linear_training, ion_positions_training, tmp_path_factory) -> tuple[Path, Path]:
    """A site-potentials model and the paper's network, under their own names."""
    folder = tmp_path_factory.mktemp("models")
    names = ("local.pt", "paper.pt")
    for name, (result, _) in zip(names, (linear_training, ion_positions_training), strict=True):
        shutil.copy(result.model_path, folder / name)
    return folder / names[0], folder / names[1]


@pytest.fixture(scope="module")
def other_run(tmp_path_factory) -> Path:
    """Another run of the linear system."""
    path = tmp_path_factory.mktemp("runs") / "other.zarr"
    LinearSystem(seed=5).dataset(path, 20)
    return path


@pytest.fixture(scope="module")
def few_frames(linear_dataset, tmp_path_factory) -> Path:
    """Four frames of the linear system under an odd title."""
    data = open_dataset(linear_dataset)
    path = tmp_path_factory.mktemp("few") / "few.zarr"
    writer = ChargeDatasetWriter(
        path,
        surface_positions=data.surface_positions,
        source_charges=data.source_charges,
        source_species=data.species_of_sources.tolist(),
        total_charge=data.total_charge,
        periodic=data.periodic,
        cell_origin=data.cell_origin,
        label_source=data.label_source,
        title=ODD_TITLE,
    )
    for frame in data.subset(0, 4):
        writer.append(frame)
    return path


@pytest.fixture(scope="module")
def page(linear_dataset, two_models, other_run, tmp_path_factory) -> Page:
    """Report of two models with another run."""
    output = tmp_path_factory.mktemp("report") / "new" / "page.html"
    assert make_report(linear_dataset, two_models, {"other": other_run}, output) == output
    assert [file.name for file in output.parent.iterdir()] == ["page.html"]
    return Page(output)


def test_page_loads_nothing_from_elsewhere(page):
    assert page.loaded
    assert all(address.startswith("data:") for address in page.loaded)
    assert "@import" not in page.source
    assert "url(" not in page.source
    assert not page.open


def test_figures_are_drawings_that_load_nothing(page):
    # histograms, parities and maps of two models; S-curves, sums, series and profiles of all
    assert len(page.images) == 3 * 2 + 4
    for image in page.images:
        kind, data = image.split(",")
        assert kind == "data:image/svg+xml;base64"
        drawing = ElementTree.fromstring(base64.b64decode(data))
        for element in drawing.iter():
            for name, value in element.attrib.items():
                if name.endswith("href"):
                    assert value.startswith(("#", "data:"))


def test_scores_of_models_and_baselines_are_on_the_page(page, linear_dataset, two_models):
    for model in two_models:
        scores = score(model, linear_dataset, "held-out")
        for name, one in (
            (model.stem, scores.model),
            ("constant", scores.constant),
            ("each atom's mean", scores.atom_mean),
        ):
            assert " ".join((name, *score_cells(one))) in page.text
    binned = score(two_models[1], linear_dataset, "held-out")
    shares = binned.model.bin_accuracy, binned.model.bin_accuracy_filtered
    assert "paper model {:.1%} {:.1%}".format(*shares) in page.text
    shares = binned.constant.bin_accuracy, binned.constant.bin_accuracy_filtered
    assert "paper constant {:.1%} {:.1%}".format(*shares) in page.text
    assert "says nothing without the share that a constant reaches" in page.text


def test_best_model_is_named_first(page):
    assert "Of 2 models, local comes closest" in page.text


def test_page_says_where_all_comes_from(page, linear_dataset, two_models):
    data = open_dataset(linear_dataset)
    assert page.text.count(data.fingerprint()) == 3
    assert page.text.count("(this data set)") == 2
    assert data.title in page.text
    assert "12 O" in page.text
    assert f"{data.frames // 10}, from" in page.text  # the last tenth is scored
    command = re.search(r"voxion charges report .* --out \S+", page.text)
    assert command is not None
    for word in (linear_dataset, *two_models, "--run other="):
        assert str(word) in command[0]


def test_density_table_compares_runs(page, linear_dataset):
    assert re.search(r"Na⁺ reference \d+\.\d+ ± \d+\.\d+ \d+\.\d+ ± \d+\.\d+ \d+\.\d", page.text)
    assert re.search(r"Cl⁻ other .* \d+\.\d\d", page.text)
    assert f"reference {open_dataset(linear_dataset).frames}, other 20" in page.text


def test_all_frames_are_scored_on_demand(linear_dataset, two_models, tmp_path):
    page = Page(
        make_report(linear_dataset, two_models[:1], output=tmp_path / "r.html", frames="all")
    )
    assert " ".join(score_cells(score(two_models[0], linear_dataset).model)) in page.text
    assert "--select all" in page.text
    assert "The model local is tried" in page.text
    assert "difference / error" not in page.text


def test_few_frames_and_an_odd_title(linear_dataset, few_frames, two_models):
    output = few_frames.with_suffix(".html")
    page = Page(make_report(few_frames, two_models[:1], output=output))
    assert "None: " in page.text
    assert "4 frames" in page.text
    assert ODD_TITLE in page.text
    assert all(address.startswith("data:") for address in page.loaded)
    with pytest.raises(VoxionError, match="4 frames"):
        make_report(few_frames, two_models[:1], {"run": linear_dataset}, output)


def test_models_are_told_apart_by_file_folder_or_path(tmp_path):
    assert model_names(["a/local.pt", "b/paper.pt"]) == ["local", "paper"]
    assert model_names(["first/model.pt", "second/model.pt"]) == ["first", "second"]
    assert model_names(["a/x.pt", "b/x.pt"]) == ["a/x.pt", "b/x.pt"]
    with pytest.raises(VoxionError, match="given twice"):
        model_names(["x.pt", "./x.pt"])


def test_solvent_comes_first_then_ions(linear_dataset):
    labels = species_labels(open_dataset(linear_dataset))
    assert list(labels.items()) == [("O", "water"), ("Na", "Na⁺"), ("Cl", "Cl⁻")]


def test_wrong_inputs_are_refused(linear_dataset, two_models, tmp_path):
    output = tmp_path / "r.html"
    for message, call in {
        "at least one model": lambda: make_report(linear_dataset, [], output=output),
        "not a data set": lambda: make_report(tmp_path / "no", two_models, output=output),
        "no such file": lambda: make_report(linear_dataset, [tmp_path / "no.pt"], output=output),
        "cannot be named 'reference'": lambda: make_report(
            linear_dataset, two_models[:1], {"reference": linear_dataset}, output
        ),
        "is a folder": lambda: make_report(linear_dataset, two_models[:1], output=tmp_path),
        "takes NAME=PATH": lambda: parse_runs(["only-a-path"]),
        "'a' twice": lambda: parse_runs(["a=x", "a=y"]),
    }.items():
        with pytest.raises(VoxionError, match=message):
            call()
    assert not output.exists()


def test_command_writes_the_page(linear_dataset, two_models, other_run, tmp_path):
    app = typer.Typer()
    app.command()(report)
    output = tmp_path / "page.html"
    arguments = [linear_dataset, two_models[1], "--run", f"other={other_run}", "--out", output]
    result = CliRunner().invoke(app, [str(word) for word in arguments])
    assert result.exit_code == 0, result.output
    assert output.as_uri() in result.output
    text = Page(output).text
    assert "The model paper is tried" in text
    scores = score(two_models[1], linear_dataset, "held-out")
    worse = scores.model.mae >= scores.constant.mae
    assert ("No model here is better than the constant" in text) == worse
    assert parse_runs(["a=x=y", "b=t.data,t.dcd"]) == {"a": "x=y", "b": "t.data,t.dcd"}
