from __future__ import annotations

import numpy as np
import pytest

from reatrieve.errors import InputError
from reatrieve.session.spans import Span
from reatrieve.sync.anchors import Placement, anchors
from reatrieve.sync.tempo import TempoMap
from signals import noise

RATE_HZ = 22050
STARTS_S = [2.0, 5.0123, 8.3331, 12.01, 17.7, 22.2221]
JITTER_S = [0.0, 0.01, -0.02, 0.005, 0.02, -0.01]
LEAD_S = 0.03


class Samples:
    """A sound that lies in memory, read as ``TrackAudio`` is."""

    def __init__(self, y):
        self.y = y

    def read(self, start_s, end_s, rate_hz=RATE_HZ, *, mono=True):
        assert rate_hz == RATE_HZ
        n, first = round((end_s - start_s) * rate_hz), round(start_s * rate_hz)
        out = np.zeros(n, np.float32)
        low, high = max(first, 0), min(first + n, len(self.y))
        if high > low:
            out[low - first : high - first] = self.y[low:high]
        return out


def pluck(attack_s: float = 0.001, decay_s: float = 0.2, pitch_hz: float = 440.0) -> np.ndarray:
    t = np.arange(int(0.8 * RATE_HZ)) / RATE_HZ
    partials = np.sin(2 * np.pi * pitch_hz * t) + 0.5 * np.sin(2 * np.pi * 2.7 * pitch_hz * t)
    return np.minimum(1, t / attack_s) * np.exp(-t / decay_s) * partials


def burst() -> np.ndarray:
    t = np.arange(int(0.5 * RATE_HZ)) / RATE_HZ
    return noise(len(t), seed=3, level=1.0) * np.exp(-t / 0.05)


def swell() -> np.ndarray:
    return noise(RATE_HZ, seed=4, level=1.0) * np.linspace(0, 1, RATE_HZ) ** 2


def in_noise(sound: np.ndarray, ratio_db: float) -> tuple[Samples, list[Span]]:
    """The sound at ``STARTS_S`` in noise; the spans are jittered, as users' edges are."""
    y = np.convolve(noise(25 * RATE_HZ, seed=1, level=1.0), np.ones(8) / 8, "same")
    y *= np.sqrt(np.mean(sound**2) / np.mean(y**2)) * 10 ** (-ratio_db / 20)
    for start_s in STARTS_S:
        first = round(start_s * RATE_HZ)
        y[first : first + len(sound)] += sound
    length_s = len(sound) / RATE_HZ
    spans = [
        Span(start - LEAD_S + jitter, start - LEAD_S + jitter + length_s)
        for start, jitter in zip(STARTS_S, JITTER_S, strict=True)
    ]
    return Samples(y.astype(np.float32)), spans


def errors_ms(found: list[float]) -> np.ndarray:
    return 1000 * (np.array(found) - STARTS_S)


@pytest.mark.parametrize("sound", [pluck(), pluck(pitch_hz=60), burst()], ids=["pluck", "bass", "burst"])
@pytest.mark.parametrize("ratio_db", [60, 10, 0])
def test_onsets_are_within_5_ms_and_agree_with_each_other(sound, ratio_db):
    track, spans = in_noise(sound, ratio_db)
    errors = errors_ms(anchors(track, spans, Placement("onset")))
    assert np.abs(errors).max() < 5
    assert np.ptp(errors) < 1


def test_a_soft_attack_is_found_on_its_rise():
    track, spans = in_noise(pluck(attack_s=0.05, decay_s=0.5), 10)
    errors = errors_ms(anchors(track, spans, Placement("onset")))
    assert (errors > 0).all()
    assert (errors < 50).all()
    assert np.ptp(errors) < 1


def test_the_peak_of_a_swell_is_at_its_end():
    track, spans = in_noise(swell(), 10)
    found = anchors(track, spans, Placement("peak"))
    assert (errors_ms(found) > 900).all()
    assert np.ptp(errors_ms(found)) < 20  # some spans end before the peak does


def test_a_swell_has_no_onset_and_starts_at_its_start():
    track, spans = in_noise(swell(), 60)
    found = anchors(track, spans, Placement("onset"))
    assert all(span.start_s <= time <= span.start_s + 0.05 for time, span in zip(found, spans, strict=True))


@pytest.mark.parametrize("kind", ["start", "onset", "peak"])
@pytest.mark.parametrize("y", [np.zeros(10 * RATE_HZ, np.float32), noise(10 * RATE_HZ)], ids=["silence", "noise"])
def test_anchors_lie_inside_their_spans_whatever_sounds(kind, y):
    spans = [Span(0.0, 0.5), Span(1.0, 1.001), Span(9.8, 10.4), Span(4.0, 8.0)]
    for group in (spans, spans[1:2], spans[::-1]):
        found = anchors(Samples(y), group, Placement(kind))
        assert all(span.start_s <= time <= span.end_s for time, span in zip(found, group, strict=True))


def test_one_occurrence_is_enough():
    track, spans = in_noise(pluck(), 60)
    assert anchors(track, spans[:1], Placement("onset"))[0] == pytest.approx(STARTS_S[0], abs=0.005)
    assert anchors(track, [], Placement("onset")) == []


def test_nudge_then_snap():
    spans = [Span(1.02, 2.0)]
    silence = Samples(np.zeros(1, np.float32))
    assert anchors(silence, spans, Placement("start", nudge_ms=-20)) == [pytest.approx(1.0)]
    tempo = TempoMap.constant(120)
    assert anchors(silence, spans, Placement("start", snap=1, tempo_map=tempo)) == [pytest.approx(1.0)]
    assert anchors(silence, spans, Placement("start", nudge_ms=110, snap=4, tempo_map=tempo)) == [pytest.approx(1.125)]


def test_wrong_requests_are_named():
    with pytest.raises(InputError, match="unknown anchor"):
        anchors(Samples(np.zeros(1)), [Span(0, 1)], Placement("middle"))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="needs a tempo"):
        anchors(Samples(np.zeros(1)), [Span(0, 1)], Placement("start", snap=4))
