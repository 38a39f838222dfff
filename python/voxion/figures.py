"""The style of all figures."""

from __future__ import annotations

from collections.abc import Callable, Sized
from functools import wraps
from typing import Any, ParamSpec

import matplotlib
from matplotlib.figure import Figure

REFERENCE = "#3b3f46"
REFERENCE_FILL = "#c9cdd3"
# Okabe and Ito's, told apart by colour-blind readers too
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
STYLE: Any = {
    "font.size": 9.5,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#8a9099",
    "axes.linewidth": 0.8,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e6e8eb",
    "grid.linewidth": 0.7,
    "xtick.color": "#5a606a",
    "ytick.color": "#5a606a",
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "figure.facecolor": "white",
}
WIDTH = 10.0  # inches
Signature = ParamSpec("Signature")


def colours_of(names: Sized) -> list[str]:
    """Return a colour for each of some names, in their order."""
    return [COLOURS[i % len(COLOURS)] for i in range(len(names))]


def styled(draw: Callable[Signature, Figure]) -> Callable[Signature, Figure]:
    """Let a function draw in the style of all figures."""

    @wraps(draw)
    def in_style(*args: Signature.args, **kwargs: Signature.kwargs) -> Figure:
        with matplotlib.rc_context(STYLE):
            return draw(*args, **kwargs)

    return in_style
