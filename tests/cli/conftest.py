"""The small data sets, trainings and stores of the other tests, for their command lines."""

from tests.charges.conftest import ion_positions_training, linear_dataset, linear_training
from tests.voxels.conftest import store_path

__all__ = ["ion_positions_training", "linear_dataset", "linear_training", "store_path"]
