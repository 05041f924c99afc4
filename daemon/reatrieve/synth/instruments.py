"""Drums and tonal instruments of the backing track: a note in, mono samples out."""

from __future__ import annotations

import numpy as np

from reatrieve.synth.signals import (
    Audio,
    adsr,
    band,
    decay,
    fade_edges,
    glide,
    highpass,
    lowpass,
    midi_hz,
    n_of,
    noise,
    pulse,
    saw,
    sine,
    sweep_lowpass,
)

__all__ = ["DRUMS", "bass_note", "chord", "pluck", "wobble"]


def kick(rng: np.random.Generator) -> Audio:
    """Sine that falls from a click to a thump.

    Returns [shape=(n,), float64] at ``RATE_HZ``.
    """
    n = n_of(0.32)
    low = rng.uniform(44, 56)
    body = sine(low + rng.uniform(120, 220) * decay(n, 0.018), n) * decay(n, rng.uniform(0.07, 0.11))
    return fade_edges(np.tanh(2.2 * body) + 0.15 * highpass(noise(rng, n), 3000) * decay(n, 0.003))


def snare(rng: np.random.Generator) -> Audio:
    """Tuned shell and bright noise.

    Returns [shape=(n,), float64] at ``RATE_HZ``.
    """
    n = n_of(0.28)
    tone = sine(rng.uniform(175, 215), n) * decay(n, 0.035)
    return fade_edges(0.6 * tone + 0.8 * band(noise(rng, n), 1200, 9000) * decay(n, rng.uniform(0.035, 0.06)))


def clap(rng: np.random.Generator) -> Audio:
    """A few quick bursts, then one that rings.

    Returns [shape=(n,), float64] at ``RATE_HZ``.
    """
    n = n_of(0.3)
    envelope = np.zeros(n)
    for start_s in (0.0, 0.011, 0.021, 0.032):
        i = n_of(start_s) - 1
        envelope[i:] = np.maximum(envelope[i:], decay(n - i, 0.006 if start_s < 0.03 else 0.05))
    return fade_edges(band(noise(rng, n), 900, 5000) * envelope)


def hat(rng: np.random.Generator) -> Audio:
    """Short metallic noise.

    Returns [shape=(n,), float64] at ``RATE_HZ``.
    """
    n = n_of(0.07)
    return fade_edges(0.6 * highpass(noise(rng, n), 7500) * decay(n, 0.012))


def open_hat(rng: np.random.Generator) -> Audio:
    """The same, ringing.

    Returns [shape=(n,), float64] at ``RATE_HZ``.
    """
    n = n_of(0.3)
    return fade_edges(0.5 * highpass(noise(rng, n), 6500) * decay(n, 0.07))


def tom(rng: np.random.Generator) -> Audio:
    """Falling sine, longer than a kick.

    Returns [shape=(n,), float64] at ``RATE_HZ``.
    """
    n = n_of(0.4)
    hz = rng.uniform(90, 160)
    return fade_edges(sine(hz + 60 * decay(n, 0.05), n) * decay(n, 0.08))


def rim(rng: np.random.Generator) -> Audio:
    """Woody click.

    Returns [shape=(n,), float64] at ``RATE_HZ``.
    """
    n = n_of(0.06)
    return fade_edges((sine(rng.uniform(1500, 1900), n) + 0.5 * noise(rng, n)) * decay(n, 0.008))


DRUMS = {"kick": kick, "snare": snare, "clap": clap, "hat": hat, "open_hat": open_hat, "tom": tom, "rim": rim}


def bass_note(style: str, note: float, seconds: float) -> Audio:
    """One bass note: ``sub`` (sine), ``saw`` (filtered saw with an envelope) or ``reese`` (two beating saws).

    Returns [shape=(n,), float64] at ``RATE_HZ``.
    """
    n = n_of(seconds)
    hz = midi_hz(note)
    shape = adsr(n, attack_s=0.005, decay_s=0.08, sustain=0.75, release_s=0.03)
    if style == "sub":
        tone = np.tanh(1.6 * sine(hz, n))
    elif style == "reese":
        tone = lowpass(saw(hz * 0.994, n) + saw(hz * 1.007, n), 900)
    else:
        cutoff = 180 + 1400 * decay(n, 0.07)
        tone = sweep_lowpass(saw(hz, n), cutoff, n_filters=6) + 0.4 * sine(hz, n)
    return shape * tone


def wobble(note: float, seconds: float, *, lfo_hz: float, depth: float = 1.0, drive: float = 2.0) -> Audio:
    """Dubstep bass: detuned saws through a low-pass that an LFO opens and shuts.

    Returns [shape=(n,), float64] at ``RATE_HZ``.
    """
    n = n_of(seconds)
    hz = midi_hz(note)
    raw = saw(hz, n) + saw(hz * 1.006, n) + 0.5 * pulse(hz / 2, n, width=0.3)
    lfo = 0.5 - 0.5 * np.cos(2 * np.pi * lfo_hz * np.arange(n) / RATE)
    cutoff = 140.0 * (1.0 + 24.0 * depth * lfo)
    return fade_edges(np.tanh(drive * sweep_lowpass(raw, cutoff)), fade_out_s=0.03)


RATE = n_of(1.0)


def chord(style: str, notes: list[float], seconds: float, rng: np.random.Generator) -> Audio:
    """Several notes at once: ``pad`` (slow, detuned), ``stab`` (short, bright), ``keys`` (electric piano).

    Returns [shape=(n,), float64] at ``RATE_HZ``.
    """
    n = n_of(seconds)
    total = np.zeros(n)
    for note in notes:
        hz = midi_hz(note)
        if style == "pad":
            total += saw(hz * rng.uniform(0.996, 0.999), n) + saw(hz * rng.uniform(1.001, 1.004), n)
        elif style == "keys":
            total += np.sin(2 * np.pi * hz * np.arange(n) / RATE + 1.8 * decay(n, 0.12) * sine(hz, n)) * decay(n, 0.45)
        else:
            total += saw(hz, n) + 0.6 * pulse(hz * 1.003, n, width=0.35)
    if style == "pad":
        return lowpass(total, 1800) * adsr(n, attack_s=0.25, decay_s=0.3, sustain=0.8, release_s=0.4) / len(notes)
    if style == "keys":
        return fade_edges(total / len(notes), fade_out_s=0.05)
    return sweep_lowpass(total, 500 + 4500 * decay(n, 0.08), n_filters=6) * decay(n, 0.16) / len(notes)


def pluck(note: float, seconds: float, *, bright_hz: float = 3500.0) -> Audio:
    """Short lead note.

    Returns [shape=(n,), float64] at ``RATE_HZ``.
    """
    n = n_of(seconds)
    hz = midi_hz(note)
    tone = pulse(glide(hz * 1.01, hz, n), n, width=0.4) + 0.5 * saw(hz * 2.002, n)
    return fade_edges(sweep_lowpass(tone, 300 + bright_hz * decay(n, 0.1), n_filters=6) * decay(n, 0.2))
