"""HTML pages, filled from templates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2

_COMMON = Path(__file__).parent / "templates"


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
