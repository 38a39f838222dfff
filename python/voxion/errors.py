"""The one exception that voxion raises for a wrong input."""


class VoxionError(Exception):
    """An input is wrong; the message names it, what was expected and what to do.

    The command line prints the message as one line, without a traceback.
    """
