"""Names of events: templates, ASCII folding, and names that must differ."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

from reatrieve.errors import InputError
from reatrieve.plain import quoted
from reatrieve.sync.tempo import Position

__all__ = ["ascii_folded", "demand_template", "fill_template", "folded_apart", "sounds_of_names", "unique_names"]

WORD = re.compile(r"\{(\w+)(?::(\d{1,2}))?\}", re.ASCII)
WORDS = ("label", "pattern", "n", "bar", "beat")
"""What a template may hold in braces; a colon and a number of digits may follow."""

LETTERS = {
    "ß": "ss", "æ": "ae", "Æ": "AE", "ø": "o", "Ø": "O", "œ": "oe", "Œ": "OE", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D",
    "ð": "d", "þ": "th",
    "–": "-", "—": "-", "‘": "'", "’": "'", "“": '"', "”": '"', "…": "...", "×": "x",
}  # fmt: skip


def demand_template(template: str) -> None:
    """Refuse a template of which braces would get into the game.

    Raises
    ------
    InputError
        If it has another ``{word}``, or a brace that belongs to none.
    """
    for match in WORD.finditer(template):
        if match[1] not in WORDS:
            raise InputError(
                f"the name template knows no {{{match[1]:.40}}}; use {', '.join(f'{{{word}}}' for word in WORDS)}"
            )
    rest = WORD.sub(lambda match: " " * len(match[0]), template)
    if at := [index for index, character in enumerate(rest) if character in "{}"]:
        raise InputError(
            f"the name template cannot be read at {quoted(template[at[0] :], 40)}; braces stand around "
            f"{', '.join(WORDS)} alone, as in {{n}} or {{n:2}}"
        )


def fill_template(template: str, *, label: str, pattern: str, number: int, position: Position | None = None) -> str:
    """An event's name by the template, as in REAPER's Convert action.

    Parameters
    ----------
    template : text with ``{label}``, ``{pattern}``, ``{n}`` or ``{n:digits}``, ``{bar}`` and ``{beat}``.
    label : the region's name.
    pattern : the sound's name.
    number : counts 1, 2, ... within the sound.
    position : None leaves ``{bar}`` and ``{beat}`` empty.

    Raises
    ------
    InputError
        If the template cannot be read, as ``demand_template`` says.
    """
    demand_template(template)
    values: dict[str, str | int] = {
        "label": label,
        "pattern": pattern,
        "n": number,
        "bar": "" if position is None else position.bar,
        "beat": "" if position is None else _beat(position.beat),
    }

    def value(match: re.Match[str]) -> str:
        word, digits = match.groups()
        found = values[word]
        return f"{found:0{digits}d}" if digits and isinstance(found, int) else str(found)

    return WORD.sub(value, template)


def _beat(beat: float) -> str:
    """At most two decimals, and never rounded into the next beat: 4.999 in 4/4 is not beat 5."""
    shown = round(beat, 2)
    if math.floor(shown) > math.floor(beat):
        shown = math.floor(beat * 100) / 100
    return f"{shown:.2f}".rstrip("0").rstrip(".")


def ascii_folded(text: str) -> str:
    """``text`` in ASCII: accents dropped, a few letters spelled out, every other character outside ASCII an
    underscore."""
    spelled = "".join(LETTERS.get(c, c) for c in text)
    plain = (c for c in unicodedata.normalize("NFKD", spelled) if not unicodedata.combining(c))
    return "".join(c if c.isascii() else "_" for c in plain)


def folded_apart(texts: Iterable[str]) -> dict[str, str]:
    """ASCII for each text, a different one for different texts: where folding makes them equal, later ones get ``_2``,
    ``_3``, ..., or a game could not tell two sounds with Japanese names apart."""
    different = list(dict.fromkeys(texts))
    taken = {text for text in different if text.isascii()}
    numbers: Counter[str] = Counter()
    found = {}
    for text in different:
        folded = candidate = ascii_folded(text)
        while not text.isascii() and candidate in taken:
            numbers[folded] += 1
            candidate = f"{folded}_{numbers[folded] + 1}"
        taken.add(candidate)
        found[text] = candidate
    return found


def sounds_of_names(names: Iterable[str]) -> list[str]:
    """The sound that each numbered name belongs to: ``riser 3`` and ``riser_04`` are occurrences of ``riser``.

    Where names come again and again, the number is no counter: eight times ``Sound 1`` are the sound ``Sound 1``.
    """
    names = list(names)
    stems = [_without_counter(name) or name for name in names]
    total = Counter(stems)
    different = Counter(stem for stem, _ in {*zip(stems, names, strict=True)})
    return [name if total[stem] >= 2 * different[stem] else stem for name, stem in zip(names, stems, strict=True)]


def _without_counter(name: str) -> str:
    """The name without a number at its end and what sets that off. No pattern, which would look for the number once
    from each of a row of hyphens."""
    end = len(name)
    while end and name[end - 1].isdecimal():
        end -= 1
    if end == len(name):
        return name
    while end and (name[end - 1].isspace() or name[end - 1] in "_.#-"):
        end -= 1
    return name[:end]


def unique_names(names: Iterable[str]) -> list[str]:
    """The names, those that come more than once numbered ``_01``, ``_02``, ...; upper and lower case count as equal."""
    names = list(names)
    counts = Counter(name.casefold() for name in names)
    taken = {name.casefold() for name in names if counts[name.casefold()] == 1}
    numbers: Counter[str] = Counter()
    found = []
    for name in names:
        key = name.casefold()
        candidate = name
        if counts[key] > 1:
            while candidate == name or candidate.casefold() in taken:
                numbers[key] += 1
                candidate = f"{name}_{numbers[key]:02d}"
            taken.add(candidate.casefold())
        found.append(candidate)
    return found
