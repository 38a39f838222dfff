"""The one exception that voxion raises for a wrong input."""

_LONGEST_MESSAGE = 900  # characters


class VoxionError(Exception):
    """An input is wrong; the message names it, what was expected and what to do.

    The command line prints the message as one line, without a traceback. Line breaks and other
    characters that a terminal cannot show are replaced, and the middle of a very long message is
    left out, since messages quote file names and contents as they were found.
    """

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message, _LONGEST_MESSAGE))


def one_line(text: object, longest: int = 200) -> str:
    """Return a text as one printable line of at most `longest` characters."""
    line = " ".join(str(text).split())
    if not line.isprintable():
        line = "".join(c if c.isprintable() else "?" for c in line)
    if len(line) <= longest:
        return line
    half = (longest - 5) // 2
    return f"{line[:half]} ... {line[-half:]}"
