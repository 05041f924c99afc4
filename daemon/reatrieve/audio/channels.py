"""From a file's channels to the two of a track: REAPER's channel modes, take pan, and what "mono" means here.

A matrix does it all, ``[left, right] = W @ channels``; mono is the mean of left and right.

I_CHANMODE (REAPER's API help; the numbers above 4 from scripts that set them): 0 normal, 1 left and right swapped, 2
downmix (the mean of all channels), 3 left, 4 right, 5... one further channel each, 67... the stereo pair that begins
at channel 1, 2, ... A mode that asks for a channel which the file lacks gives silence there, except that "right" of a
mono file is its one channel.

Assumed, since a stereo pair must stand for them: of files with more than two channels played as they are, the odd
ones (1, 3, ...) make up the left and the even ones the right, as the mean. Takes have no pan law: pan lowers the far
side linearly and leaves the near side alone (so computes SWS's loudness analysis, ``Breeder/BR_Loudness.cpp``: "takes
have no pan law!"), also where a mono file is heard on both sides. The mean of a hard-panned item is therefore 6 dB
down; the mix of several items keeps their balance.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["LAST_MODE", "stereo_weights"]

NORMAL, SWAPPED, DOWNMIX, LEFT = 0, 1, 2, 3
FIRST_PAIR = 67
LAST_MODE = FIRST_PAIR + 127
"""REAPER has up to 128 channels a track."""


def stereo_weights(n_channels: int, *, mode: int, pan: float = 0.0, gain: float = 1.0) -> NDArray[np.float32]:
    """The matrix from a file's channels to left and right.

    Parameters
    ----------
    n_channels : int > 0
        Channels of the file.
    mode : int
        I_CHANMODE.
    pan : float in -1..1
        Take pan.
    gain : float
        Linear, on both sides.

    Returns
    -------
    W : np.ndarray [shape=(2, n_channels)]
    """
    W = np.zeros((2, n_channels), np.float32)
    if mode in (NORMAL, SWAPPED):
        if n_channels == 1:
            W[:] = 1.0
        else:
            W[0, 0::2] = 1.0 / len(range(0, n_channels, 2))
            W[1, 1::2] = 1.0 / len(range(1, n_channels, 2))
        if mode == SWAPPED:
            W = W[::-1].copy()
    elif mode == DOWNMIX:
        W[:] = 1.0 / n_channels
    elif mode < FIRST_PAIR:
        channel = 0 if n_channels == 1 and mode == LEFT + 1 else mode - LEFT
        W[:, channel : channel + 1] = 1.0  # an empty slice where the file has no such channel
    else:
        first = mode - FIRST_PAIR
        W[0, first : first + 1] = 1.0
        W[1, first + 1 : first + 2] = 1.0
    W[0] *= gain * (1.0 - max(pan, 0.0))
    W[1] *= gain * (1.0 + min(pan, 0.0))
    return W
