"""Text of the engines' inputs, from the templates beside this module."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import jinja2


def render(folder: str, names: Iterable[str], values: Mapping[str, Any]) -> dict[str, str]:
    """Fill templates.

    Parameters
    ----------
    folder : str
        Folder of the templates, in the package ``voxion.systems``.
    names : iterable of str
        Names of the files that the templates (with the suffix ``.j2``) make.
    values : mapping
        What the templates ask for; a missing value is an error.

    Returns
    -------
    dict of file name to text
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("voxion.systems", folder),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    return {name: environment.get_template(f"{name}.j2").render(values) for name in names}
