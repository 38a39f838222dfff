"""Child process of the harness: python -m tests.fuzz.child TARGET SEED FIRST LAST FOLDER."""

import sys
from pathlib import Path

from .harness import run_child
from .targets import find_target

if __name__ == "__main__":
    name, seed, first, last, folder = sys.argv[1:]
    run_child(find_target(name), int(seed), int(first), int(last), Path(folder))
