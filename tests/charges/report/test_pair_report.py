"""The report on two electrodes at a voltage."""

import numpy as np
import pytest

from tests.charges.report.test_report import Page
from voxion.charges.analysis.density import MOLAR
from voxion.charges.analysis.pair_density import pair_densities
from voxion.charges.evaluation.scores import score
from voxion.charges.models.planar_pair import planar_pair
from voxion.charges.report.page import make_report
from voxion.errors import VoxionError


def test_report_of_two_electrodes(at_potentials, trained_pair, tmp_path):
    model = trained_pair.model_path
    page = Page(make_report(at_potentials.path, [model], output=tmp_path / "r.html", frames="all"))
    scores = score(model, at_potentials.path)
    assert "electrodes lower and upper at 0, 0; -1, 1 V" in page.text
    assert f"{scores.model.r2:.5f}" in page.text
    for electrode in scores.electrodes:
        assert f"{electrode.rmse:.2e}" in page.text and electrode.name in page.text
    assert "Electrode lower at" in page.text and "Electrode upper at" in page.text
    assert all(source.startswith("data:") for source in page.loaded)
    # S-curves, histograms, parity, three atoms, charge over time, two maps, densities
    assert len(page.images) == 8


def test_densities_count_every_atom(at_potentials):
    found = pair_densities(at_potentials, ["O", "Na"])
    assert [one.voltage for one in found] == [0.0, 2.0]
    pair = planar_pair(at_potentials)
    for one in found:
        assert one.frames == 6 and np.ptp(np.diff(one.distance)) < 1e-9
        volume = pair.area * (one.distance[1] - one.distance[0])
        for name, density in one.density.items():
            atoms = np.count_nonzero(at_potentials.species_of_sources == name)
            assert density.sum() * volume / MOLAR == pytest.approx(atoms)
            assert np.isfinite(one.error[name]).all()


def test_other_runs_are_for_one_sheet(at_potentials, trained_pair, tmp_path):
    with pytest.raises(VoxionError, match=r"has two electrodes.*leave --run out"):
        make_report(
            at_potentials.path,
            [trained_pair.model_path],
            {"other": at_potentials.path},
            tmp_path / "r.html",
        )
    assert not (tmp_path / "r.html").exists()
