"""The experiments written down: tables, and one page with the paper's statements beside what came out.

A statement agrees, disagrees or is undecided by paired bootstrap intervals.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from reatrieve.files import write_whole
from reatrieve.lab.experiments import ALPHAS, DEFAULT_LABEL, Experiment
from reatrieve.lab.figures import Figures, draw, draw_reliability
from reatrieve.lab.records import SessionRecord
from reatrieve.lab.scoring import paired_difference, summary
from reatrieve.lab.tables import Table, interval, number

__all__ = ["PAGE_TITLE", "Finding", "experiment_table", "findings", "write_experiments"]

Outcome: TypeAlias = Literal["agrees", "disagrees", "undecided"]

SessionsBySetup: TypeAlias = Mapping[str, Sequence[SessionRecord]]

PAGE_TITLE = "# The paper's experiments"
"""First line of the page that is written."""
PLAIN = "paper"
TUNED = "paper:alpha=1.0"
PAPER_RECALL, PAPER_RECALL_TUNED = 0.61, 0.64
SAME_WITHIN = 0.05
"""Recalls on different music that differ by less are called the same."""

SMALL_GAIN = 0.01


@dataclass(frozen=True, slots=True)
class Finding:
    """One statement of the paper, what came out here, and whether the two agree."""

    statement: str
    came_out: str
    outcome: Outcome


def findings(made: Sequence[Experiment], sessions: SessionsBySetup, *, budget: int) -> list[Finding]:
    """Hold each statement of the paper against the sessions.

    Parameters
    ----------
    made : the experiments that ran; statements about others are left out.
    sessions : label of the setup -> its sessions.
    """
    judge = _Judge({experiment.key: experiment for experiment in made}, sessions, budget)
    return [
        *judge.of("fig1_representations", judge.nmf_helps, judge.mfcc_best, judge.level_plain),
        *judge.of("fig2_components", judge.falls_past_twenty),
        *judge.of("fig3_selected", judge.slightly_below_is_best),
        *judge.of("regularisation", judge.level_tuned, judge.regularisation_gains_little, judge.l1_hurts),
        *judge.of("query_strategies", judge.uncertainty_is_wrong),
        *judge.of("fig1_representations", judge.learned_no_better, judge.default_finds_more),
    ]


class _Judge:
    def __init__(self, experiments: Mapping[str, Experiment], sessions: SessionsBySetup, budget: int) -> None:
        self._experiments = experiments
        self._sessions = sessions
        self._budget = budget

    def of(self, experiment: str, *statements: Callable[[], list[Finding]]) -> Iterator[Finding]:
        """The findings of one experiment, if it ran."""
        if experiment in self._experiments:
            for statement in statements:
                yield from statement()

    def nmf_helps(self) -> list[Finding]:
        """NMF against raw, one finding a representation."""
        pairs: dict[str, dict[str, str]] = {}
        factorised = (p for p in self._experiments["fig1_representations"].points if p.x != "default")
        for point in factorised:
            pairs.setdefault(point.series.rsplit(" ", 2 if point.x == "nmf" else 1)[0], {})[str(point.x)] = (
                point.setup.label
            )
        return [
            self._more(f"NMF helps {name}.", labels["nmf"], labels["raw"], f"{name} + NMF", f"{name} raw")
            for name, labels in pairs.items()
            if name in ("STFT", "CQT", "MFCC")
        ]

    def mfcc_best(self) -> list[Finding]:
        """MFCC with NMF against the better of the other two."""
        others = ["paper:representation=stft", "paper:representation=cqt"]
        best = max(others, key=self._recall)
        name = best.rpartition("=")[2].upper()
        return [self._more("MFCC is the best representation (with NMF).", PLAIN, best, "MFCC", name)]

    def level_plain(self) -> list[Finding]:
        """The paper's figure before tuning."""
        return [self._level(PLAIN, PAPER_RECALL, "MFCC with NMF finds 61 % at ten rejections.")]

    def level_tuned(self) -> list[Finding]:
        """The paper's figure after tuning."""
        return [self._level(TUNED, PAPER_RECALL_TUNED, "After tuning it finds 64 %.")]

    def _level(self, label: str, level: float, statement: str) -> Finding:
        """A recall as such, on other music."""
        recall = self._recall(label)
        outcome: Outcome = "agrees" if abs(recall - level) <= SAME_WITHIN else "disagrees"
        return Finding(statement, f"{number(recall)} on this data set", outcome)

    def falls_past_twenty(self) -> list[Finding]:
        """The largest number of components against twenty."""
        points = [p for p in self._experiments["fig2_components"].points if p.series == "MFCC"]
        at = {point.x: point.setup.label for point in points}
        most = max(x for x in at if isinstance(x, int))
        best = max(at, key=lambda x: self._recall(at[x]))
        found = self._more(
            "Recall falls past 20 components (MFCC).", at[20], at[most], "20 components", f"{most} components"
        )
        return [Finding(found.statement, f"{found.came_out}; best at {best}", found.outcome)]

    def slightly_below_is_best(self) -> list[Finding]:
        """k = 25 of 30 against all 30 rows."""
        points = [p for p in self._experiments["fig3_selected"].points if p.series == "MFCC, 30 components"]
        at = {point.x: point.setup.label for point in points}
        best = max(at, key=lambda x: self._recall(at[x]))
        found = self._more("k slightly below the number of components is best.", at[25], at[30], "k = 25", "k = 30")
        return [Finding(found.statement, f"{found.came_out}; best at k = {best}", found.outcome)]

    def regularisation_gains_little(self) -> list[Finding]:
        """The best of the table against none."""
        labels = {point.setup.label for point in self._experiments["regularisation"].points} - {PLAIN}
        best = max(sorted(labels), key=self._recall)
        gain = self._recall(best) - self._recall(PLAIN)
        outcome: Outcome = "agrees" if gain <= SMALL_GAIN else "disagrees"
        if outcome == "disagrees" and self._interval(best, PLAIN)[0] <= SMALL_GAIN:
            outcome = "undecided"
        text = f"the best setting ({best.removeprefix('paper:')}) gains {number(gain, sign=True)}"
        return [Finding("Regularisation gains at most 1 %.", text, outcome)]

    def l1_hurts(self) -> list[Finding]:
        """L1 alone against L2 alone, at the paper's alpha; the strongest alpha is told too."""
        found = self._more("L1 hurts.", TUNED, f"{TUNED}:l1_ratio=1.0", "alpha 1 without L1", "alpha 1, all L1")
        strong = f"paper:alpha={max(ALPHAS)}"
        pair = f"{number(self._recall(strong))} and {number(self._recall(f'{strong}:l1_ratio=1.0'))}"
        return [Finding(found.statement, f"{found.came_out}; at alpha {max(ALPHAS):g}: {pair}", found.outcome)]

    def uncertainty_is_wrong(self) -> list[Finding]:
        """Greedy against the other query strategies."""
        return [
            self._more(
                f"Asking {how} finds less than asking about the nearest.",
                PLAIN,
                f"paper:query={query}",
                "greedy",
                query,
            )
            for query, how in (("uncertainty", "about the least certain excerpt"), ("random", "at random"))
        ]

    def learned_no_better(self) -> list[Finding]:
        """Learned representations against MFCC with NMF."""
        known = ("STFT", "CQT", "MFCC")
        points = [
            point
            for point in self._experiments["fig1_representations"].points
            if point.x != "default" and not point.series.startswith(known)
        ]
        made = []
        for point in points:
            found = self._more(
                f"A network's features are no better than NMF of MFCC ({point.series}).",
                PLAIN, point.setup.label, "MFCC + NMF", point.series,
            )  # fmt: skip
            outcome: Outcome = "agrees" if found.outcome == "undecided" else found.outcome
            made.append(Finding(found.statement, found.came_out, outcome))
        return made

    def default_finds_more(self) -> list[Finding]:
        """Not the paper's: what the default retriever makes of the same task."""
        return [
            self._more(
                "(Not in the paper) The default retriever finds more than the paper's.",
                DEFAULT_LABEL,
                PLAIN,
                "default",
                "paper",
            )
        ]

    def _recall(self, label: str) -> float:
        return float(summary(self._sessions[label], budget=self._budget)["recall"])

    def _interval(self, more: str, less: str) -> list[float]:
        difference = paired_difference(self._sessions[more], self._sessions[less], budget=self._budget)
        pair: list[float] = difference["interval"]["recall"]
        return pair

    def _more(self, statement: str, more: str, less: str, more_name: str, less_name: str) -> Finding:
        """A statement that one setup finds more than another."""
        pair = self._interval(more, less)
        a, b = self._recall(more), self._recall(less)
        outcome: Outcome = "agrees" if pair[0] > 0 else "disagrees" if pair[1] < 0 else "undecided"
        gain = f"{number(a - b, sign=True)} ({interval(pair)})"
        text = f"{more_name} {number(a)}, {less_name} {number(b)}; difference {gain}"
        return Finding(statement, text, outcome)


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
    """Write figures, tables, ``figures.json`` (all of it for programs) and ``README.md`` into ``folder``.

    Returns
    -------
    list of Path
        What was written, in that order.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    sections: list[str] = []
    for experiment in made:
        drawn = draw(experiment, figures, random_recall, folder)
        table = experiment_table(experiment, figures, random_recall=random_recall, budget=budget)
        written += [*drawn, _text(folder / f"{experiment.key}.csv", table.csv())]
        picture = f"![{experiment.title}]({drawn[0].name})\n\n" if drawn else ""
        body = table.markdown().partition("\n\n")[2]
        sections.append(f"## {experiment.title}\n\n{picture}{body}")
    reliability = figures[DEFAULT_LABEL]
    written += draw_reliability(reliability["reliability"], reliability["ece"], folder / "reliability")
    sections.append(
        "## Reliability of the default retriever's probabilities\n\n![Reliability diagram](reliability.svg)\n"
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
    page = f"{PAGE_TITLE}\n\n{about}\n\n## Statement by statement\n\n{body}\n" + "\n".join(sections)
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
    write_whole(path, text.encode("utf-8"))
    return path
