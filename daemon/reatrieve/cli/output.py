"""What commands print: lines and JSON in which no text from outside can do harm to the terminal."""

from __future__ import annotations

import json
import sys
from typing import Any, TextIO

from reatrieve.cli.wrapping import wrapped
from reatrieve.plain import plain, plain_json

__all__ = ["say", "say_json"]


def say(*lines: str, indent: int | None = None, file: TextIO | None = None) -> None:
    """Print each text as one line: a file's name or a label in it begins no other, and holds no control character.

    Parameters
    ----------
    indent : lines are broken where they are too long for the terminal, and go on after so many blanks.
    file : standard output, unless given.
    """
    file = sys.stdout if file is None else file
    for line in map(plain, lines):
        print(line if indent is None else wrapped(line, indent=indent), file=file)
    file.flush()


def say_json(value: Any) -> None:
    """Print one JSON object as a line of standard output."""
    print(plain_json(json.dumps(value, ensure_ascii=False)), flush=True)
