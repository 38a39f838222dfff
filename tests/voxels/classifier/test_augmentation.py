"""Augmentation: symmetries of fields and tensors, periodic shifts, and what it teaches."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch

from tests.voxels.phases import grids, sources
from tests.voxels.reference import TRICLINIC, random_grids, write_store
from voxion.errors import VoxionError
from voxion.voxels.classifier.augmentation import (
    DIAGONAL,
    OFF_DIAGONAL,
    STRESS,
    Augmentation,
    apply_symmetry,
    cube_symmetries,
)
from voxion.voxels.classifier.dataset import VoxelDataset, open_labelled
from voxion.voxels.stores.store import open_store

__all__ = ["sources"]
STRESSES = (*DIAGONAL, *OFF_DIAGONAL)


def _store(tmp_path, shape=(4, 4, 4), channels=("mass",), **how):
    path = write_store(tmp_path / "a.zarr", random_grids(2, shape, len(channels)), channels, **how)
    return open_store(path)


def test_there_are_48_different_symmetries_of_the_cube():
    matrices = {tuple(s.matrix.ravel()) for s in cube_symmetries()}
    assert len(matrices) == 48
    for symmetry in cube_symmetries():
        np.testing.assert_array_equal(symmetry.matrix @ symmetry.matrix.T, np.eye(3))
    grid = random_grids(1, (3, 3, 3), 1)[0]
    forms = {apply_symmetry(grid, ("mass",), s).tobytes() for s in cube_symmetries()}
    assert len(forms) == 48
    np.testing.assert_array_equal(apply_symmetry(grid, ("mass",), cube_symmetries()[0]), grid)


def _on_grid(field, edge=5):
    """Values of a function of x, y, z, each in -1 ... 1, as an array [z, y, x]."""
    at = np.linspace(-1, 1, edge)
    return np.array([[[field(np.array([x, y, z])) for x in at] for y in at] for z in at])


def test_fields_turn_as_fields_and_stress_as_a_tensor():
    def scalar(r):
        return r[0] + 2 * r[1] ** 2 + 3 * r[2] * r[0]

    def vector(r):
        return np.array([r[1] - 0.3, r[0] * r[2], 0.5 + r[2] - r[0]])

    def fields(turn):
        def at(r):
            old = turn.T @ r  # f'(R r) = f(r)
            v = turn @ vector(old)
            stress = np.outer(v, v)
            return [scalar(old), *(stress[ij] for ij in STRESS)]

        return np.moveaxis(_on_grid(at), -1, 0).astype(np.float32)

    channels = ("mass", *STRESS.values())
    for symmetry in cube_symmetries():
        found = apply_symmetry(fields(np.eye(3)), channels, symmetry)
        np.testing.assert_allclose(found, fields(symmetry.matrix), atol=1e-6)


@pytest.mark.parametrize(
    ("shape", "how", "count"),
    [
        ((4, 4, 4), {}, 48),
        ((4, 4, 4), {"box": np.diag([10.0, 10.2, 9.9])}, 48),  # cubic but for fluctuations
        ((8, 4, 4), {}, 16),  # nz differs: x and y alone change places
        ((4, 4, 4), {"box": np.diag([10.0, 10.0, 14.0])}, 16),  # lz differs
        ((4, 4, 4), {"periodic": (True, True, False)}, 16),
        ((4, 3, 2), {}, 8),
        ((4, 4, 4), {"box": TRICLINIC}, 2),  # the identity and the inversion
    ],
)
def test_only_symmetries_of_grid_box_and_boundaries_are_used(tmp_path, shape, how, count):
    found = Augmentation.of_store(_store(tmp_path, shape, **how))
    assert len(found.symmetries) == count


def test_stress_in_a_hexagonal_box_turns_with_the_inversion_alone(tmp_path):
    hexagonal = np.array([[10.0, 0, 0], [-5.0, 8.660254, 0], [0, 0, 12.0]])
    scalar = Augmentation.of_store(_store(tmp_path, (4, 4, 4), box=hexagonal))
    assert len(scalar.symmetries) > 4  # x and y may change places
    stress = Augmentation.of_store(_store(tmp_path, (4, 4, 4), STRESSES, box=hexagonal))
    for symmetry in stress.symmetries:
        # x and y only turn together, by half a turn; z by itself
        assert symmetry.axes == (0, 1, 2) and symmetry.signs[0] == symmetry.signs[1]


@pytest.mark.parametrize("channels", [("stress_xx",), ("mass", "stress_xy", "stress_xz")])
def test_single_stress_components_are_refused(tmp_path, channels):
    with pytest.raises(VoxionError, match="turn into one another"):
        Augmentation.of_store(_store(tmp_path, channels=channels))


def test_shifts_are_periodic_and_only_along_periodic_directions(tmp_path):
    store = _store(tmp_path, (2, 3, 4), periodic=(True, False, True))
    augmentation = replace(Augmentation.of_store(store), symmetries=(cube_symmetries()[0],))
    grid, rng = store.grid(0), np.random.default_rng(0)
    found = {augmentation.draw(grid, rng).tobytes() for _ in range(200)}
    expected = {
        np.roll(grid, (dz, dx), axis=(1, 3)).tobytes() for dz, dx in product(range(2), range(4))
    }
    assert found == expected


def test_items_depend_on_seed_epoch_and_sample_alone(sources):
    labelled = open_labelled(sources)
    one, two = (
        VoxelDataset(labelled, labelled.everything(), augment=True, seed=5) for _ in range(2)
    )
    two[0], two[7]  # what was read before does not matter
    torch.testing.assert_close(one[3][0], two[3][0], rtol=0, atol=0)
    two.epoch = 1
    assert not torch.equal(one[3][0], two[3][0])
    other_seed = VoxelDataset(labelled, labelled.everything(), augment=True, seed=6)
    assert not torch.equal(one[3][0], other_seed[3][0])


def test_augmented_grids_are_the_normalised_grid_in_another_form(sources):
    labelled = open_labelled(sources)
    plain = VoxelDataset(labelled, labelled.everything())
    moved = VoxelDataset(labelled, labelled.everything(), augment=True)
    for index in (0, 50):
        expected, found = plain[index][0].flatten(1), moved[index][0].flatten(1)
        assert not torch.equal(expected, found)
        torch.testing.assert_close(expected.sort(1).values, found.sort(1).values, rtol=0, atol=1e-6)
        assert plain[index][1] == moved[index][1]


def test_sign_changes_come_before_the_normalisation(tmp_path):
    values = np.zeros((1, 3, 4, 4, 4), np.float32)
    values[0, :, 0, 0, 0] = 2.0  # alone above 0 in each channel: after a change of sign, below
    path = write_store(tmp_path / "s.zarr", values, OFF_DIAGONAL)
    labelled = open_labelled([("a", str(path))])
    data = VoxelDataset(labelled, labelled.everything(), augment=True)
    seen = set()
    for epoch in range(12):
        data.epoch = epoch
        grid = data[0][0]
        assert float(grid.min()) == 0.0 and float(grid.max()) == 1.0
        seen.add(int((grid == 1).sum((1, 2, 3)).max()))
    assert seen == {1, 63}


def test_all_orientations_come_out_of_one(tmp_path):
    """Lamellae across z only, shown in training, become lamellae across x, y and z."""
    values = grids("lamellar", 4, axes=[2])
    store = open_store(write_store(tmp_path / "l.zarr", values, ("mass", "charge")))
    augmentation, rng = Augmentation.of_store(store), np.random.default_rng(1)

    def across(grid):
        spread = [grid[0].mean(tuple({0, 1, 2} - {axis})).std() for axis in range(3)]
        return int(np.argmax(spread))

    assert {across(store.grid(i)) for i in range(4)} == {0}  # array axis 0 is z
    assert {across(augmentation.draw(store.grid(0), rng)) for _ in range(30)} == {0, 1, 2}
