"""Text with one row a line: its encoding, its separator, and its rows with their line numbers."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from reatrieve import limits
from reatrieve.errors import AudioError, InputError
from reatrieve.files import read_small, unreadable

__all__ = ["DelimitedText", "decode_text", "read_text"]

MAX_TEXT_BYTES = 200_000_000

SEPARATORS = ("\t", ";", ",")
EXCEL_SEPARATOR = re.compile(r'"?sep=(\\t|.)"?\s*$', re.IGNORECASE)
BYTE_ORDER_MARK = "\ufeff"


def read_text(path: Path, *, name: str) -> str:
    """Text of a file that somebody named, decoded as ``decode_text`` does; ``name`` is for messages.

    Raises
    ------
    AudioError
        If it cannot be read, is no plain file, or is far too large.
    InputError
        If it is no text.
    """
    try:
        content = read_small(path, max_bytes=MAX_TEXT_BYTES, any_link=True, what="annotation file")
    except OSError as error:
        raise AudioError(unreadable(path, error)) from error
    return decode_text(content, name=name)


def decode_text(content: bytes, *, name: str) -> str:
    """Text of a table: UTF-8 with or without mark, UTF-16 or UTF-32 with mark, else Windows-1252.

    Raises
    ------
    InputError
        If it holds NUL bytes, so is no text.
    """
    for mark, encoding in ((b"\xff\xfe\0\0", "utf-32"), (b"\0\0\xfe\xff", "utf-32"), (b"\xff\xfe", "utf-16"),
                           (b"\xfe\xff", "utf-16")):  # fmt: skip
        if content.startswith(mark):
            text = content.decode(encoding, errors="replace")
            break
    else:
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError:
            text = content.decode("cp1252", errors="replace")
    if "\0" in text:
        raise InputError(f"{name} is neither a text table nor a format that ReaTrieve reads")
    return text.replace(BYTE_ORDER_MARK, "")  # joined files have one in the middle, too


@dataclass(frozen=True)
class DelimitedText:
    """A table's lines and what separates its cells: a character, or "" for blanks."""

    lines: tuple[str, ...]
    first: int
    separator: str

    @classmethod
    def of(cls, text: str, *, is_understood: Callable[[Sequence[str]], bool]) -> DelimitedText:
        """Find out the separator: what Excel's line ``sep=;`` says, or the first by which the first row makes sense.

        Parameters
        ----------
        text : the whole table.
        is_understood : whether these cells can be a table's first row.
        """
        lines = tuple(io.StringIO(text, newline=""))
        first = next((index for index, line in enumerate(lines) if line.strip()), len(lines))
        if first < len(lines) and (told := EXCEL_SEPARATOR.match(lines[first].strip("\r\n"))):
            return cls(lines, first + 1, "\t" if told[1] == "\\t" else told[1])
        row = lines[first] if first < len(lines) else ""
        present = [separator for separator in SEPARATORS if separator in row]
        understood = (separator for separator in present if is_understood(_cells(row, separator)))
        return cls(lines, first, next(understood, present[0] if present else ""))

    def rows(self, *, tabs_are_quoted: bool = False) -> Iterator[tuple[int, list[str] | str]]:
        """Line number and cells of each row that is not empty, or what is wrong with that line. One whose quotation
        marks do not match is the last.

        Parameters
        ----------
        tabs_are_quoted : whether cells between tabs may stand in quotes. Most programs do not do so: Audacity's label
            "a" has quotes in it.
        """
        if not self.separator:  # columns separated by blanks, the label last
            for number, line in enumerate(self.lines[self.first :], start=self.first + 1):
                if line.strip():
                    yield number, _bounded(line.split(None, 2))
            return
        lines, plain = self.lines[self.first :], self.separator == "\t" and not tabs_are_quoted
        reader = (
            csv.reader(lines, delimiter=self.separator, quoting=csv.QUOTE_NONE, strict=True)
            if plain
            else csv.reader(lines, delimiter=self.separator, strict=True)
        )
        number = self.first
        try:
            for cells in reader:
                number = self.first + reader.line_num
                if any(cell.strip() for cell in cells):
                    yield number, _bounded(cells)
        except csv.Error as error:
            if "field larger" in str(error):
                yield number + 1, f"a cell has more than {limits.CELL_CHARACTERS} characters; shorten it"
                return
            yield number + 1, "a quotation mark is not closed where its cell ends; the rows from here on are not read"


def _cells(row: str, separator: str) -> list[str]:
    try:
        cells = _bounded(next(csv.reader([row], delimiter=separator)))
    except csv.Error:  # a cell of more than 131,072 characters
        return []
    return [] if isinstance(cells, str) else cells


def _bounded(cells: list[str]) -> list[str] | str:
    """The cells, or which of them is too long to be looked at."""
    if max(map(len, cells), default=0) <= limits.CELL_CHARACTERS:
        return cells
    number, long = next((n, cell) for n, cell in enumerate(cells, start=1) if len(cell) > limits.CELL_CHARACTERS)
    return f"column {number} has {len(long)} characters, at most {limits.CELL_CHARACTERS} are taken; shorten it"
