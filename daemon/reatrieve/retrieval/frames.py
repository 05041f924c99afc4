"""Seconds, samples and frames at the analysis rate: every rounding between them happens here."""

from __future__ import annotations

import math

from reatrieve.retrieval.interface import ANALYSIS_RATE_HZ

__all__ = ["HOP", "HOP_S", "N_FFT", "excerpt_frames", "frame_count", "frame_near", "frame_time_s", "sample_near"]

HOP = 512
N_FFT = 2048
HOP_S = HOP / ANALYSIS_RATE_HZ


def frame_count(n_samples: int) -> int:
    """Frames of a centred analysis (librosa's ``center=True``): one each ``HOP`` samples, the first at sample 0."""
    return 1 + n_samples // HOP


def frame_near(time_s: float, *, hop_s: float = HOP_S) -> int:
    """The frame whose centre is nearest to ``time_s``; halves go up."""
    return math.floor(time_s / hop_s + 0.5)


def frame_time_s(frame: int, *, hop_s: float = HOP_S) -> float:
    """Seconds at the centre of ``frame``."""
    return frame * hop_s


def sample_near(time_s: float) -> int:
    """The sample nearest to ``time_s``; halves go up."""
    return math.floor(time_s * ANALYSIS_RATE_HZ + 0.5)


def excerpt_frames(length_s: float, *, hop_s: float = HOP_S) -> int:
    """Frames in an excerpt of ``length_s`` seconds, at least one."""
    return max(1, frame_near(length_s, hop_s=hop_s))
