"""Saliency maps on the structures: red atoms raise gamma, blue ones lower it.

As fig. 11 of Naghshnejad et al. (chemrxiv-2024-jcjg3); each atom has the colour of its type's
normalised sum.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

import matplotlib.image
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize, to_hex, to_rgb
from matplotlib.figure import Figure
from rdkit import Chem
from rdkit.Chem import rdCoordGen, rdDepictor
from rdkit.Chem.Draw import rdMolDraw2D

from voxion.activity.data.table import Floats
from voxion.activity.explain.saliency import (
    Membrane,
    Molecule,
    SaliencyMap,
    atom_types,
    normalised,
    type_sums,
)
from voxion.figures import WIDTH, styled

RED, WHITE, BLUE = to_rgb("#ee3124"), (1.0, 1.0, 1.0), to_rgb("#3b6ff0")
COLOUR_MAP = LinearSegmentedColormap.from_list("saliency", [BLUE, WHITE, RED])
MEANING = "normalised saliency: red raises the activity coefficient, blue lowers it"
POLYMER_SIZE, SALT_SIZE, BAR = (500, 400), (500, 110), 46  # pixels of an SVG's parts
SALT_SCALE = 36.0  # pixels per angstrom in an SVG: single ions would fill their picture
ION_GAP = 2.0  # angstrom
_TEXT = 'font-family="sans-serif" fill="#22262b"'


def atom_colours(molecule: Molecule, values: Floats) -> dict[int, tuple[float, float, float]]:
    """Return the colour of each atom from a map [n]."""
    types = atom_types(molecule.structure)
    shares = normalised(type_sums(values, types))
    colours = COLOUR_MAP([(shares[name] + 1) / 2 for name in types])
    return {index: tuple(colour[:3]) for index, colour in enumerate(colours.tolist())}


def map_svg(membrane: Membrane, maps: Mapping[str, SaliencyMap]) -> str:
    """Draw the maps of a membrane side by side, polymer above salt, with a colour bar.

    Parameters
    ----------
    membrane : Membrane
    maps : dict of method to SaliencyMap

    Returns
    -------
    str
        SVG that can stand alone or within a page.
    """
    width, height = POLYMER_SIZE
    total = (width * len(maps), 26 + height + SALT_SIZE[1] + BAR)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total[0]} {total[1]}" '
        f'width="{total[0]}" height="{total[1]}" role="img">',
        f"<title>Saliency of {escape(membrane.name)}</title>",
    ]
    for column, (method, found) in enumerate(maps.items()):
        x = column * width
        parts.append(
            f'<text x="{x + width / 2}" y="18" text-anchor="middle" font-size="15" {_TEXT}>'
            f"{escape(method)}</text>"
        )
        parts.append(_svg(membrane.polymer, found.polymer, POLYMER_SIZE, (x, 26)))
        parts.append(_svg(membrane.salt, found.salt, SALT_SIZE, (x, 26 + height)))
    parts += [*_colour_bar(total, re.sub(r"\W", "_", membrane.name)), "</svg>"]
    return "\n".join(parts)


def _svg(molecule: Molecule, values: Floats, size: tuple[int, int], place: tuple[int, int]) -> str:
    canvas = rdMolDraw2D.MolDraw2DSVG(*size)
    _draw(canvas, molecule, values, size == SALT_SIZE)
    text = canvas.GetDrawingText()
    # what is left within another picture: no XML declaration, a place
    return f'<svg x="{place[0]}" y="{place[1]}" ' + text[text.index("<svg") + 4 :]


def _colour_bar(total: tuple[int, int], name: str) -> list[str]:
    """Draw the bar at the foot; its gradient's `name` must be the only such one on a page."""
    width, x, y = 300, (total[0] - 300) / 2, total[1] - BAR + 4
    ends = ((0, BLUE), (50, WHITE), (100, RED))
    stops = "".join(
        f'<stop offset="{part}%" stop-color="{to_hex(colour)}"/>' for part, colour in ends
    )
    lines = [
        f'<defs><linearGradient id="saliency_{name}">{stops}</linearGradient></defs>',
        f'<rect x="{x}" y="{y}" width="{width}" height="12" stroke="#8a9099" '
        f'stroke-width="0.8" fill="url(#saliency_{name})"/>',
    ]
    for part, text in ((0.0, "−1"), (0.5, "0"), (1.0, "+1")):
        lines.append(
            f'<text x="{x + part * width}" y="{y + 27}" text-anchor="middle" font-size="13" '
            f"{_TEXT}>{text}</text>"
        )
    for side, text in ((-1, "lowers γ"), (1, "raises γ")):
        end = x - 12 if side < 0 else x + width + 12
        lines.append(
            f'<text x="{end}" y="{y + 11}" text-anchor="{"end" if side < 0 else "start"}" '
            f'font-size="13" {_TEXT}>{text}</text>'
        )
    return lines


def _draw(canvas: Any, molecule: Molecule, values: Floats, salt: bool) -> None:
    structure = _laid_out(molecule.structure)
    _put_side_by_side(structure)
    options = canvas.drawOptions()
    options.useBWAtomPalette()
    options.highlightRadius = 0.66 if salt else 0.42
    options.bondLineWidth = 1.2
    options.padding = 0.03
    options.clearBackground = False
    if salt:
        options.fixedScale = SALT_SCALE / SALT_SIZE[0]  # a share of the width
        options.fixedFontSize = round(0.45 * options.fixedScale * canvas.Width())
    rdMolDraw2D.PrepareAndDrawMolecule(
        canvas,
        structure,
        highlightAtoms=list(range(structure.GetNumAtoms())),
        highlightAtomColors=atom_colours(molecule, values),
        highlightBonds=[],
        kekulize=True,
    )
    canvas.FinishDrawing()


def _laid_out(structure: Chem.Mol) -> Chem.Mol:
    """Return a copy with the better of two layouts: either fails at some rings of some networks."""
    sampled, grown = Chem.Mol(structure), Chem.Mol(structure)
    rdDepictor.Compute2DCoords(
        sampled,
        nFlipsPerSample=4,
        nSample=100,
        sampleSeed=1,
        permuteDeg4Nodes=False,
        useRingTemplates=True,
    )
    rdCoordGen.AddCoords(grown)
    return min(sampled, grown, key=_clutter)


def _clutter(structure: Chem.Mol) -> int:
    """Count pairs of atoms that nearly meet, and bonds across the picture, which are worse."""
    places = structure.GetConformer().GetPositions()
    distances = np.linalg.norm(places[:, None] - places[None], axis=2)
    bonds = Chem.GetAdjacencyMatrix(structure) > 0
    if not bonds.any():
        return 0
    length = np.median(distances[bonds])
    near = np.triu(distances < 0.7 * length, 1)
    far = np.triu(bonds & (distances > 1.5 * length))
    return int(near.sum() + 7 * far.sum())


def _put_side_by_side(structure: Chem.Mol) -> None:
    """Move the ions of a salt into a row."""
    conformer = structure.GetConformer()
    places = conformer.GetPositions()
    left = 0.0
    for members in Chem.GetMolFrags(structure):
        own = list(members)
        low, high = places[own].min(axis=0), places[own].max(axis=0)
        places[own] += np.array([left - low[0], -(low[1] + high[1]) / 2, 0.0])
        left += high[0] - low[0] + ION_GAP
    conformer.SetPositions(places)


@styled
def plot_maps(
    membranes: Sequence[Membrane], maps: Sequence[SaliencyMap], method: str, columns: int = 3
) -> Figure:
    """Draw the polymers of some membranes and their salts on one sheet."""
    rows = -(-len(membranes) // columns)
    figure = Figure(figsize=(WIDTH, 2.75 * rows + 0.6), layout="constrained")
    grid = figure.subplots(2 * rows, columns, squeeze=False, height_ratios=[4, 1] * rows)
    for axes in grid.flat:
        axes.set_axis_off()
    for number, (membrane, found) in enumerate(zip(membranes, maps, strict=True)):
        row, column = divmod(number, columns)
        above, below = grid[2 * row, column], grid[2 * row + 1, column]
        above.imshow(_picture(membrane.polymer, found.polymer, POLYMER_SIZE))
        above.set_title(membrane.name, loc="center")
        below.imshow(_picture(membrane.salt, found.salt, SALT_SIZE))
    bar = figure.colorbar(
        ScalarMappable(Normalize(-1, 1), COLOUR_MAP),
        ax=grid.ravel().tolist(),
        location="bottom",
        fraction=0.03,
        shrink=0.4,
        aspect=35,
        pad=0.01,
        ticks=(-1, -0.5, 0, 0.5, 1),
    )
    bar.set_label(f"{method}, {MEANING}")
    return figure


def _picture(molecule: Molecule, values: Floats, size: tuple[int, int]) -> np.ndarray:
    canvas = rdMolDraw2D.MolDraw2DCairo(2 * size[0], 2 * size[1])
    _draw(canvas, molecule, values, size == SALT_SIZE)
    return matplotlib.image.imread(io.BytesIO(canvas.GetDrawingText()))
