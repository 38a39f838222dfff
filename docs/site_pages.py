"""Pages of the site that are made from elsewhere: README, examples, command line, docstrings.

MkDocs calls `on_files` and `on_page_markdown`. Pages in the repository link each other by their
paths there; the second function turns these into links of the site. A link to a file that does
not exist is left as it is, and MkDocs reports it.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[1]
ROOMS = (
    "contract",
    "trajectories",
    "engines",
    "systems",
    "charges",
    "scattering",
    "voxels",
    "activity",
    "campaigns",
)
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s#]+)(#[^)\s]*)?\)")


def _sources():
    """Return the file of the repository behind each page or picture of the site."""
    sources = {
        "index.md": ROOT / "README.md",
        "changelog.md": ROOT / "CHANGELOG.md",
        "contributing.md": ROOT / "CONTRIBUTING.md",
    }
    for readme in sorted(ROOT.glob("examples/*/README.md")):
        example = readme.parent.name
        sources[f"tutorials/{example}.md"] = readme
        for picture in readme.parent.glob("*.png"):
            sources[f"tutorials/{example}/{picture.name}"] = picture
    for folder in ("studies", "benchmarks"):
        for kind in ("*.md", "*.png"):
            for path in sorted((ROOT / folder).rglob(kind)):
                sources[path.relative_to(ROOT).as_posix()] = path
    return sources


SOURCES = _sources()
PAGES = {source: page for page, source in SOURCES.items()}


def on_files(files, config):
    """Add the generated pages."""
    for page, source in SOURCES.items():
        files.append(File.generated(config, page, abs_src_path=str(source)))
    files.append(File.generated(config, "command_line.md", content=_command_line()))
    for room in ROOMS:
        files.append(File.generated(config, f"api/{room}.md", content=_reference(room)))
    return files


def on_page_markdown(markdown, page, config, files):
    """Turn links within the repository into links within the site."""
    uri = page.file.src_uri
    source = SOURCES.get(uri, ROOT / "docs" / uri)

    def replaced(match):
        image, text, target, anchor = match.groups()
        if "://" in target:
            return match[0]
        path = (source.parent / target).resolve()
        if path in PAGES:
            name = PAGES[path]
        elif path.is_relative_to(ROOT / "docs"):
            name = path.relative_to(ROOT / "docs").as_posix()
        elif path.is_file() and not image:
            return text  # a script of the repository, which the site does not have
        else:
            return match[0]
        link = os.path.relpath(name, os.path.dirname(uri) or ".")
        return f"{image}[{text}]({link}{anchor or ''})"

    return LINK.sub(replaced, markdown)


def _command_line():
    program = [sys.executable, "-m", "typer", "voxion.cli.app", "utils", "docs", "--name", "voxion"]
    done = subprocess.run(program, capture_output=True, text=True, check=True)
    return done.stdout.replace("# `voxion`\n", "# Command line\n", 1)


def _reference(room):
    """Return a page with a section for each module of a room, made from its docstrings."""
    folder = ROOT / "python" / "voxion" / room
    names = []
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(ROOT / "python").with_suffix("").parts
        if parts[-1] != "__init__":
            names.append(".".join(parts))
    options = "    options:\n      heading_level: 2\n      show_submodules: false\n"
    return f"# voxion.{room}\n\n" + "\n".join(f"::: {name}\n{options}" for name in names)
