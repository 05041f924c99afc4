"""The text of an .RPP file as a tree of blocks and lines, read as REAPER reads it, line by line.

A line has words; one in quotes (of three kinds) may hold blanks. ``<TAG ...`` opens a block, ``>`` closes it, ``|``
begins a line of free text. The tree is one of the ``rpp`` package.
"""

from __future__ import annotations

from rpp import Element

from reatrieve.errors import InputError

__all__ = ["format_rpp", "parse_rpp"]

_QUOTES = "\"'`"


def parse_rpp(text: str, *, line_limit: int) -> Element:
    """The project's root block; a line of one word is a str among the children, a longer one a list.

    Parameters
    ----------
    line_limit : int
        Bytes of a line that REAPER reads at once: what follows is a line of its own. 0: any number.

    Raises
    ------
    InputError
        If the file is cut off, holds more than one project, or a quote is not closed; the text names the line.
    """
    root: Element | None = None
    path: list[Element] = []
    lines = text.split("\n")
    for number, whole in enumerate(lines, start=1):
        pieces = _pieces(whole.rstrip("\r"), line_limit)
        for index, piece in enumerate(pieces):
            line = piece.strip(" \t")
            if not line:
                continue
            if root is not None and not path:
                what = "another project begins" if line.startswith("<REAPER_PROJECT") else "text follows"
                raise InputError(f"line {number}: the project has ended and {what} (a backup of several saves?)")
            if line == ">":
                if not path:
                    raise InputError(f"line {number}: '>' closes no block")
                path.pop()
                continue
            if line.startswith("|") or (path and path[-1].tag == "NOTES"):
                child: list[str] | str = piece.lstrip(" \t")
            else:
                words = _words(line.removeprefix("<"), closes=index + 1 < len(pieces))
                if words is None:
                    last = not any(later.strip() for later in lines[number:])
                    raise InputError(f"line {number}: {'cut off in' if last else 'nothing closes'} a quoted text")
                child = words if len(words) != 1 else words[0]
                if line.startswith("<"):
                    element = Element(words[0] if words else "", words[1:], [])
                    if path:
                        path[-1].children.append(element)
                    else:
                        root = element
                    path.append(element)
                    continue
            if not path:
                raise InputError(f"line {number}: not a REAPER project")
            path[-1].children.append(child)
    if root is None:
        raise InputError("not a REAPER project: it is empty")
    if path:
        raise InputError(f"cut off: {len(path)} blocks are not closed, the last is <{path[-1].tag}")
    return root


def _pieces(line: str, limit: int) -> list[str]:
    data = line.encode("utf-8", "surrogateescape")
    if not limit or len(data) <= limit:
        return [line]
    parts = [data[at : at + limit] for at in range(0, len(data), limit)]
    return [part.decode("utf-8", "surrogateescape") for part in parts]


def _words(line: str, *, closes: bool) -> list[str] | None:
    """The words of a line, None if a quote is open; ``closes``: the line was cut, and its end closes the quote."""
    words = []
    while line := line.lstrip(" \t"):
        if line[0] in _QUOTES:
            end = line.find(line[0], 1)
            if end < 0 and not closes:
                return None
            words.append(line[1:] if end < 0 else line[1:end])
            line = "" if end < 0 else line[end + 1 :]
        else:
            word = line.split(maxsplit=1)[0]
            words.append(word)
            line = line[len(word) :]
    return words


def format_rpp(element: Element) -> str:
    """The text of a tree, as REAPER writes it: two blanks a level, words quoted where they must be, paths always."""
    lines: list[str] = []
    _append(lines, element, 0)
    return "\n".join(lines) + "\n"


def _append(lines: list[str], element: Element, level: int) -> None:
    lines.append("  " * level + "<" + " ".join([element.tag, *map(_quoted, element.attrib)]))
    indent = "  " * (level + 1)
    for child in element.children:
        if isinstance(child, Element):
            _append(lines, child, level + 1)
        elif isinstance(child, str):
            lines.append(indent + (child if child.startswith("|") or element.tag == "NOTES" else _quoted(child)))
        else:
            first, *rest = child
            words = [_quoted(word) for word in rest]
            if first == "FILE" and rest:
                words[0] = _in_quotes(rest[0])
            lines.append(indent + " ".join([_quoted(first), *words]))
    lines.append("  " * level + ">")


def _quoted(word: str) -> str:
    return _in_quotes(word) if not word or word[0] in _QUOTES or any(blank in word for blank in " \t") else word


def _in_quotes(word: str) -> str:
    """In the first kind of quotes that the word does not hold; if it holds all, its backticks become apostrophes."""
    for quote in _QUOTES:
        if quote not in word:
            return f"{quote}{word}{quote}"
    return "`" + word.replace("`", "'") + "`"
