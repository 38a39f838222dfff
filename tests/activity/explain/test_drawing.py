"""Saliency maps on structures."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from voxion.activity.data.table import ActivityData
from voxion.activity.explain.drawing import atom_colours, map_svg, plot_maps
from voxion.activity.explain.saliency import (
    METHODS,
    Membrane,
    SaliencyMap,
    atom_types,
    membranes_of,
)

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def membrane(demo: ActivityData) -> Membrane:
    return membranes_of(demo)[0]


@pytest.fixture(scope="module")
def marked(membrane: Membrane) -> SaliencyMap:
    """Sulfur raises gamma, charged oxygen lowers it as much, the rest does nothing."""
    types = atom_types(membrane.polymer.structure)
    values = [{"S": 1.0, "O-": -1.0}.get(name.split("(")[0], 0.0) for name in types]
    return SaliencyMap(np.array(values), np.array([1.0, -0.5]))


def test_red_raises_and_blue_lowers(membrane: Membrane, marked: SaliencyMap) -> None:
    colours = atom_colours(membrane.polymer, marked.polymer)
    assert len(colours) == membrane.polymer.structure.GetNumAtoms()
    for atom, (red, green, blue) in colours.items():
        value = marked.polymer[atom]
        if value:
            assert (red > 0.9 > 0.3 > blue) if value > 0 else (blue > 0.9 > 0.3 > red)
        else:
            assert min(red, green, blue) > 0.99
    lithium, chloride = (atom_colours(membrane.salt, marked.salt)[i] for i in (0, 1))
    assert lithium[0] > 0.9 and chloride[2] > 0.9
    # half as strong, half way to white
    full = atom_colours(membrane.salt, np.array([1.0, -1.0]))[1]
    assert chloride == pytest.approx((np.array(full) + 1) / 2, abs=0.01)


def test_an_svg_has_every_atom_in_its_colour(membrane: Membrane, marked: SaliencyMap) -> None:
    text = map_svg(membrane, dict.fromkeys(METHODS, marked))
    root = ElementTree.fromstring(text)
    pictures = root.findall(f"{SVG}svg")
    assert len(pictures) == 4  # polymer and salt, twice
    ellipses = [len(one.findall(f".//{SVG}ellipse")) for one in pictures]
    assert ellipses == [membrane.polymer.structure.GetNumAtoms(), 2] * 2
    fills = [
        re.search(r"fill:(#\w{6})", one.attrib["style"]).group(1).lower()
        for one in pictures[0].findall(f".//{SVG}ellipse")
    ]
    assert fills.count("#ee3124") == (marked.polymer > 0).sum() > 0
    assert fills.count("#3b6ff0") == (marked.polymer < 0).sum() > 0
    shown = [one.text for one in root.findall(f"{SVG}text")]
    assert {*METHODS, "−1", "0", "+1", "lowers γ", "raises γ"} == set(shown)


def test_names_cannot_break_an_svg(membrane: Membrane, marked: SaliencyMap) -> None:
    from dataclasses import replace

    text = map_svg(replace(membrane, polymer_name='<b> & "x"'), {METHODS[0]: marked})
    root = ElementTree.fromstring(text)
    assert root.find(f"{SVG}title").text == 'Saliency of <b> & "x"/LiCl'


def test_a_sheet_shows_all_membranes(demo: ActivityData, marked: SaliencyMap) -> None:
    some = membranes_of(demo)[:4]  # the same polymer in four salts
    maps = [SaliencyMap(marked.polymer, np.ones(one.salt.structure.GetNumAtoms())) for one in some]
    figure = plot_maps(some, maps, METHODS[1])
    titles = [axes.get_title(loc="center") for axes in figure.axes]
    assert [title for title in titles if title] == [one.name for one in some]
    images = [axes.get_images()[0].get_array() for axes in figure.axes if axes.get_images()]
    assert len(images) == 8
    salt = np.asarray(images[1])[..., :3].reshape(-1, 3)
    assert (np.abs(salt - np.array([0xEE, 0x31, 0x24]) / 255).max(axis=1) < 0.02).any()
