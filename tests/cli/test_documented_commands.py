"""Every command has a help text, and every command in the documentation is one that parses."""

import re
import shlex

import pytest
import typer
from typer.testing import CliRunner

from tests.conftest import ROOT
from voxion.cli.app import app

GROUP = typer.main.get_command(app)
PAGES = sorted(
    [
        ROOT / "README.md",
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("examples/*/*.md"),
        *ROOT.glob("examples/*/*.sh"),
    ]
)
SPAN = re.compile(r"`(voxion [^`]+)`")
# what shell variables stand for, as far as it matters to the parser
VARIABLES = {"$frames": "20", "$interval": "0.5", "$folder": "pair"}


def commands(group, path=()):
    """Yield path and command of all commands below a group."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


COMMANDS = dict(commands(GROUP))


def documented():
    """Yield page, text and whether it is whole, for all commands in blocks, scripts and spans."""
    for page in PAGES:
        text, name = page.read_text(), str(page.relative_to(ROOT))
        blocks = [text]
        if page.suffix == ".md":
            blocks = re.findall(r"^```\w*\n(.*?)^```", text, flags=re.M | re.S)
            running = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
            yield from ((name, " ".join(span.split()), False) for span in SPAN.findall(running))
        for block in blocks:
            for line in block.replace("\\\n", " ").splitlines():
                if line.strip().startswith("voxion "):
                    yield name, line.strip(), not any(sign in line for sign in ("[", "...", "|"))


DOCUMENTED = sorted(set(documented()))


def find(words):
    """Return the longest path of a command that the words begin with, and the other words."""
    path, group = (), GROUP
    while words and hasattr(group, "commands") and words[0] in group.commands:
        path, group, words = (*path, words[0]), group.commands[words[0]], words[1:]
    return path, group, words


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_help(path):
    result = CliRunner().invoke(app, [*path, "--help"])
    assert result.exit_code == 0, result.output
    assert COMMANDS[path].help, f"{path} has no description"
    for parameter in COMMANDS[path].params:
        hidden = parameter.name in ("help", "context")
        assert hidden or parameter.help, f"{path}: {parameter.name} has no help text"


@pytest.mark.parametrize(("page", "line", "whole"), DOCUMENTED)
def test_documented_command_parses(page, line, whole):
    for name, value in VARIABLES.items():
        line = line.replace(name, value)
    line = re.sub(r"\$\{\w+:-([^}]+)\}", r"\1", line)  # a variable that has a default
    words = [word for word in shlex.split(line, comments=True)[1:] if not word.startswith("$")]
    if words[0].startswith("--"):
        assert words[0] in {name for parameter in GROUP.params for name in parameter.opts}
        return
    path, command, rest = find(words)
    assert path, f"{page}: there is no command {words[0]!r}"
    options = {name for parameter in command.params for name in parameter.opts} | {"--help"}
    # what follows -- is another program's
    own = rest[: rest.index("--")] if "--" in rest else rest
    written = {word.strip("[]").split("=")[0] for word in own if word.strip("[").startswith("--")}
    assert written <= options, f"{page}: {' '.join(path)} has no {written - options}"
    if whole and "--help" not in written:
        command.make_context(path[-1], rest)  # parses and checks, does not run


def test_every_command_is_documented():
    paths = {find(line.split()[1:])[0] for _, line, _ in DOCUMENTED}
    # tables name a group's commands after the first one: `voxion voxels info`, `page`
    for row in (ROOT / "README.md").read_text().splitlines():
        if first := re.match(r"\| \[?`voxion (\w+) ", row):
            named = {(first[1], name) for name in re.findall(r"`([\w-]+)`", row.split("|")[1])}
            assert named <= set(COMMANDS), f"there is no command {named - set(COMMANDS)}"
            paths |= named
    assert set(COMMANDS) - paths == set()
