"""How hard a data set is: one table of data."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["PRESETS", "Preset"]


@dataclass(frozen=True, slots=True)
class Preset:
    """How sounds of interest are placed and changed.

    Attributes
    ----------
    ratio_db : range of the energy of the sound over that of its background while it lasts, in dB.
    altered_share : share of the repeats that are altered, 0..1; the first occurrence never is.
    kinds : which alterations occur: ``gain``, ``filter``, ``reverb``, ``pitch``, ``tempo``.
    distractors : unannotated sounds of the same family for each annotated occurrence.
    occurrences : range of how often each sound occurs.
    codec : subtype the files go through: ``flac`` (lossless), ``ogg`` or ``mp3``.
    clip : drive of the soft clipper over the whole mix; 0 = off.
    """

    ratio_db: tuple[float, float]
    altered_share: float
    kinds: tuple[str, ...]
    distractors: float
    occurrences: tuple[int, int]
    codec: str
    clip: float


PRESETS: dict[str, Preset] = {
    "easy": Preset((-1.0, 4.0), 0.0, (), 0.3, (5, 9), "flac", 0.0),
    "hard": Preset((-10.0, -5.0), 0.3, ("gain", "filter", "reverb"), 1.0, (6, 11), "ogg", 1.0),
    "altered": Preset((-3.0, 2.0), 0.85, ("gain", "filter", "reverb", "pitch", "tempo"), 0.6, (6, 10), "ogg", 0.6),
    "none": Preset((-3.0, 2.0), 0.0, (), 1.0, (1, 1), "ogg", 0.6),
}
