"""What is held to be true of recordings: occurrences of sounds, their variants, and rows that cannot be used."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reatrieve.annotations.annotation import Annotation
from reatrieve.plain import quoted
from reatrieve.session.spans import Span

__all__ = ["NEAR", "NEAR_SUFFIX", "AudioLengths", "BrokenRow", "ReferenceEvent", "audio_rate_hz", "reference_of",
           "skipped_rows"]  # fmt: skip

NEAR = "near"
"""The flag of a variant that is neither right nor wrong."""

NEAR_SUFFIX = " (near)"
"""Label files have no flag: a label that ends so marks a variant."""

END_TOLERANCE_S = 0.05
"""Lossy codecs cut or pad a file's end by some milliseconds."""


@dataclass(frozen=True, slots=True)
class ReferenceEvent:
    """In ``file`` (as written, folders separated by ``/``) the sound ``class_`` happens at ``span``.

    ``flag`` is "" for an occurrence and "near" for a variant that is neither right nor wrong; ``ratio_db`` is the
    energy of the sound alone over the whole mix there, nan when unknown.
    """

    file: str
    class_: str
    span: Span
    kind: str = ""
    ratio_db: float = math.nan
    flag: str = ""
    annotator: str = ""

    @property
    def sound(self) -> str:
        """Class, and annotator where there is one; unique within a file."""
        return f"{self.class_} ({self.annotator})" if self.annotator else self.class_


@dataclass(frozen=True, slots=True)
class BrokenRow:
    """A row that cannot be used; ``str()`` names file, line and reason. Line 0: the format has no lines."""

    path: Path
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.path}, line {self.line}: {self.reason}" if self.line else f"{self.path}: {self.reason}"


def skipped_rows(broken: Sequence[BrokenRow]) -> str:
    """One line that counts rows that were skipped and names the first; "" for none."""
    if not broken:
        return ""
    count = "1 broken row was" if len(broken) == 1 else f"{len(broken)} broken rows were"
    return f"{count} skipped{'' if len(broken) == 1 else '; the first'}: {broken[0]}"


def reference_of(annotation: Annotation, file: str) -> ReferenceEvent | str:
    """A label as an occurrence or variant in ``file``, or why it can be none."""
    if annotation.is_point:
        return f"{quoted(annotation.label or 'label')} marks a point; a sound needs a start and an end"
    if annotation.start_s < 0.0:
        return f"start {annotation.start_s:g} s lies before the file's start"
    class_ = annotation.label.removesuffix(NEAR_SUFFIX)
    flag = NEAR if class_ != annotation.label else ""
    return ReferenceEvent(file, class_ or "sound", Span(annotation.start_s, annotation.end_s), flag=flag)


def audio_rate_hz(audio: Path) -> int | None:
    """Sample rate of an audio file, for labels in samples; None where it cannot be read."""
    import soundfile  # only what looks at audio loads it

    try:
        return int(soundfile.info(audio).samplerate)
    except (RuntimeError, OSError):
        return None


class AudioLengths:
    """Which audio files can be read, and how long they are; each is opened once."""

    def __init__(self) -> None:
        self._lengths_s: dict[Path, float | str] = {}

    def problem(self, event: ReferenceEvent, audio: Path) -> str:
        """Why ``audio`` does not hold the event; "" if it does."""
        if audio not in self._lengths_s:
            self._lengths_s[audio] = _length_s(audio)
        length_s = self._lengths_s[audio]
        if isinstance(length_s, str):
            return length_s
        if event.span.end_s > length_s + END_TOLERANCE_S:
            return f"end {event.span.end_s:g} s lies after the end of {event.file or audio.name} at {length_s:.3f} s"
        return ""


def _length_s(path: Path) -> float | str:
    import soundfile

    if not path.is_file():
        return f"no such audio file: {path}"
    try:
        info = soundfile.info(path)
    except (RuntimeError, OSError) as error:
        return f"{path.name} cannot be read as audio ({error})"
    return float(info.frames / info.samplerate)
