"""A small built system shared by the tests."""

import pytest

from voxion.systems.graphene import GrapheneSystem


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("systems") / "small"
    system = GrapheneSystem(cells=(6, 4), total_charge=-1, molarity=1.0, thickness=22.0)
    system.build(folder, seed=7)
    return folder
