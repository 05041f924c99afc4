"""The searched audio itself, kept beside the features: half precision, enough to align and to tell silence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from reatrieve.errors import InputError
from reatrieve.retrieval.frames import sample_near
from reatrieve.retrieval.spans import Span

__all__ = ["checked_example", "recorded", "refuse_silence"]

EDGE_TOLERANCE_S = 0.025
"""A selection that ends this little after the sound (rounding of rates and grids) is cut, not refused."""
_F16_MAX = float(np.finfo(np.float16).max)


def recorded(blocks: Iterable[NDArray[np.float32]], samples: NDArray[np.float16]) -> Iterator[NDArray[np.float32]]:
    """Pass the blocks through and write them to ``samples`` on the way."""
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

    Raises
    ------
    InputError
        If every sample of it is zero.
    """
    first, last = sample_near(example.start_s), sample_near(example.end_s)
    if not samples[first : max(last, first + 1)].any():
        raise InputError(
            f"the example ({example.start_s:.3f} to {example.end_s:.3f} s) is silent; select the sound itself"
        )
