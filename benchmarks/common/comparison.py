"""From the measurements of all rounds to ratios over a named peer, by the quieter measure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal

Measure = Literal["wall", "processor"]
MEASURES: tuple[Measure, ...] = ("wall", "processor")
NOTE = (
    "ratio: time over that of the first mode in the same round, median over rounds, then the "
    "smallest and largest of them; by wall or by processor time, whichever varies less between the "
    "rounds of this table. The other one's ratio stands beside it. instructions: of the whole "
    "processes, their set-up included, by perf; no column where perf cannot count them."
)


@dataclass(frozen=True)
class Compared:
    """One mode beside the reference of its table.

    Attributes
    ----------
    name, label : str
        Those of the mode.
    wall, processor : float
        Medians over rounds, s.
    measure : str
        Quieter of the two, the same for all modes of a table.
    ratio : float
        Median over rounds of the ratio to the reference in the same round, by that measure.
    ratios : dict of str to list of float
        Ratios round by round, by each measure.
    instructions : float or None
        Median over rounds of the ratio of instructions.
    """

    name: str
    label: str
    wall: float
    processor: float
    measure: Measure
    ratio: float
    ratios: dict[Measure, list[float]]
    instructions: float | None

    @property
    def added(self) -> list[float]:
        """Time beyond the reference round by round, by the quieter measure, per cent."""
        return [100 * (ratio - 1) for ratio in self.ratios[self.measure]]


def by_mode(measurements: Iterable[Mapping[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Return the measurements of each mode by round, the modes as they stand in the table.

    What was given up is left out.
    """
    done = [dict(m) for m in measurements if m["wall"] is not None]
    groups: dict[str, list[dict[str, Any]]] = {}
    for one in sorted(done, key=lambda m: (m["position"], m["round"])):
        groups.setdefault(one["mode"], []).append(one)
    return groups


def by_round(measurements: Iterable[Mapping[str, Any]], mode: str) -> dict[int, dict[str, Any]]:
    """Return the measurements of one mode by round; none if it was given up."""
    return {m["round"]: m for m in by_mode(measurements).get(mode, [])}


def compare(measurements: Sequence[Mapping[str, Any]], reference: str) -> dict[str, Compared]:
    """Compare every mode with a reference, round by round.

    Parameters
    ----------
    measurements : sequence of mappings
        Records of one table, as of `run_rounds`.
    reference : str
        Name of the mode that the others are compared with.

    Returns
    -------
    dict of str to Compared
        By name of the mode, without those that were given up; empty if the reference was.
    """
    groups = by_mode(measurements)
    base = by_round(measurements, reference)
    ratios = {
        name: {
            measure: [m[measure] / base[m["round"]][measure] for m in group] for measure in MEASURES
        }
        for name, group in groups.items()
        if base
    }
    quieter = quieter_measure([found for name, found in ratios.items() if name != reference])
    return {
        name: Compared(
            name=name,
            label=groups[name][0]["label"],
            wall=median(m["wall"] for m in groups[name]),
            processor=median(m["processor"] for m in groups[name]),
            measure=quieter,
            ratio=median(found[quieter]),
            ratios=found,
            instructions=_instructions(groups[name], base),
        )
        for name, found in ratios.items()
    }


def quieter_measure(ratios: Sequence[Mapping[Measure, Sequence[float]]]) -> Measure:
    """Return the measure whose ratios vary less between rounds; of one round, processor time.

    Parameters
    ----------
    ratios : sequence of mappings
        For each mode, ratios round by round, by measure. The spread of a mode is the difference of
        its largest and smallest ratio over their median; the median over modes counts.
    """

    def spread(measure: Measure) -> float:
        found = [of[measure] for of in ratios]
        return median((max(r) - min(r)) / median(r) for r in found) if found else 0.0

    return "wall" if spread("wall") < spread("processor") else "processor"


def head(rows: Sequence[Compared]) -> list[str]:
    """Return the head of the columns that all benchmarks have."""
    measure = rows[0].measure
    words = ["mode", "wall, ms/step", "processor, ms/step", f"ratio ({measure})", "rounds"]
    words.append(f"ratio ({_other(measure)})")
    if any(row.instructions is not None for row in rows):
        words.append("instructions")
    return words


def cells(rows: Sequence[Compared], steps: int) -> list[list[str]]:
    """Return the cells of the columns that all benchmarks have, times in ms per step."""
    counted = any(row.instructions is not None for row in rows)
    return [[*_cells(row, steps), *([_optional(row.instructions)] * counted)] for row in rows]


def _cells(row: Compared, steps: int) -> list[str]:
    ratios = row.ratios[row.measure]
    return [
        row.label,
        f"{1e3 * row.wall / steps:.3f}",
        f"{1e3 * row.processor / steps:.3f}",
        f"{row.ratio:.4f}",
        f"{min(ratios):.3f} to {max(ratios):.3f}",
        f"{median(row.ratios[_other(row.measure)]):.4f}",
    ]


def _instructions(
    group: Sequence[Mapping[str, Any]], base: Mapping[int, Mapping[str, Any]]
) -> float | None:
    pairs = [(m["instructions"], base[m["round"]]["instructions"]) for m in group]
    ratios = [ours / theirs for ours, theirs in pairs if ours and theirs]
    return median(ratios) if ratios else None


def _other(measure: Measure) -> Measure:
    return "wall" if measure == "processor" else "processor"


def _optional(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
