"""HTML pages, filled from templates."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import jinja2

_COMMON = Path(__file__).parent / "templates"


def png_source(picture: bytes) -> str:
    """Return what a page's image takes as its source, for a PNG file that is within the page."""
    return "data:image/png;base64," + base64.b64encode(picture).decode()


def render_page(template: Path, content: dict[str, Any]) -> str:
    """Fill a template, which extends ``page.html`` of the templates of the package."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([template.parent, _COMMON]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template.name).render(content)
