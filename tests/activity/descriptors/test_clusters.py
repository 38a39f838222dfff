"""Water clusters against freud, networks drawn by hand, and their averages."""

import numpy as np
import pytest
from MDAnalysis.lib.mdamath import triclinic_vectors

from voxion.activity.descriptors.clusters import cluster_sizes, summarise_clusters

BOX = np.array([20.0, 20.0, 20.0, 90.0, 90.0, 90.0], np.float32)


def test_chain_through_the_boundary():
    # 4 in a row through x = 0, a pair beyond reach of them, and one alone
    x = np.array([[17.0], [0.2], [3.4], [6.8]]) * (1, 0, 0)
    pair = np.array([[6.8, 3.6, 0.0], [6.8, 7.0, 0.0]])
    oxygens = np.concatenate([x, pair, [[12.0, 15.0, 10.0]]]).astype(np.float32)
    assert sorted(cluster_sizes(oxygens, BOX)) == [1, 2, 4]


@pytest.mark.parametrize("box", [(22, 25, 28, 90, 90, 90), (30, 26, 28, 80, 70, 75)])
@pytest.mark.parametrize("atoms", [40, 200, 500])
def test_same_clusters_as_freud(box, atoms):
    freud = pytest.importorskip("freud")
    cell = triclinic_vectors(np.array(box, float))
    fractions = np.random.default_rng(atoms).random((atoms, 3))
    oxygens = (fractions @ cell).astype(np.float32)
    clusters = freud.cluster.Cluster()
    clusters.compute(
        (freud.box.Box.from_matrix(cell.T), ((fractions - 0.5) @ cell).astype(np.float32)),
        neighbors={"r_max": 3.5},
    )
    expected = np.bincount(clusters.cluster_idx)
    found = cluster_sizes(oxygens, np.array(box, np.float32))
    assert sorted(found) == sorted(expected)


def test_shares_by_number_and_weight():
    # a frame of 1 + 2 + 3 molecules, one of 6
    histogram = np.array([1, 1, 1, 0, 0, 1])
    found = summarise_clusters(histogram, np.array([0.5, 1.0]), 0.25)
    np.testing.assert_allclose(found.by_number, [0.25, 0.25, 0.25, 0, 0, 0.25])
    np.testing.assert_allclose(found.by_weight, np.array([1, 2, 3, 0, 0, 6]) / 12)
    assert found.mean == 3.0
    assert found.weight_mean == pytest.approx((1 + 4 + 9 + 36) / 12)
    assert (found.largest, found.largest_error) == (0.75, 0.25)
