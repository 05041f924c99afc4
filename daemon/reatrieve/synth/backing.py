"""The track under the sounds of interest: sections of drums, bass and harmony that change as a track does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reatrieve.synth.genres import Genre
from reatrieve.synth.instruments import DRUMS, bass_note, chord
from reatrieve.synth.signals import RATE_HZ, Audio, n_of, reverb

__all__ = ["Section", "backing_track", "plan_sections"]

LEVEL = {"kick": 0.9, "snare": 0.6, "clap": 0.5, "hat": 0.2, "open_hat": 0.2, "tom": 0.45, "rim": 0.25, "bass": 0.5}
HARMONY_LEVEL = {"pad": 0.22, "stab": 0.3, "keys": 0.4}


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch of bars with its own set of layers.

    Attributes
    ----------
    name : ``intro``, ``build``, ``drop``, ``break`` or ``outro``.
    first_bar, n_bars : where it lies.
    layers : which of ``drums``, ``hats``, ``bass``, ``pad``, ``harmony`` play.
    """

    name: str
    first_bar: int
    n_bars: int
    layers: frozenset[str]


LAYERS = {
    "intro": frozenset({"hats", "pad"}),
    "build": frozenset({"drums", "hats", "pad", "harmony"}),
    "drop": frozenset({"drums", "hats", "bass", "harmony"}),
    "break": frozenset({"pad", "harmony", "bass"}),
    "full": frozenset({"drums", "hats", "bass", "pad", "harmony"}),
    "outro": frozenset({"drums", "pad"}),
}
FORM = ("intro", "build", "drop", "full", "break", "build", "full", "drop", "outro")


def plan_sections(n_bars: int, rng: np.random.Generator) -> list[Section]:
    """Divide ``n_bars`` among the sections of :data:`FORM`; about equal, whole bars, none empty."""
    names = FORM if n_bars >= 2 * len(FORM) else FORM[1:5] if n_bars >= 4 else ("full",)
    shares = rng.uniform(0.8, 1.3, len(names))
    edges = np.round(np.concatenate([[0.0], np.cumsum(shares)]) / shares.sum() * n_bars).astype(int)
    return [
        Section(name, int(a), int(b - a), LAYERS[name])
        for name, a, b in zip(names, edges[:-1], edges[1:], strict=True)
        if b > a
    ]


def _add(bus: NDArray[np.float64], x: Audio, at_s: float, gain: float, pan: float) -> None:
    """Mix mono ``x`` into the stereo bus ``(n, 2)`` from ``at_s`` on, equal-power pan -1..1."""
    i = round(at_s * RATE_HZ)
    piece = x[: max(0, len(bus) - i)]
    angle = (pan + 1.0) * np.pi / 4.0
    bus[i : i + len(piece), 0] += gain * np.cos(angle) * piece
    bus[i : i + len(piece), 1] += gain * np.sin(angle) * piece


def backing_track(
    genre: Genre, *, bpm: float, root: float, sections: list[Section], n_samples: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Render the backing, ``(n_samples, 2)``; peak about 1 before mastering."""
    beat_s = 60.0 / bpm
    bar_s, step_s = 4 * beat_s, beat_s / 4
    kit = {name: DRUMS[name](rng) for name in genre.drums}
    pans = {name: 0.0 if name in {"kick", "snare"} else float(rng.uniform(-0.5, 0.5)) for name in kit}
    style = str(rng.choice(list(genre.bass_style)))
    progression = genre.chords[int(rng.integers(len(genre.chords)))]
    drums, tonal, duck = np.zeros((n_samples, 2)), np.zeros((n_samples, 2)), np.ones(n_samples)
    notes: dict[tuple[object, ...], Audio] = {}

    for section in sections:
        pattern = {name: str(rng.choice(list(choices))) for name, choices in genre.drums.items()}
        bass_pattern = str(rng.choice(list(genre.bass)))
        harmony = {name: str(rng.choice(list(choices))) for name, choices in genre.harmony.items()}
        voicing = [0, 3, 7] + ([10] if rng.random() < 0.5 else [12])
        for bar in range(section.first_bar, section.first_bar + section.n_bars):
            bar_start = bar * bar_s
            offset = progression[bar % len(progression)]
            last = bar == section.first_bar + section.n_bars - 1
            for name, steps in pattern.items():
                if ("hats" if "hat" in name or name == "rim" else "drums") not in section.layers:
                    continue
                for step, mark in enumerate(steps):
                    fill = last and name in {"snare", "tom"} and step >= 12 and rng.random() < 0.5
                    if mark == "." and not fill:
                        continue
                    at = bar_start + step * step_s
                    velocity = (1.0 if mark == "x" else 0.55) * rng.uniform(0.92, 1.0)
                    _add(drums, kit[name], at, LEVEL[name] * velocity, pans[name])
                    if name == "kick":
                        i = round(at * RATE_HZ)
                        n = min(n_of(0.18), max(0, n_samples - i))
                        duck[i : i + n] = np.minimum(duck[i : i + n], 1.0 - genre.duck * (1.0 - np.linspace(0, 1, n)))
            if "bass" in section.layers:
                for step, mark in enumerate(bass_pattern):
                    if mark == ".":
                        continue
                    gap = next((k for k in range(1, 17 - step) if step + k == 16 or bass_pattern[step + k] != "."), 1)
                    key: tuple[object, ...] = ("bass", offset, gap)
                    if key not in notes:
                        notes[key] = bass_note(style, root - 12 + offset, min(gap, 6) * step_s)
                    _add(tonal, notes[key], bar_start + step * step_s, LEVEL["bass"], 0.0)
            for name, steps in harmony.items():
                if ("pad" if name == "pad" else "harmony") not in section.layers:
                    continue
                for step, mark in enumerate(steps):
                    if mark == ".":
                        continue
                    key = (name, offset, *voicing)
                    if key not in notes:
                        seconds = bar_s if name == "pad" else 0.6
                        notes[key] = chord(name, [root + 12.0 + offset + v for v in voicing], seconds, rng)
                    _add(
                        tonal,
                        notes[key],
                        bar_start + step * step_s,
                        HARMONY_LEVEL[name],
                        0.25 if name == "keys" else -0.15,
                    )

    wet = np.stack(
        [reverb(tonal[:, c], np.random.default_rng(c), seconds=1.2, mix=0.18, tail=False) for c in range(2)], axis=1
    )
    return np.asarray(drums + wet * duck[:, None])
