"""The experiments written down: tables, and one page with the paper's statements beside what came out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from reatrieve.evaluation.experiments import DEFAULT_LABEL, Experiment
from reatrieve.evaluation.figures import Figures, draw, draw_reliability
from reatrieve.evaluation.findings import Finding
from reatrieve.evaluation.tables import Table, interval, number

__all__ = ["experiment_table", "write_experiments"]

CURVE_AT = (1, 3, 5)


def experiment_table(experiment: Experiment, figures: Figures, *, random_recall: float, budget: int) -> Table:
    """The figures of one experiment as a table, the default retriever in it."""
    chance = f"{experiment.note} Random order finds {number(random_recall)}."
    if experiment.shape == "curves":
        named = [(DEFAULT_LABEL, DEFAULT_LABEL), *((point.series, point.setup.label) for point in experiment.points)]
        at = [k for k in CURVE_AT if k < budget]
        rows = tuple(
            (
                name,
                number(figures[label]["recall"]),
                interval(figures[label]["interval"]["recall"]),
                *(number(figures[label]["curve"][k]) for k in at),
            )
            for name, label in named
        )
        return Table(experiment.title, ("", "recall", "95 %", *(f"after {k}" for k in at)), rows, chance)
    places = list(dict.fromkeys(point.x for point in experiment.points))
    grid = {(point.series, point.x): figures[point.setup.label]["recall"] for point in experiment.points}
    default = number(figures[DEFAULT_LABEL]["recall"])
    rows = (
        (DEFAULT_LABEL, *(default for _ in places)),
        *(
            (series, *(number(grid.get((series, x))) for x in places))
            for series in dict.fromkeys(point.series for point in experiment.points)
        ),
    )
    return Table(experiment.title, (experiment.x_label, *(str(x) for x in places)), rows, chance)


def write_experiments(
    folder: Path,
    made: Sequence[Experiment],
    figures: Figures,
    found: Sequence[Finding],
    *,
    about: str,
    random_recall: float,
    budget: int,
) -> list[Path]:
    """Write figures, tables, ``figures.json`` and ``README.md`` into ``folder``; what was written, in that order."""
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    sections: list[str] = []
    for experiment in made:
        drawn = draw(experiment, figures, random_recall, folder)
        table = experiment_table(experiment, figures, random_recall=random_recall, budget=budget)
        written += [
            *drawn,
            _text(folder / f"{experiment.key}.csv", table.csv()),
            _text(folder / f"{experiment.key}.md", table.markdown()),
        ]
        picture = f"![{experiment.title}]({drawn[0].name})\n\n" if drawn else ""
        body = table.markdown().partition("\n\n")[2]
        sections.append(f"## {experiment.title}\n\n{picture}{body}")
    reliability = figures[DEFAULT_LABEL]
    written += draw_reliability(reliability["reliability"], reliability["ece"], folder / "reliability")
    sections.append(
        "## Reliability of the default retriever's probabilities\n\n![Reliability diagram](reliability.png)\n"
    )
    plain = {label: _plain(one) for label, one in figures.items()}
    plain_text = json.dumps({"random_recall": random_recall, "retrievers": plain}, indent=1) + "\n"
    written.append(_text(folder / "figures.json", plain_text))
    verdicts = Table(
        "Statement by statement",
        ("the paper says", "came out here", "outcome"),
        tuple((one.statement, one.came_out, one.outcome) for one in found),
        "Outcome by the paired bootstrap over files: a difference whose 95 % interval holds 0 is undecided.",
    )
    written.append(_text(folder / "statements.csv", verdicts.csv()))
    body = verdicts.markdown().partition("\n\n")[2].replace("--:", "---")
    page = f"# The paper's experiments\n\n{about}\n\n## Statement by statement\n\n{body}\n" + "\n".join(sections)
    written.append(_text(folder / "README.md", page))
    return written


def _plain(figures: Mapping[str, Any]) -> dict[str, Any]:
    kept = (
        "recall",
        "curve",
        "accepted_recall",
        "first_candidate_right",
        "all_found_share",
        "ece",
        "sounds",
        "sessions",
    )
    chosen = {key: _rounded(figures[key]) for key in kept}
    return chosen | {"interval": {"recall": _rounded(figures["interval"]["recall"])}}


def _rounded(value: Any) -> Any:
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return round(value, 4) if isinstance(value, float) else value


def _text(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8", newline="\n")
    return path
