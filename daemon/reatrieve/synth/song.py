"""One annotated song: a backing track, and sounds of interest placed over it at known times and levels."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reatrieve.errors import InputError
from reatrieve.synth.backing import backing_track, plan_sections
from reatrieve.synth.genres import GENRES
from reatrieve.synth.performed import SCENES, Performed, stereo
from reatrieve.synth.presets import PRESETS, Preset
from reatrieve.synth.signals import RATE_HZ, Audio, highpass, lowpass, n_of, reverb
from reatrieve.synth.sounds import Sound, make_sound

__all__ = ["GENRE_NAMES", "SCENE_NAMES", "Occurrence", "Song", "make_song"]

GENRE_NAMES = tuple(GENRES)
SCENE_NAMES = tuple(SCENES)
SCENE_BEAT_S = 0.04
"""What happens in a scene keeps no time: it may begin at any multiple of half of this."""
MIN_DURATION_S = 20.0
BACKING_SHARE = 0.6
"""Of the time that a song takes, about."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """Where one sound of interest happens.

    Attributes
    ----------
    class_name : the sound's name, unique within the song.
    start_s, end_s : seconds from the start of the song.
    kind : ``sample``, ``phrase`` or, in a scene, ``take``.
    ratio_db : energy of the sound alone over that of the whole mix there.
    alteration : what was changed, such as ``pitch+1.3``; empty for an exact repeat.
    """

    class_name: str
    start_s: float
    end_s: float
    kind: str
    ratio_db: float
    alteration: str


@dataclass(frozen=True)
class Song:
    """A finished song: ``audio`` float32 ``(n, 2)`` at ``rate_hz``, peak <= 0.97, and its truth sorted by time.

    ``bpm`` is 0 in a scene.
    """

    audio: NDArray[np.float32]
    rate_hz: int
    bpm: float
    genre: str
    occurrences: tuple[Occurrence, ...]


def _known(kind: str, name: str, names: tuple[str, ...]) -> None:
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        raise InputError(
            f"unknown {kind} '{name}'; {'did you mean ' + repr(near[0]) if near else 'known: ' + ', '.join(names)}"
        )


def make_song(
    *,
    genre: str = "house",
    seed: int = 0,
    preset: str = "easy",
    duration_s: float = 120.0,
    n_sounds: int | None = None,
    progress: Callable[[float], None] = lambda _share: None,
) -> Song:
    """Make one song.

    Parameters
    ----------
    genre : one of :data:`GENRE_NAMES`, or of :data:`SCENE_NAMES`: hits, words or footsteps in their ambience, each
        performed anew.
    seed : the same seed gives the same song.
    preset : one of :data:`reatrieve.synth.presets.PRESETS`.
    duration_s : length in seconds, at least 20.
    n_sounds : sounds of interest; default one for every 40 s, at least one.
    progress : told the share done, 0..1.

    Raises
    ------
    InputError
        For an unknown genre or preset, or a song too short to hold repeats.
    """
    names = (*GENRE_NAMES, *SCENE_NAMES)
    _known("genre", genre, names)
    _known("preset", preset, tuple(PRESETS))
    if not duration_s >= MIN_DURATION_S:
        raise InputError(f"a song of {duration_s:g} s is too short; at least {MIN_DURATION_S:g} s are needed")
    rules = PRESETS[preset]
    rng = np.random.default_rng([seed, names.index(genre), list(PRESETS).index(preset)])
    n = n_of(duration_s)
    if genre in SCENES:
        bpm, root, beat_s, suited = 0.0, 0.0, SCENE_BEAT_S, SCENES[genre].families
        mix = stereo(SCENES[genre].ambience(rng, n))
    else:
        style = GENRES[genre]
        bpm = float(np.round(rng.uniform(*style.bpm), 1))
        root, beat_s, suited = float(rng.integers(41, 53)), 60.0 / bpm, style.families
        sections = plan_sections(int(np.ceil(duration_s / (4 * beat_s))), rng)
        mix = backing_track(
            style, bpm=bpm, root=root, sections=sections, n_samples=n, rng=rng,
            progress=lambda share: progress(BACKING_SHARE * share),
        )  # fmt: skip
    mix *= 0.5 / (np.sqrt(np.mean(mix**2)) * 4.0 + 1e-12)
    backing = _mono(mix)

    count = max(1, round(duration_s / 40.0)) if n_sounds is None else n_sounds
    families = [str(f) for f in rng.permutation(np.array(suited))]
    placed: list[tuple[Occurrence, Audio]] = []
    for index in range(count):
        family = families[index % len(families)]
        sound = _made(family, rng, root=root, beat_s=beat_s)
        placed += _place(mix, backing, sound, f"{family}{index + 1}", rules, duration_s, rng)
        progress(BACKING_SHARE + (1.0 - BACKING_SHARE) * (index + 1) / count)
    if rules.clip:
        mix = np.tanh(rules.clip * 2.0 * mix) / (rules.clip * 2.0)
    peak = float(np.max(np.abs(mix)))
    scale = 0.97 / peak
    occurrences = tuple(
        sorted(
            (_with_mix_ratio(occurrence, x, mix) for occurrence, x in placed), key=lambda o: (o.start_s, o.class_name)
        )
    )
    return Song((mix * scale).astype(np.float32), RATE_HZ, bpm, genre, occurrences)


def _mono(stereo: NDArray[np.float64]) -> Audio:
    return np.asarray(0.5 * (stereo[:, 0] + stereo[:, 1]))


def _with_mix_ratio(occurrence: Occurrence, x: Audio, mix: NDArray[np.float64]) -> Occurrence:
    i = round(occurrence.start_s * RATE_HZ)
    whole = _mono(mix[i : i + len(x)])
    ratio = 10.0 * np.log10(np.sum(x**2) / (np.sum(whole**2) + 1e-12) + 1e-12)
    return Occurrence(
        occurrence.class_name,
        occurrence.start_s,
        occurrence.end_s,
        occurrence.kind,
        round(float(ratio), 2),
        occurrence.alteration,
    )


def _free_starts(
    taken: list[tuple[float, float]], length_s: float, duration_s: float, beat_s: float
) -> NDArray[np.float64]:
    """Half-beat positions at which ``length_s`` seconds fit beside all that is taken."""
    step_s = beat_s / 2
    grid = step_s * np.arange(np.ceil(0.5 / step_s), np.floor((duration_s - length_s - 0.1) / step_s) + 1)
    free = np.ones(len(grid), dtype=bool)
    for start, end in taken:
        free &= (grid + length_s <= start - 0.05) | (grid >= end + 0.05)
    return np.asarray(grid[free])


def _place(
    mix: NDArray[np.float64],
    backing: Audio,
    sound: Sound | Performed,
    name: str,
    rules: Preset,
    duration_s: float,
    rng: np.random.Generator,
) -> list[tuple[Occurrence, Audio]]:
    """Mix the sound's occurrences and its distractors into ``mix``; return the occurrences with their samples."""
    wanted = int(rng.integers(rules.occurrences[0], rules.occurrences[1] + 1))
    pan = float(rng.uniform(-0.35, 0.35))
    plain = sound.render()
    room = int(0.55 * duration_s / ((1 + rules.distractors) * (len(plain) / RATE_HZ + sound.beat_s)))
    wanted = max(min(wanted, room), 1 if rules.occurrences[1] == 1 else 4)
    n_altered = int(np.ceil(rules.altered_share * (wanted - 1)))
    altered = np.zeros(wanted, dtype=bool)
    altered[1 + rng.permutation(wanted - 1)[:n_altered]] = True
    taken: list[tuple[float, float]] = []
    result: list[tuple[Occurrence, Audio]] = []
    for index in range(wanted):
        x, alteration = _repeat(sound, plain, rules, rng, altered=bool(altered[index]), number=index)
        length_s = len(x) / RATE_HZ
        starts = _free_starts(taken, length_s, duration_s, sound.beat_s)
        if len(starts) == 0:
            break
        start = round(float(rng.choice(starts)) * RATE_HZ) / RATE_HZ
        taken.append((start, start + length_s))
        x = x * _gain_for(backing, x, start, float(rng.uniform(*rules.ratio_db)) + _extra_gain_db(alteration))
        _mix_in(mix, x, start, pan)
        result.append((Occurrence(name, start, start + length_s, sound.kind, 0.0, alteration), x))
    for _ in range(round(rules.distractors * max(wanted, 4))):
        other = _made(sound.family, rng, root=sound.root, beat_s=sound.beat_s).render()
        starts = _free_starts(taken, len(other) / RATE_HZ, duration_s, sound.beat_s)
        if len(starts) == 0:
            continue
        start = round(float(rng.choice(starts)) * RATE_HZ) / RATE_HZ
        taken.append((start, start + len(other) / RATE_HZ))
        _mix_in(mix, other * _gain_for(backing, other, start, float(rng.uniform(*rules.ratio_db))), start, pan)
    return result


def _made(family: str, rng: np.random.Generator, *, root: float, beat_s: float) -> Sound | Performed:
    seed = int(rng.integers(2**31))
    if any(family in scene.families for scene in SCENES.values()):
        return Performed(family, seed, beat_s)
    return make_sound(family, seed=seed, root=root, beat_s=beat_s)


def _repeat(
    sound: Sound | Performed, plain: Audio, rules: Preset, rng: np.random.Generator, *, altered: bool, number: int
) -> tuple[Audio, str]:
    """One more occurrence, and what makes it different."""
    if isinstance(sound, Performed):
        return sound.render(number), f"take{number}"
    return _alter(sound, plain, rules, rng) if altered else (plain, "")


def _alter(sound: Sound, plain: Audio, rules: Preset, rng: np.random.Generator) -> tuple[Audio, str]:
    """One alteration out of the preset's kinds, and what it was."""
    kind = str(rng.choice(list(rules.kinds)))
    if kind == "pitch":
        semitones = float(rng.choice([-1, 1]) * rng.uniform(0.3, 2.0))
        return sound.render(semitones=semitones), f"pitch{semitones:+.2f}"
    if kind == "tempo":
        stretch = float(rng.uniform(0.97, 1.03))
        return sound.render(stretch=stretch), f"tempo{100 * (stretch - 1):+.1f}%"
    if kind == "filter":
        if rng.random() < 0.5:
            hz = float(rng.uniform(1200, 4000))
            return lowpass(plain, hz), f"lowpass{hz:.0f}"
        hz = float(rng.uniform(150, 500))
        return highpass(plain, hz), f"highpass{hz:.0f}"
    if kind == "reverb":
        return reverb(
            plain, np.random.default_rng(5), seconds=float(rng.uniform(0.6, 1.8)), mix=0.35, tail=False
        ), "reverb"
    return plain, f"gain{rng.uniform(-4, 4):+.1f}"


def _extra_gain_db(alteration: str) -> float:
    return float(alteration[4:]) if alteration.startswith("gain") else 0.0


def _gain_for(backing: Audio, x: Audio, start_s: float, ratio_db: float) -> float:
    """Factor that puts ``x`` at ``ratio_db`` over the backing's energy there; at least a tenth of its mean."""
    i = round(start_s * RATE_HZ)
    here = np.mean(backing[i : i + len(x)] ** 2)
    floor = 0.1 * np.mean(backing**2)
    return float(np.sqrt(max(here, floor) * 10.0 ** (ratio_db / 10.0) / (np.mean(x**2) + 1e-12)))


def _mix_in(mix: NDArray[np.float64], x: Audio, start_s: float, pan: float) -> None:
    """Add mono ``x`` so that the mean of both channels holds exactly ``x``."""
    i = round(start_s * RATE_HZ)
    mix[i : i + len(x), 0] += (1.0 - pan) * x
    mix[i : i + len(x), 1] += (1.0 + pan) * x
