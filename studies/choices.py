"""Error of the linear response for choices of cutoff, widths, shells and plane waves.

python studies/choices.py TRAINING_DATA [UNSEEN_DATA ...]

Trains on the first data set, scores on the part of it that was held out and on the others, which
it never saw. Writes choices.md beside this file.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import track

from voxion.charges.defaults import CUTOFF, SHELLS, WIDTHS
from voxion.charges.evaluation.scores import ScoreReport, score
from voxion.charges.training.run import make_settings, train

SIX = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4)
# cutoff / angstrom, widths / (1/angstrom), shells, largest wave vector / (1/angstrom)
CHOICES = [
    *((cutoff, WIDTHS, SHELLS, None) for cutoff in (8.0, 10.0, 12.0, 13.0, 14.0, 16.0, 20.0)),
    *((8.0, WIDTHS, SHELLS, largest) for largest in (0.8, 1.2, 1.6)),
    *((10.0, WIDTHS, SHELLS, largest) for largest in (0.8, 1.2, 1.6)),
    (CUTOFF, WIDTHS, SHELLS, 1.2),
    *((CUTOFF, widths, SHELLS, None) for widths in ((0.1, 0.15), (0.05, 0.15, 0.2), SIX)),
    *((CUTOFF, WIDTHS, shells, None) for shells in (1, 2, 4, 6, 8, 14)),
    (12.0, SIX, 8, None),
]

RESULT = Path(__file__).with_suffix(".md")


def main(
    training: Annotated[Path, typer.Argument(help="Data set to train on.")],
    unseen: Annotated[list[Path] | None, typer.Argument(help="Other data sets.")] = None,
    out: Annotated[Path, typer.Option()] = RESULT,
) -> None:
    """Train and score each choice; MAE in e and R2."""
    others = unseen or []
    names = [f"{training.stem}, held out", *(f"{path.stem}, unseen" for path in others)]
    lines = [
        "| cutoff / angstrom | widths / (1/angstrom) | shells | waves to | "
        + " | ".join(names)
        + " |",
        "|---" * (4 + len(names)) + "|",
    ]
    for cutoff, widths, shells, largest in track(CHOICES, "choices"):
        reports = _scores(training, others, cutoff, widths, shells, largest)
        cells = [f"{cutoff:g}", " ".join(map(str, widths)), str(shells), str(largest or "")]
        cells += [f"{report.model.mae:.2e}, {report.model.r2:.5f}" for report in reports]
        lines.append("| " + " | ".join(cells) + " |")
    lines.append(
        "| the same charge for all | | | | "
        + " | ".join(f"{r.constant.mae:.2e}, {r.constant.r2:.5f}" for r in reports)
        + " |"
    )
    text = "\n".join(lines) + "\n"
    typer.echo(text)
    out.write_text(f"# {__doc__.splitlines()[0]}\n\nMAE in e and R2.\n\n{text}")


def _scores(
    training: Path,
    others: list[Path],
    cutoff: float,
    widths: tuple[float, ...],
    shells: int,
    largest: float | None,
) -> list[ScoreReport]:
    settings = make_settings(
        [training],
        epochs=0,
        radial_functions={"widths": widths, "cutoff": cutoff},
        shells=shells,
        largest_wave_vector=largest,
    )
    with tempfile.TemporaryDirectory() as folder:
        result = train(settings, Path(folder) / "trained", progress=False)
        return [score(result.model_path, training, "held-out")] + [
            score(result.model_path, path) for path in others
        ]


if __name__ == "__main__":
    typer.run(main)
