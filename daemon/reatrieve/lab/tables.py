"""Tables of figures: for people at a terminal, as CSV and as Markdown."""

from __future__ import annotations

import csv
import io
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from reatrieve.plain import plain

__all__ = ["Table", "evaluation_tables"]

CURVE_AT = (1, 3, 5)
STATEMENTS = (
    "said done", "too early", "asked before", "nothing there: said", "asked",
    "rest F1", "answers before", "decided F1", "questions before",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Table:
    """A title, a header and rows of text."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""

    def text(self, columns: int | None = None) -> str:
        """Aligned columns, the first to the left, for a terminal.

        Parameters
        ----------
        columns : those of the terminal. Where the table is wider, each row is a block with a figure a line. None: as
        wide as it is.
        """
        header, *rows = (tuple(map(plain, cells)) for cells in (self.header, *self.rows))  # names come from files
        widths = [max(len(cell) for cell in column) for column in zip(header, *rows, strict=True)]
        if columns is not None and sum(widths) + 2 * (len(widths) - 1) > columns:
            return replace(self, header=header, rows=tuple(rows))._narrow(columns)

        def line(cells: Sequence[str]) -> str:
            first, *others = (
                cell.ljust(w) if not i else cell.rjust(w) for i, (cell, w) in enumerate(zip(cells, widths, strict=True))
            )
            return "  ".join([first, *others]).rstrip()

        lines = [self.title, line(header), line(["-" * width for width in widths]), *map(line, rows)]
        note = textwrap.fill(self.note, columns) if columns is not None else self.note
        return "\n".join([*lines, *([note] if note else [])])

    def _narrow(self, columns: int) -> str:
        names = self.header[1:]
        wide = max(len(name) for name in names)
        lines = [textwrap.fill(self.title, columns)]
        for first, *cells in self.rows:
            lines.append(f"{self.header[0]} {first}")
            lines += [f"  {name.ljust(wide)}  {cell}".rstrip() for name, cell in zip(names, cells, strict=True)]
        return "\n".join([*lines, *([textwrap.fill(self.note, columns)] if self.note else [])])

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
    """What `evaluate` prints, from what ``summary.report`` gave."""
    named = {figures["retriever"]: figures, **figures["retrievers"]}
    chance = f"Random order finds {number(figures['random_recall'])}."
    compared = ["first minus this"] if figures["retrievers"] else []
    at = [k for k in CURVE_AT if k < budget]
    kinds = [kind for kind in figures["by_kind"] if kind]
    rest_note = (
        f'"Probably nothing else", and accepting the rest above {figures["rest"]["above"]:g}, '
        f"after so many answers or after questions that decide the rest."
    )
    columns: list[tuple[str, Sequence[str], Callable[[Mapping[str, Any]], Sequence[str]], str]] = [
        (
            f"Recall at {counted(budget, 'rejection')}, {counted(figures['sounds'], 'sound')}, "
            f"{counted(figures['sessions'], 'session')}",
            ["recall", "95 % interval", *(f"after {k} no" for k in at), "accepted", *compared],
            lambda one: _recall_cells(one, at)[: len(at) + 3 + len(compared)],
            chance,
        ),
        (
            "The way there",
            ["first right", "all found", "answers/found", "start ms, median", "start ms, 95 % below", "ECE"],
            _way_cells,
            "ECE: how far the percentages are from the share of right answers, on average; 0 is best.",
        ),
        ("What sessions say of themselves", STATEMENTS, _statement_cells, rest_note),
    ]
    if len(kinds) > 1:
        columns.append(
            ("Recall by kind", kinds, lambda one: [number(one["by_kind"][kind]["recall"]) for kind in kinds], "")
        )
    tables = [
        Table(title, ("retriever", *header), tuple((name, *cells(one)) for name, one in named.items()), note)
        for title, header, cells, note in columns
    ]
    if figures["annotators"]:
        header = ("annotators", "sounds", "F1", "start ms, median")
        rows = tuple(_agreement_cells(row) for row in figures["annotators"])
        tables.append(Table("Agreement of annotators", header, rows, "Over sounds that both marked in one file."))
    return tables


def _recall_cells(one: Mapping[str, Any], at: Sequence[int]) -> list[str]:
    gain = ""
    if difference := one.get("difference"):
        gain = f"{number(difference['recall'], sign=True)} {interval(difference['interval']['recall'])}"
    curve = [number(one["curve"][k]) for k in at]
    return [number(one["recall"]), interval(one["interval"]["recall"]), *curve, number(one["accepted_recall"]), gain]


def _way_cells(one: Mapping[str, Any]) -> list[str]:
    return [
        number(one["first_candidate_right"]),
        number(one["all_found_share"]),
        number(one["answers_per_found"], places=2),
        number(one["start_error_ms_median"], places=1),
        number(one["start_error_ms_p95"], places=1),
        number(one["ece"]),
    ]


def _statement_cells(one: Mapping[str, Any]) -> list[str]:
    said, rest = one["nothing_else"], one["rest"]
    return [
        number(said["said_share"]),
        number(said["said_too_early_share"]),
        number(said["asked_until_said_median"], places=1),
        number(said["alone_said_share"]),
        number(said["alone_asked_until_said_max"], places=0),
        number(rest["f1"][-1] if rest["f1"] else None),
        str(rest["n_answers"][-1]) if rest["f1"] else "-",
        number(rest["decided_f1"]),
        number(rest["decided_answers"], places=1),
    ]


def _agreement_cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    start_ms = number(row["start_difference_ms_median"], places=1)
    return " and ".join(row["annotators"]), str(row["sounds"]), number(row["f1"]), start_ms


def counted(count: int, what: str) -> str:
    """``1 sound``, ``2 sounds``."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


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
