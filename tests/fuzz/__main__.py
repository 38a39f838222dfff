"""Fuzz some targets: python -m tests.fuzz [TARGET ...] [--cases N] [--seed S] [--first N]."""

import argparse
import sys

from .harness import fuzz
from .targets import MODULES


def main() -> int:
    """Run the targets and print their counts; exit with 1 if there was a fault."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", choices=[[], *MODULES], metavar="TARGET")
    parser.add_argument("--cases", type=int, default=1000, help="of each target (1000)")
    parser.add_argument("--seed", type=int, default=0, help="(0)")
    parser.add_argument("--first", type=int, default=0, help="number of the first case (0)")
    parser.add_argument("--show", action="store_true", help="print each fault's traceback")
    options = parser.parse_args()
    faults = 0
    for name in options.targets or MODULES:
        outcome = fuzz(name, options.seed, options.cases, options.first)
        print(outcome.summary(name), flush=True)
        if options.show:
            for case, fault in outcome.faults.items():
                print(f"--- case {case}\n{fault}")
        faults += len(outcome.faults)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
