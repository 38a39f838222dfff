"""What this benchmark takes from that of the charges: records, tables, systems, errors."""

import sys
from pathlib import Path

# after this folder, so that modules of one name stay those of this folder
sys.path.append(str(Path(__file__).resolve().parent.parent / "charges"))

from cached_systems import CACHE, paper_system
from harness import report_errors
from record import describe, environment, finished, write_json, write_text
from summary import markdown_table, print_table

__all__ = [
    "CACHE",
    "describe",
    "environment",
    "finished",
    "markdown_table",
    "paper_system",
    "print_table",
    "report_errors",
    "write_json",
    "write_text",
]
