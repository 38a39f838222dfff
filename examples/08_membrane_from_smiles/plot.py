"""Draws membrane.png: the box of the first seed and the equilibration of all."""

from pathlib import Path

import matplotlib.pyplot as plt

FOLDER = Path(__file__).parent
NAME = "SS60-NaCl-8"

figure, (left, right) = plt.subplots(
    1, 2, figsize=(11, 3.9), width_ratios=(1, 1.9), layout="constrained"
)
for axes, picture in ((left, "box"), (right, "densities")):
    axes.imshow(plt.imread(FOLDER / "membranes" / "descriptors" / NAME / f"{picture}.png"))
    axes.axis("off")
figure.savefig(FOLDER / "membrane.png", dpi=130)
