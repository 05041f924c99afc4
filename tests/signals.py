"""Sounds whose content is known by construction, and files of them in every format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

__all__ = ["FORMATS", "clicks", "noise", "repeats", "sines", "write_sound"]

FORMATS = {
    "wav": ("WAV", "PCM_24"),
    "aiff": ("AIFF", "PCM_16"),
    "flac": ("FLAC", "PCM_24"),
    "ogg": ("OGG", "VORBIS"),
    "opus": ("OGG", "OPUS"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
}
"""File name extension -> libsndfile's format and subtype."""


def noise(n_samples: int, *, seed: int = 0, level: float = 0.1) -> NDArray[np.float32]:
    """White noise [shape=(n_samples,)]."""
    return (level * np.random.default_rng(seed).standard_normal(n_samples)).astype(np.float32)


def clicks(times_s: list[float], *, rate_hz: int, duration_s: float) -> NDArray[np.float32]:
    """Silence with one full sample at each time [shape=(n,)]."""
    y = np.zeros(round(duration_s * rate_hz), np.float32)
    for time_s in times_s:
        y[round(time_s * rate_hz)] = 1.0
    return y


def sines(frequencies_hz: list[float], *, rate_hz: int, duration_s: float, level: float = 0.1) -> NDArray[np.float32]:
    """The sum of sines that begin at phase 0 [shape=(n,)]."""
    t = np.arange(round(duration_s * rate_hz)) / rate_hz
    return (level * sum(np.sin(2.0 * np.pi * f * t) for f in frequencies_hz)).astype(np.float32)


def write_sound(path: Path, y: NDArray[np.float32], rate_hz: int, *, subtype: str | None = None) -> Path:
    """Write ``y`` [shape=(n,) or (n, n_channels)] in the format that the name's extension says."""
    kind, usual = FORMATS[path.suffix[1:]]
    y = y if y.ndim == 2 else y[:, np.newaxis]
    with soundfile.SoundFile(path, "w", rate_hz, y.shape[1], subtype=subtype or usual, format=kind) as file:
        for start in range(0, len(y), 1 << 15):  # libsndfile's Vorbis encoder overflows its stack on long blocks
            file.write(y[start : start + (1 << 15)])
    return path


def repeats(
    starts_s: list[float], *, rate_hz: int, duration_s: float, length_s: float = 0.5, seed: int = 0
) -> NDArray[np.float32]:
    """Quiet noise in which one sound, a falling chirp with a rough edge, happens at each time [shape=(n,)]."""
    y = noise(round(duration_s * rate_hz), seed=seed, level=0.01)
    t = np.arange(round(length_s * rate_hz)) / rate_hz
    sound = np.sin(2.0 * np.pi * (1800.0 * t - 1300.0 * t**2)) + 0.5 * np.sign(np.sin(2.0 * np.pi * 310.0 * t))
    sound *= np.exp(-3.0 * t / length_s)
    for start_s in starts_s:
        first = round(start_s * rate_hz)
        y[first : first + len(sound)] += 0.3 * sound.astype(np.float32)
    return y
