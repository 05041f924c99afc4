"""The track under the sounds of interest: sections of drums, bass and harmony that change as a track does."""

from __future__ import annotations

from collections.abc import Callable
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


def backing_track(
    genre: Genre,
    *,
    bpm: float,
    root: float,
    sections: list[Section],
    n_samples: int,
    rng: np.random.Generator,
    progress: Callable[[float], None] = lambda _share: None,
) -> NDArray[np.float64]:
    """Render the backing; peak about 1 before mastering. ``progress`` is told the share done, 0..1.

    Returns [shape=(n_samples, 2), float64] at ``RATE_HZ``.
    """
    band = _Band(genre, bpm, root, n_samples, rng)
    for index, section in enumerate(sections):
        band.play(section)
        progress((index + 1) / len(sections))
    return band.mixed()


class _Band:
    """Drums, bass and harmony, bar by bar; what is drawn from ``rng`` is drawn in the order of the music."""

    def __init__(self, genre: Genre, bpm: float, root: float, n_samples: int, rng: np.random.Generator) -> None:
        self._genre, self._root, self._rng = genre, root, rng
        self._step_s = 60.0 / bpm / 4
        self._bar_s = 16 * self._step_s
        self._kit = {name: DRUMS[name](rng) for name in genre.drums}
        self._pans = {name: 0.0 if name in {"kick", "snare"} else float(rng.uniform(-0.5, 0.5)) for name in self._kit}
        self._bass_style = str(rng.choice(list(genre.bass_style)))
        self._progression = genre.chords[int(rng.integers(len(genre.chords)))]
        self._drums, self._tonal = np.zeros((n_samples, 2)), np.zeros((n_samples, 2))
        self._duck = np.ones(n_samples)
        self._notes: dict[tuple[object, ...], Audio] = {}

    def play(self, section: Section) -> None:
        """Choose the patterns of a section and play its bars."""
        rng, genre = self._rng, self._genre
        drums = {name: str(rng.choice(list(choices))) for name, choices in genre.drums.items()}
        bass = str(rng.choice(list(genre.bass)))
        harmony = {name: str(rng.choice(list(choices))) for name, choices in genre.harmony.items()}
        voicing = [0, 3, 7] + ([10] if rng.random() < 0.5 else [12])
        last_bar = section.first_bar + section.n_bars - 1
        for bar in range(section.first_bar, last_bar + 1):
            offset = self._progression[bar % len(self._progression)]
            for name, steps in drums.items():
                if ("hats" if "hat" in name or name == "rim" else "drums") in section.layers:
                    self._drum(name, steps, bar, fill=bar == last_bar and name in {"snare", "tom"})
            if "bass" in section.layers:
                self._bass(bass, bar, offset)
            for name, steps in harmony.items():
                if ("pad" if name == "pad" else "harmony") in section.layers:
                    self._chords(name, steps, bar, offset, voicing)

    def mixed(self) -> NDArray[np.float64]:
        """The drums, and bass and harmony in a room, ducked by the kick."""
        tonal = self._tonal
        wet = np.stack(
            [reverb(tonal[:, c], np.random.default_rng(c), seconds=1.2, mix=0.18, tail=False) for c in range(2)], axis=1
        )
        return np.asarray(self._drums + wet * self._duck[:, None])

    def _drum(self, name: str, steps: str, bar: int, *, fill: bool) -> None:
        for step, mark in enumerate(steps):
            filled = fill and step >= 12 and self._rng.random() < 0.5
            if mark == "." and not filled:
                continue
            at = self._time_s(bar, step)
            velocity = (1.0 if mark == "x" else 0.55) * self._rng.uniform(0.92, 1.0)
            _add(self._drums, self._kit[name], at, LEVEL[name] * velocity, self._pans[name])
            if name == "kick":
                first = round(at * RATE_HZ)
                n = min(n_of(0.18), max(0, len(self._duck) - first))
                dip = 1.0 - self._genre.duck * (1.0 - np.linspace(0, 1, n))
                self._duck[first : first + n] = np.minimum(self._duck[first : first + n], dip)

    def _bass(self, steps: str, bar: int, offset: int) -> None:
        for step, mark in enumerate(steps):
            if mark == ".":
                continue
            gap = next((k for k in range(1, 17 - step) if step + k == 16 or steps[step + k] != "."), 1)
            key = ("bass", offset, gap)
            if key not in self._notes:
                length_s = min(gap, 6) * self._step_s
                self._notes[key] = bass_note(self._bass_style, self._root - 12 + offset, length_s)
            _add(self._tonal, self._notes[key], self._time_s(bar, step), LEVEL["bass"], 0.0)

    def _chords(self, name: str, steps: str, bar: int, offset: int, voicing: list[int]) -> None:
        for step, mark in enumerate(steps):
            if mark == ".":
                continue
            key = (name, offset, *voicing)
            if key not in self._notes:
                length_s = self._bar_s if name == "pad" else 0.6
                pitches = [self._root + 12.0 + offset + v for v in voicing]
                self._notes[key] = chord(name, pitches, length_s, self._rng)
            pan = 0.25 if name == "keys" else -0.15
            _add(self._tonal, self._notes[key], self._time_s(bar, step), HARMONY_LEVEL[name], pan)

    def _time_s(self, bar: int, step: int) -> float:
        return bar * self._bar_s + step * self._step_s


def _add(bus: NDArray[np.float64], x: Audio, at_s: float, gain: float, pan: float) -> None:
    """Mix mono ``x`` into the stereo bus ``(n, 2)`` from ``at_s`` on, equal-power pan -1..1."""
    i = round(at_s * RATE_HZ)
    piece = x[: max(0, len(bus) - i)]
    angle = (pan + 1.0) * np.pi / 4.0
    bus[i : i + len(piece), 0] += gain * np.cos(angle) * piece
    bus[i : i + len(piece), 1] += gain * np.sin(angle) * piece
