"""Invented words by a formant synthesiser of our own: any number of voices, each word said a little differently."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from reatrieve.lab.learning.sounds.source import RATE_HZ, Audio, Clip, seconds

__all__ = ["invented_words"]

_HOP = 110
"""Samples between two settings of the vocal tract (5 ms)."""

_VOWELS = {
    "a": (730, 1090, 2440), "e": (530, 1840, 2480), "i": (270, 2290, 3010), "o": (570, 840, 2410),
    "u": (300, 870, 2240), "ae": (660, 1720, 2410), "uh": (640, 1190, 2390), "er": (490, 1350, 1690),
    "y": (280, 1900, 2200), "oe": (400, 1500, 2300),
}  # fmt: skip
_SONORANTS = {
    "m": (250, 1000, 2200), "n": (250, 1500, 2500), "l": (360, 1100, 2800), "r": (420, 1200, 1600),
    "w": (300, 650, 2200), "j": (280, 2200, 3000),
}  # fmt: skip
_FRICATIVES = {
    "s": (4500, 9500),
    "sh": (2200, 6500),
    "f": (1200, 9000),
    "h": (500, 4000),
    "th": (3000, 9000),
    "x": (900, 3000),
}
_STOPS = {"p": (300, 1500), "t": (2800, 8000), "k": (1300, 3500), "b": (200, 900), "d": (1800, 5000), "g": (900, 2600)}


@dataclass(frozen=True)
class _Voice:
    pitch_hz: float
    tract: float
    pace: float
    breath: float
    tilt: float
    swing: float


@dataclass(frozen=True)
class _Phone:
    name: str
    length_s: float


def invented_words(rng: np.random.Generator, *, n_words: int, n_voices: int) -> Iterator[Clip]:
    """Words of one to three syllables, each by four voices, twice by every one."""
    voices = [_any_voice(rng) for _ in range(n_voices)]
    for word in range(n_words):
        phones = _any_word(rng)
        for voice in rng.permutation(n_voices)[:4]:
            for _ in range(2):
                yield Clip(_say(phones, voices[voice], rng), f"invented {word}", "word", f"own voice {voice}")


def _any_voice(rng: np.random.Generator) -> _Voice:
    high = rng.random()
    return _Voice(
        pitch_hz=90 * 2 ** (1.6 * high + rng.normal(0, 0.12)),
        tract=0.9 + 0.28 * high + rng.normal(0, 0.04),
        pace=rng.lognormal(0, 0.15),
        breath=rng.uniform(0.02, 0.25),
        tilt=rng.uniform(4, 12),
        swing=rng.uniform(0.03, 0.3),
    )


def _any_word(rng: np.random.Generator) -> list[_Phone]:

    def pick(table: Iterable[str]) -> str:
        return str(rng.choice(list(table)))

    phones: list[_Phone] = []
    for _ in range(int(rng.choice([1, 1, 2, 2, 3]))):
        for part, chance in ((True, 0.85), (False, 0.4)):
            if rng.random() < chance:
                name = pick((list(_STOPS), list(_FRICATIVES), list(_SONORANTS))[int(rng.integers(3))])
                phones.append(_Phone(name, rng.uniform(0.05, 0.13)))
            if part:
                phones.append(_Phone(pick(_VOWELS), rng.uniform(0.08, 0.22)))
                if rng.random() < 0.2:
                    phones.append(_Phone(pick(_VOWELS), rng.uniform(0.06, 0.14)))
    return phones


def _say(phones: list[_Phone], voice: _Voice, rng: np.random.Generator) -> Audio:
    """Harmonics and noise under a spectral envelope that glides from phone to phone."""
    lengths = [max(3, round(p.length_s * voice.pace * rng.lognormal(0, 0.13) * RATE_HZ / _HOP)) for p in phones]
    n_steps = sum(lengths)
    formants, voiced, noisy = np.zeros((n_steps, 3)), np.zeros(n_steps), np.zeros(n_steps)
    bands = np.tile([500.0, 4000.0], (n_steps, 1))
    at = 0
    drawn = {p.name: rng.lognormal(0, 0.04, 3) for p in phones}
    target = np.array([500.0, 1500.0, 2500.0])
    for phone, length in zip(phones, lengths, strict=True):
        here = slice(at, at + length)
        name = phone.name
        if name in _VOWELS or name in _SONORANTS:
            target = np.array(_VOWELS.get(name) or _SONORANTS[name]) * drawn[name]
            voiced[here] = 1.0 if name in _VOWELS else 0.4
        elif name in _FRICATIVES:
            noisy[here], bands[here] = rng.lognormal(-0.4, 0.25), _FRICATIVES[name]
        else:
            closed = at + int(0.6 * length)
            noisy[closed : at + length], bands[here] = rng.lognormal(0.2, 0.25), _STOPS[name]
            voiced[here] = 0.08 if name in "bdg" else 0.0
        formants[here] = target
        at += length
    glide = np.hanning(9)[1:-1] / np.hanning(9).sum()

    def smooth(x: Audio) -> Audio:
        return np.asarray(np.convolve(np.pad(x, 3, mode="edge"), glide, mode="valid"), dtype=np.float64)

    formants = np.stack([smooth(f) for f in formants.T], axis=1) * voice.tract
    voiced, noisy = smooth(voiced), smooth(noisy)
    n = n_steps * _HOP
    steps, t = np.arange(n_steps) * _HOP, np.arange(n)
    contour = np.interp(
        np.linspace(0, 1, n_steps), [0, 0.3, 0.7, 1], rng.normal(0, voice.swing, 4) - [0, 0, 0.05, 0.15]
    )
    pitch = voice.pitch_hz * 2 ** rng.normal(0, 0.06) * 2 ** (contour + rng.normal(0, 0.008, n_steps))
    phase = 2 * np.pi * np.cumsum(np.interp(t, steps, pitch)) / RATE_HZ
    y = np.zeros(n)
    for k in range(1, min(60, int(7000 / pitch.min())) + 1):
        gain = _envelope(k * pitch, formants, voice.tilt) * voiced
        y += np.interp(t, steps, gain) * np.sin(k * phase)
    y *= np.minimum(1, seconds(n) / 0.005)
    # breath and consonants: noise shaped anew every 5 ms
    frame = 4 * _HOP
    window = np.hanning(frame)
    hz = np.fft.rfftfreq(frame, 1 / RATE_HZ)
    noise = rng.standard_normal(n + 2 * frame)
    out = np.zeros(n + 2 * frame)
    for step in range(n_steps):
        low, high = bands[step] * voice.tract**0.5
        shape = noisy[step] * 0.5 / (1 + (low / (hz + 1)) ** 6) / (1 + (hz / high) ** 6)
        shape = shape + voice.breath * voiced[step] * _envelope(
            np.asarray(hz + 1, dtype=np.float64), formants[step], 3.0
        )
        here = slice(step * _HOP, step * _HOP + frame)
        out[here] += window * np.fft.irfft(np.fft.rfft(noise[here] * window) * shape, frame)
    return np.asarray(y * 0.7 + out[frame // 2 : frame // 2 + n])


def _envelope(hz: Audio, formants: Audio, tilt_db: float) -> Audio:
    """Gain of the vocal tract at ``hz``: resonances at ``formants`` [shape=(..., 3)], falling ``tilt_db`` an octave."""
    gain = np.zeros(np.broadcast_shapes(hz.shape, formants.shape[:-1]))
    for index, weight in enumerate((1.0, 0.6, 0.3)):
        f = formants[..., index]
        gain = gain + weight / (1 + ((hz - f) / (50 + 0.06 * f)) ** 2)
    return np.asarray((gain + 0.01) * (hz / 200 + 0.5) ** (-tilt_db / 6.02 / 2))
