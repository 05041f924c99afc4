"""From a span to frames and samples at the analysis rate: every rounding between them happens here.

The searched audio is kept beside the features in half precision: enough to align and to tell silence.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from reatrieve.errors import InputError
from reatrieve.session.retriever import ANALYSIS_RATE_HZ
from reatrieve.session.spans import Span

__all__ = [
    "HOP",
    "HOP_S",
    "N_FFT",
    "checked_example",
    "excerpt_frames",
    "frame_count",
    "frame_near",
    "frame_time_s",
    "recorded",
    "refuse_silence",
    "sample_near",
]

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


EDGE_TOLERANCE_S = 0.025
"""A selection that ends this little after the sound (rounding of rates and grids) is cut, not refused."""
_F16_MAX = float(np.finfo(np.float16).max)


def recorded(blocks: Iterable[NDArray[np.float32]], samples: NDArray[np.float16]) -> Iterator[NDArray[np.float32]]:
    """Pass the blocks through and write them to ``samples`` on the way.

    Blocks are mono [shape=(n,), float32]; ``samples`` [shape=(n_samples,), float16] has room for all of them.
    """
    seen = 0
    for block in blocks:
        samples[seen : seen + block.size] = np.clip(block, -_F16_MAX, _F16_MAX)
        seen += block.size
        yield block


def checked_example(example: Span, *, duration_s: float) -> Span:
    """The example, cut to a sound of ``duration_s`` seconds.

    Raises
    ------
    InputError
        If the example reaches beyond the sound.
    """
    late = example.end_s > duration_s + EDGE_TOLERANCE_S or example.start_s >= duration_s
    if late or example.start_s < -EDGE_TOLERANCE_S or example.end_s <= 0.0:
        raise InputError(
            f"the example ({example.start_s:.3f} to {example.end_s:.3f} s) reaches outside the sound "
            f"(0 to {duration_s:.3f} s); move the time selection"
        )
    return Span(max(example.start_s, 0.0), min(example.end_s, duration_s))


def refuse_silence(samples: NDArray[np.generic], example: Span) -> None:
    """Check that something sounds in the example.

    ``samples`` [shape=(n_samples,)] are at ``ANALYSIS_RATE_HZ``.

    Raises
    ------
    InputError
        If every sample of it is zero.
    """
    first, last = sample_near(example.start_s), sample_near(example.end_s)
    if not samples[first : max(last, first + 1)].any():
        raise InputError(
            f"the example ({example.start_s:.3f} to {example.end_s:.3f} s) is silent in the mono mix that "
            "is searched; select the sound itself, or have one channel searched if left and right cancel each other"
        )
