"""Tables of figures: for people at a terminal, as CSV and as Markdown."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Table", "evaluation_tables"]

CURVE_AT = (1, 3, 5)


@dataclass(frozen=True, slots=True)
class Table:
    """A title, a header and rows of text."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""

    def text(self) -> str:
        """Aligned columns, the first to the left, for a terminal."""
        columns = list(zip(self.header, *self.rows, strict=True))
        widths = [max(len(cell) for cell in column) for column in columns]

        def line(cells: Sequence[str]) -> str:
            first, *others = (
                cell.ljust(w) if not i else cell.rjust(w) for i, (cell, w) in enumerate(zip(cells, widths, strict=True))
            )
            return "  ".join([first, *others]).rstrip()

        lines = [self.title, line(self.header), line(["-" * width for width in widths]), *map(line, self.rows)]
        return "\n".join([*lines, *([self.note] if self.note else [])])

    def csv(self) -> str:
        """Comma separated, the header first, lines ended by a line feed."""
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(self.header)
        writer.writerows(self.rows)
        return stream.getvalue()

    def markdown(self) -> str:
        """A GitHub table under its title."""
        rule = ["---", *["--:"] * (len(self.header) - 1)]
        lines = ["| " + " | ".join(cells) + " |" for cells in (self.header, rule, *self.rows)]
        return "\n".join([f"**{self.title}**", "", *lines, *(["", self.note] if self.note else []), ""])


def evaluation_tables(figures: Mapping[str, Any], *, budget: int) -> list[Table]:
    """What `evaluate` prints, from what ``evaluate.report`` gave."""
    named = {figures["retriever"]: figures, **figures["retrievers"]}
    chance = f"Random order finds {number(figures['random_recall'])}."
    at = [k for k in CURVE_AT if k < budget]
    recall_rows = []
    for name, one in named.items():
        difference = one.get("difference")
        recall_rows.append(
            (
                name,
                number(one["recall"]),
                interval(one["interval"]["recall"]),
                *(number(one["curve"][k]) for k in at),
                number(one["accepted_recall"]),
                ""
                if difference is None
                else f"{number(difference['recall'], sign=True)} {interval(difference['interval']['recall'])}",
            )
        )
    tables = [
        Table(
            f"Recall at {budget} rejections, {figures['sounds']} sounds, {figures['sessions']} sessions",
            ("retriever", "recall", "95 %", *(f"after {k}" for k in at), "accepted", "first minus this"),
            tuple(recall_rows),
            chance,
        ),
        Table(
            "The way there",
            ("retriever", "first right", "all found", "answers/found", "start ms, median", "95 %", "ECE"),
            tuple(
                (
                    name,
                    number(one["first_candidate_right"]),
                    number(one["all_found_share"]),
                    number(one["answers_per_found"], places=2),
                    number(one["start_error_ms_median"], places=1),
                    number(one["start_error_ms_p95"], places=1),
                    number(one["ece"]),
                )
                for name, one in named.items()
            ),
            chance,
        ),
        Table(
            "What sessions say of themselves",
            (
                "retriever",
                "said done",
                "too early",
                "asked before",
                "nothing there: said",
                "asked",
                "rest F1",
                "after",
                "decided F1",
                "after",
            ),
            tuple((name, *_statements(one["nothing_else"], one["rest"])) for name, one in named.items()),
            f'"Probably nothing else", and accepting the rest above {figures["rest"]["above"]:g}, '
            f"after so many answers or after questions that decide the rest. {chance}",
        ),
    ]
    kinds = [kind for kind in figures["by_kind"] if kind]
    if len(kinds) > 1:
        tables.append(
            Table(
                "Recall by kind",
                ("retriever", *kinds),
                tuple(
                    (name, *(number(one["by_kind"][kind]["recall"]) for kind in kinds)) for name, one in named.items()
                ),
                chance,
            )
        )
    if figures["annotators"]:
        tables.append(
            Table(
                "Agreement of annotators",
                ("annotators", "sounds", "F1", "start ms, median"),
                tuple(
                    (
                        " and ".join(row["annotators"]),
                        str(row["sounds"]),
                        number(row["f1"]),
                        number(row["start_difference_ms_median"], places=1),
                    )
                    for row in figures["annotators"]
                ),
                "Over sounds that both marked in one file.",
            )
        )
    return tables


def _statements(said: Mapping[str, Any], rest: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        number(said["said_share"]),
        number(said["said_too_early_share"]),
        number(said["asked_until_said_median"], places=1),
        number(said["alone_said_share"]),
        number(said["alone_asked_until_said_max"], places=0),
        number(rest["f1"][-1] if rest["f1"] else None),
        str(rest["n_answers"][-1]) if rest["f1"] else "-",
        number(rest["decided_f1"]),
        number(rest["decided_answers"], places=1),
    )


def number(value: float | None, *, places: int = 3, sign: bool = False) -> str:
    """A figure as tables show it: ``.979``, ``1.000``, ``-``."""
    if value is None or value != value:
        return "-"
    text = f"{value:+.{places}f}" if sign else f"{value:.{places}f}"
    return text.replace("0.", ".", 1) if text.lstrip("+-").startswith("0.") else text


def interval(pair: Sequence[float | None]) -> str:
    """An interval as tables show it: ``.960 to .992``."""
    low, high = pair
    return f"{number(low)} to {number(high)}"
