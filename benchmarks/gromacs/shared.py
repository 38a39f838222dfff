"""What this benchmark takes from that of the charges: records, tables, models, errors."""

import sys
from pathlib import Path

# after this folder, so that modules of one name stay those of this folder
sys.path.append(str(Path(__file__).resolve().parent.parent / "charges"))

from cached_systems import CACHE, SEED
from harness import check_local, report_errors
from modes import rotated
from record import environment, finished, write_json, write_text
from summary import markdown_table, print_table
from untrained import write_untrained

__all__ = [
    "CACHE",
    "SEED",
    "check_local",
    "environment",
    "finished",
    "markdown_table",
    "print_table",
    "report_errors",
    "rotated",
    "write_json",
    "write_text",
    "write_untrained",
]
