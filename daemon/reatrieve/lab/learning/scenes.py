"""Scenes of 20 s to learn from: several sounds, each performed again and again, over music, noise or voices."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from reatrieve.lab.learning.alter import altered, levelled, resampled, shaped_noise
from reatrieve.lab.learning.bank import Bank
from reatrieve.lab.learning.sounds.source import RATE_HZ
from reatrieve.retrieval.learned.bands import band_levels

__all__ = ["SCENE_S", "Scene", "SceneEvent", "Scenes"]

SCENE_S = 20.0
_N = int(SCENE_S * RATE_HZ)
_HELD_OUT = 0.08
"""Share of sounds and beds kept aside for validation."""
_N_BACKGROUND = 14
_MOST_ON_EVENT = 0.4
_MOST_EVENTS = 18
_N_NOISES = 100

_F32 = NDArray[np.float32]

_KINDS = {"scattered": 0.28, "grid": 0.17, "speech": 0.28, "dense": 0.15, "lick": 0.12}
"""What a scene is, and how often."""


class SceneEvent(NamedTuple):
    """One performance, or a place where none of the scene's sounds is (``class_`` -1)."""

    start_s: float
    end_s: float
    class_: int


class Scene(NamedTuple):
    """Band levels [shape=(LEARNED_BANDS, n), float16] of a scene, and what happens where."""

    levels: NDArray[np.float16]
    events: list[SceneEvent]
    kind: str


class _Part(NamedTuple):
    class_: int
    samples: _F32


class Scenes:
    """An endless row of random scenes from a bank.

    Parameters
    ----------
    held_out : only of the sounds and beds kept aside for validation; else only of the others.
    """

    def __init__(self, bank: Bank, *, seed: int, held_out: bool = False) -> None:
        self._bank = bank
        self._rng = np.random.default_rng(seed)
        names, self._class_of = np.unique(bank.classes, return_inverse=True)
        choose = np.random.default_rng(1)  # the same sounds are kept aside whatever the seed
        aside = choose.random(names.size) < _HELD_OUT
        beds_aside = choose.random(bank.bed_edges.size - 1) < 2 * _HELD_OUT
        usable = np.flatnonzero(aside[self._class_of] == held_out)
        self._beds = np.flatnonzero(beds_aside == held_out)
        self._takes: dict[int, list[int]] = defaultdict(list)
        self._by_family: dict[str, list[int]] = defaultdict(list)
        self._by_group: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        for index in usable.tolist():
            class_, family = int(self._class_of[index]), str(bank.families[index])
            group = str(bank.groups[index])
            if not self._takes[class_]:
                self._by_family[family].append(class_)
            if class_ not in self._by_group[family][group][-1:]:
                self._by_group[family][group].append(class_)
            self._takes[class_].append(index)
        self._running = np.array([index for index in usable.tolist() if bank.families[index] == "speech"])
        self._any = usable
        self._noises: list[_F32] = []
        self._words = np.array([index for index in usable.tolist() if bank.families[index] == "word"])

    def make(self) -> Scene:
        """The next scene."""
        rng = self._rng
        kind = str(rng.choice(list(_KINDS), p=list(_KINDS.values())))
        y, events, bed, ratio_db = {
            "scattered": self._scattered,
            "grid": self._grid,
            "speech": self._speech,
            "dense": self._dense,
            "lick": self._lick,
        }[kind]()
        y = y + bed * np.float32(10 ** (-ratio_db / 20))
        if kind == "speech" and rng.random() < 0.4:
            band = scipy.signal.butter(4, rng.uniform(3000, 6000) / (RATE_HZ / 2), output="sos")
            y = scipy.signal.sosfilt(band, y)
        y = (y * (rng.uniform(0.1, 0.95) / (np.max(np.abs(y)) + 1e-9))).astype(np.float16)  # as the analysis keeps it
        levels = np.concatenate(list(band_levels(y)), axis=1).astype(np.float16)
        shown = self._few_of_each(events)
        return Scene(levels, shown + self._backgrounds(shown, events), kind)

    # kinds of scenes: samples, events, bed, sounds over bed in dB

    def _scattered(self) -> tuple[_F32, list[SceneEvent], _F32, float]:
        """Hits, effects, drums and words anywhere."""
        rng = self._rng
        families = [["hit"], ["effect"], ["drum"], ["hit", "effect", "drum", "word"]][
            int(rng.choice(4, p=[0.35, 0.25, 0.15, 0.25]))
        ]
        longest_s = float(rng.choice([0.06, 0.1, 0.18, 0.3, 2.0, 3.0]))
        parts = self._performed(self._classes(families, int(rng.integers(3, 7))), longest_s=longest_s)
        y, events = self._strewn(parts, gap_s=0.06)
        return y, events, self._bed(), rng.uniform(-6, 15)

    def _grid(self) -> tuple[_F32, list[SceneEvent], _F32, float]:
        """A kit played to a beat, strokes over each other."""
        rng = self._rng
        step_s = rng.uniform(0.1, 0.26)
        n_steps = int((SCENE_S - 0.6) / step_s)
        classes = self._classes(["drum" if rng.random() < 0.8 else "hit"], int(rng.integers(3, 7)))
        y, events = np.zeros(_N, dtype=np.float32), []
        for class_ in classes:
            period = int(rng.choice([1, 2, 4, 8]))
            steps = [
                s for s in range(int(rng.integers(period)), n_steps, period) if rng.random() < rng.choice([0.4, 0.85])
            ]
            takes = self._performed([class_], n_takes=6, longest_s=1.0)
            for step in sorted(rng.permutation(steps)[:16].tolist()):
                samples = takes[int(rng.integers(len(takes)))].samples * np.float32(10 ** (rng.normal(0, 2) / 20))
                at = max(0, round((0.2 + step * step_s + rng.normal(0, 0.006)) * RATE_HZ))
                n = min(samples.size, _N - at)
                y[at : at + n] += samples[:n]
                shown_s = min(n / RATE_HZ, max(0.06, min(0.3, step_s * rng.uniform(0.8, 1.6))))
                events.append(SceneEvent(at / RATE_HZ, at / RATE_HZ + shown_s, class_))
        return y, events, self._bed(), rng.uniform(-4, 20)

    def _speech(self) -> tuple[_F32, list[SceneEvent], _F32, float]:
        """Words in running speech, by one voice or by several."""
        rng = self._rng
        groups = self._by_group["word"]
        if not groups:
            return self._scattered()
        voice = str(rng.choice([name for name, classes in groups.items() if len(classes) >= 8] or list(groups)))
        one_voice = rng.random() < 0.35
        candidates = groups[voice]
        if not one_voice:
            candidates = [c for c in candidates if len(self._takes[c]) > 2] or candidates
        classes = [int(c) for c in rng.permutation(candidates)[: int(rng.integers(3, 6))]]
        parts = self._performed(classes, group=voice if one_voice else None, semitones=None if one_voice else 1.3)
        left = _N - sum(part.samples.size for part in parts)
        while left > 0:  # other words between them, half of them by the same voices, and pieces of running speech
            if self._running.size and rng.random() < 0.5:
                index = int(rng.choice(self._running))
                samples = self._bank.clip(index)
                n = int(rng.uniform(0.25, 1.6) * RATE_HZ)
                samples = samples[int(rng.integers(max(1, samples.size - n))) :][:n]
            else:
                own = one_voice and rng.random() < 0.6
                index = int(rng.choice(self._takes[int(rng.choice(groups[voice]))] if own else self._words))
                samples = self._bank.clip(index)[: int(1.6 * RATE_HZ)]
            left -= samples.size + int(0.06 * RATE_HZ)
            if self._class_of[index] not in classes:
                parts.append(_Part(-1, levelled(samples, rng.normal(0, 2))))
        y, events, at = np.zeros(_N, dtype=np.float32), [], int(0.1 * RATE_HZ)
        pause_s = rng.choice([0.04, 0.12, 0.3])
        for k in rng.permutation(len(parts)):
            class_, samples = parts[k]
            if at + samples.size > _N:
                break
            y[at : at + samples.size] += samples
            if class_ >= 0:
                events.append(SceneEvent(at / RATE_HZ, (at + samples.size) / RATE_HZ, class_))
            at += samples.size + int(rng.uniform(0, pause_s) * RATE_HZ)
        return y, events, self._bed(), rng.uniform(6, 28)

    def _dense(self) -> tuple[_F32, list[SceneEvent], _F32, float]:
        """A song of short sounds that follow each other closely, in motifs that come again."""
        rng = self._rng
        family = "word" if rng.random() < 0.15 else "hit"
        classes = self._classes([family], int(rng.integers(4, 10)), one_group=rng.random() < 0.8)
        takes = {c: self._performed([c], n_takes=5, longest_s=0.45) for c in classes}
        motifs = [[int(rng.choice(classes)) for _ in range(int(rng.integers(2, 6)))] for _ in range(3)]
        gap_s = rng.uniform(0.005, 0.09)
        y, events, at = np.zeros(_N, dtype=np.float32), [], int(rng.uniform(0, 0.3) * RATE_HZ)
        while at < _N:
            motif = motifs[int(rng.integers(3))] if rng.random() < 0.6 else [int(rng.choice(classes))]
            for class_ in motif:
                samples = takes[class_][int(rng.integers(len(takes[class_])))].samples * np.float32(
                    10 ** (rng.normal(0, 2) / 20)
                )
                if at + samples.size > _N:
                    at = _N
                    break
                y[at : at + samples.size] += samples
                events.append(SceneEvent(at / RATE_HZ, (at + samples.size) / RATE_HZ, class_))
                at += samples.size + int(gap_s * rng.lognormal(0, 0.3) * RATE_HZ)
            at += int(rng.exponential(0.15) * RATE_HZ)
        return y, events, self._bed(), rng.uniform(10, 35)

    def _lick(self) -> tuple[_F32, list[SceneEvent], _F32, float]:
        """Licks of one instrument or of several over a backing."""
        rng = self._rng
        classes = self._classes(["lick"], int(rng.integers(3, 6)))
        parts = self._performed(classes, n_takes=4, plain=0.6)
        y, events = self._strewn(parts, gap_s=0.03)
        return y, events, self._bed(music=0.8), rng.uniform(-6, 14)

    # what they are made of

    def _classes(self, families: list[str], n: int, *, one_group: bool | None = None) -> list[int]:
        """Up to ``n`` sounds: of one group, or any of the families."""
        rng = self._rng
        families = [f for f in families if self._by_family.get(f)] or list(self._by_family)
        family = str(rng.choice(families))
        one_group = rng.random() < (0.85 if family == "drum" else 0.5) if one_group is None else one_group
        if one_group and len(families) == 1:
            groups = [classes for classes in self._by_group[family].values() if len(classes) >= 4]
            if groups:
                pool = groups[int(rng.integers(len(groups)))]
                return [int(c) for c in rng.permutation(pool)[:n]]
        return list({int(rng.choice(self._by_family[str(rng.choice(families))])) for _ in range(n)})

    def _performed(
        self,
        classes: list[int],
        *,
        n_takes: int | None = None,
        longest_s: float = 3.0,
        group: str | None = None,
        semitones: float | None = None,
        plain: float = 0.25,
    ) -> list[_Part]:
        """Takes of each sound in random order, altered unless ``plain`` (a chance) leaves them be."""
        rng = self._rng
        parts = []
        cut_s = min(longest_s, rng.uniform(0.6, 3.0))
        for class_ in classes:
            takes = self._takes[class_]
            if group is not None:
                takes = [t for t in takes if self._bank.groups[t] == group] or takes
            gain_db = rng.normal(0, 3)
            order = [t for _ in range(8) for t in rng.permutation(takes).tolist()]
            for take in order[: n_takes or int(rng.integers(3, 6))]:
                y = self._bank.clip(take)
                if y.size > cut_s * RATE_HZ:
                    y = y[: int(cut_s * RATE_HZ)]
                    y[-220:] *= np.linspace(1, 0, y[-220:].size, dtype=np.float32)
                if len(takes) < 3 or rng.random() >= plain:
                    y = altered(y, rng, strong=len(takes) == 1, semitones=semitones)
                if y.size > 400:
                    parts.append(_Part(class_, levelled(y, gain_db + rng.normal(0, 2.5))))
        return [parts[k] for k in rng.permutation(len(parts))]

    def _strewn(self, parts: list[_Part], *, gap_s: float) -> tuple[_F32, list[SceneEvent]]:
        """One after the other with pauses of any length between."""
        rng, gap, room = self._rng, int(gap_s * RATE_HZ), int(0.75 * _N)
        kept = []
        for part in parts:
            room -= part.samples.size
            if room > 0:
                kept.append(part)
        slack = _N - sum(part.samples.size + gap for part in kept) - gap
        pauses = np.diff(np.sort(rng.uniform(0, slack, len(kept))), prepend=0.0)
        y, events, at = np.zeros(_N, dtype=np.float32), [], gap
        for part, pause in zip(kept, pauses, strict=True):
            at += int(pause)
            end = at + part.samples.size
            y[at:end] += part.samples
            events.append(SceneEvent(at / RATE_HZ, end / RATE_HZ, part.class_))
            at = end + gap
        return y, events

    def _bed(self, *, music: float = 0.45) -> _F32:
        """20 s of music, noise, voices or weather, root mean square 1."""
        rng = self._rng
        if rng.random() < music and self._beds.size:
            piece = self._bank.bed(int(rng.choice(self._beds)))
            piece = piece[int(rng.integers(max(1, piece.size - _N))) :]
            y = resampled(np.resize(piece, int(_N * 1.2)), 2 ** (rng.uniform(-2, 2) / 12))[:_N]
        else:
            y = self._voices(rng) if rng.random() < 0.35 else self._weather()
        y = y / (np.sqrt(np.mean(np.square(y))) + 1e-6)
        if rng.random() < 0.5:
            y = y + np.float32(rng.uniform(0.02, 0.3)) * self._weather()
        return np.asarray(y, dtype=np.float32)

    def _weather(self) -> _F32:
        """Noise, rain or a machine: a piece of one of a hundred that are made once, from a random place on."""
        if len(self._noises) < _N_NOISES:
            make = (shaped_noise, shaped_noise, _rain, _machine)[len(self._noises) % 4]
            self._noises.append(make(self._rng, _N))
        chosen = self._noises[int(self._rng.integers(len(self._noises)))]
        return np.roll(chosen, int(self._rng.integers(_N)))

    def _voices(self, rng: np.random.Generator) -> _F32:
        """One voice, or a babble of up to four."""
        y = np.zeros(_N, dtype=np.float32)
        for _ in range(int(rng.integers(1, 5))):
            said = next(one for one in (self._running, self._words, self._any) if one.size)
            words = [levelled(self._bank.clip(int(k))) for k in rng.choice(said, 12)]
            y += np.resize(np.concatenate(words), _N)
        return y

    def _few_of_each(self, events: list[SceneEvent]) -> list[SceneEvent]:
        """At most four of a sound, ``_MOST_EVENTS`` in all: every pair of them is compared."""
        kept: list[SceneEvent] = []
        counts: dict[int, int] = defaultdict(int)
        for k in self._rng.permutation(len(events)):
            if counts[events[k].class_] < 4 and len(kept) < _MOST_EVENTS:
                counts[events[k].class_] += 1
                kept.append(events[k])
        return kept

    def _backgrounds(self, shown: list[SceneEvent], events: list[SceneEvent]) -> list[SceneEvent]:
        """Windows as long as the events that lie on none of them by more than ``_MOST_ON_EVENT`` of their length."""
        rng, found = self._rng, list[SceneEvent]()
        starts = np.array([e.start_s for e in events])
        ends = np.array([e.end_s for e in events])
        for _ in range(5 * _N_BACKGROUND):
            if len(found) == _N_BACKGROUND or not shown:
                break
            event = shown[int(rng.integers(len(shown)))]
            length_s = event.end_s - event.start_s
            at = rng.uniform(0, SCENE_S - length_s)
            if rng.random() < 0.35:  # beside an event: half right is wrong
                at = event.start_s + length_s * rng.choice([-1, 1]) * rng.uniform(0.65, 1.1)
            if at < 0 or at + length_s > SCENE_S:
                continue
            if np.max(np.minimum(at + length_s, ends) - np.maximum(at, starts)) < _MOST_ON_EVENT * length_s:
                found.append(SceneEvent(at, at + length_s, -1))
        return found


def _rain(rng: np.random.Generator, n: int) -> _F32:
    """Drops, few or many, each a short ring, over a hiss."""
    drops = np.zeros(n, dtype=np.float32)
    count = int(np.exp(rng.uniform(np.log(100), np.log(20000))))
    drops[rng.integers(0, n, count)] = rng.exponential(1, count)
    t = np.arange(300) / RATE_HZ
    ring = (np.sin(2 * np.pi * rng.uniform(800, 6000) * t) * np.exp(-t / rng.uniform(0.0005, 0.004))).astype(np.float32)
    y = scipy.signal.fftconvolve(drops, ring)[:n]
    return np.asarray(y / (y.std() + 1e-9) + rng.uniform(0.1, 1) * shaped_noise(rng, n), dtype=np.float32)


def _machine(rng: np.random.Generator, n: int) -> _F32:
    """A hum with harmonics that wavers, beats of its own and a hiss: engines, fans, mains."""
    t = np.arange(n) / RATE_HZ
    turn = np.interp(t, np.linspace(0, SCENE_S, 9), rng.uniform(30, 200) * rng.lognormal(0, 0.05, 9))
    phase = 2 * np.pi * np.cumsum(turn) / RATE_HZ
    y = np.zeros(n)
    for k in range(1, 16):
        y += rng.uniform(0, 1) / k ** rng.uniform(0.3, 1.5) * np.sin(k * phase)
    y *= 1 + 0.4 * np.sin(2 * np.pi * rng.uniform(0.5, 12) * t)
    return np.asarray(y / y.std() + rng.uniform(0.3, 2) * shaped_noise(rng, n), dtype=np.float32)
