"""Edges: from the frame grid to samples, by the waveform or, where a sound is performed anew, by its onset and by how
its time is warped against the example's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import scipy.fft
import scipy.ndimage
import scipy.spatial.distance
from numpy.typing import NDArray

from reatrieve.retrieval.excerpt import HOP, sample_near
from reatrieve.session.retriever import ANALYSIS_RATE_HZ

__all__ = ["LEAST_CORRELATION", "Aligner"]

REACH = HOP
"""Samples that an edge may move to either side."""
LONGEST = ANALYSIS_RATE_HZ
"""Samples of an excerpt that are compared: its first second tells where it begins."""
BLOCK = 6 * HOP
"""Samples that are transformed at a time, with the reach at both sides of them."""
ALIGNED_POSITIVES = 8
"""Accepted excerpts that places are aligned with: the example and the latest ones."""
LEAST_CORRELATION = 0.2
"""Below this the waveforms have nothing in common and the grid stands."""
EXAMPLE_RISE_S = 0.06
"""The example's strongest rise of energy is looked for this near to its beginning."""
RISE_REACH_S = 0.03
"""A place's strongest rise is looked for this far to either side; a quarter of the excerpt, if that is less."""
RISE_HOP = 64
"""Samples between two levels of energy."""
RISE_FAR_COST = 0.5
"""Share by which a rise at the end of the reach counts less."""
WARP_SHORTEST_S = 0.3
"""Shorter sounds have too little in them to be warped."""
WARP_REACH_S = 0.1
"""Seconds that warping may move any moment of an excerpt, either way."""
WARP_AROUND_S = 0.06
"""What lies before and behind the excerpts is compared too: it tells sound from silence."""
LATE_PEAK = 0.1
"""An example whose loudest moment comes after this share of it has a slow attack, as words have."""
_LOUDNESS_S = 0.02
_WARP_HOP, _WARP_FFT, _WARP_BANDS = 128, 512, 24
_NOISE_FLOOR_QUANTILE, _NOISE_FLOOR_FRAMES = 0.2, 400
"""The noise floor of a band is this quantile of its levels over so many frames of the whole audio."""
_RISE_FFT = 256
_RISE_BANDS = 8
_RISE_STEPS = 3
_RISE_BLUR = 2.0
_RISE_EDGES = np.unique(np.geomspace(1, _RISE_FFT // 2 + 1, _RISE_BANDS + 1).astype(int))
_POWER_FLOOR = 1e-7
"""Added to each power before its level is taken: digital silence has one too."""
_WARP_EDGES = np.unique(np.geomspace(3, _WARP_FFT // 2 + 1, _WARP_BANDS + 1).astype(int))


class Aligner:
    """Moves excerpts of one length to where they fit the labelled positives best.

    Parameters
    ----------
    samples : np.ndarray [shape=(n,), floating]
        The searched audio at ``ANALYSIS_RATE_HZ``.
    length_s : length of the excerpts, > 0.
    """

    def __init__(self, samples: NDArray[np.generic], *, length_s: float) -> None:
        self._samples = samples
        self._length = max(1, min(sample_near(length_s), LONGEST))
        self._block = min(self._length, BLOCK)
        self._n_blocks = math.ceil(self._length / self._block)
        self._n_fft = scipy.fft.next_fast_len(self._block + 2 * REACH, real=True)
        self._begins_s: list[float] = []
        self._spectra = np.zeros((self._n_blocks, self._n_fft // 2 + 1), dtype=np.complex64)
        self._norm = 0.0
        self._example_s: float | None = None
        self._rise = np.zeros(1)
        self._noise_floor_db: NDArray[np.float64] | None = None

    def by_waveform(self, begins_s: Sequence[float], coarse_s: float) -> tuple[float, float]:
        """Where the excerpt that begins at ``coarse_s`` (accurate to within half a frame) begins, and how sure that is.

        All times are seconds from the start of the audio.

        Parameters
        ----------
        begins_s : where the positives begin, the example first; the example and the latest are used.
        coarse_s : on the frame grid.

        Returns
        -------
        begin_s : where the waveforms correlate most.
        correlation : there, -1..1; below ``LEAST_CORRELATION`` they have nothing in common.
        """
        length = self._length
        self._set_template([*begins_s[:1], *begins_s[1:][-(ALIGNED_POSITIVES - 1) :]])
        start = sample_near(coarse_s)
        place = _piece(self._samples, start - REACH, self._n_blocks * self._block + 2 * REACH)
        blocks = np.lib.stride_tricks.sliding_window_view(place, self._block + 2 * REACH)[:: self._block]
        spectrum = np.einsum("bf,bf->f", scipy.fft.rfft(blocks, n=self._n_fft, axis=1), self._spectra)
        inner = scipy.fft.irfft(spectrum, n=self._n_fft)[: 2 * REACH + 1]
        place = place[: length + 2 * REACH]
        first = float(np.square(place[:length], dtype=np.float64).sum())
        steps = np.square(place[length:], dtype=np.float64) - np.square(place[: 2 * REACH], dtype=np.float64)
        energy = np.maximum(np.concatenate([[first], first + np.cumsum(steps)]), 1e-9)
        correlation = inner / (np.sqrt(energy) * max(self._norm, 1e-9))
        best = int(np.argmax(np.round(correlation, 5)))
        begin = start - REACH + best
        return begin / ANALYSIS_RATE_HZ, float(correlation[best])

    def by_rise(self, example_s: float, coarse_s: float) -> tuple[float, float]:
        """Where the excerpt near ``coarse_s`` begins if its strongest rise lies as the one of the example does.

        Parameters
        ----------
        example_s : where the example begins.
        coarse_s : where the excerpt begins, accurate to within ``RISE_REACH_S``.

        Returns
        -------
        begin_s : in steps of ``RISE_HOP`` samples.
        strength : of its rise, as a share of the example's.
        """
        if example_s != self._example_s:
            self._example_s, self._rise = example_s, _rises(self._samples, example_s, EXAMPLE_RISE_S)
        own = int(np.argmax(self._rise))
        late_s = (own - len(self._rise) // 2) * RISE_HOP / ANALYSIS_RATE_HZ
        reach_s = min(RISE_REACH_S, self._length / ANALYSIS_RATE_HZ / 4)
        theirs = _rises(self._samples, coarse_s + late_s, reach_s)
        lags = np.arange(len(theirs)) - len(theirs) // 2
        best = int(np.argmax(theirs * (1.0 - RISE_FAR_COST * np.square(lags / max(1, len(theirs) // 2)))))
        strength = float(theirs[best]) / max(float(self._rise[own]), 1e-9)
        return coarse_s + float(lags[best]) * RISE_HOP / ANALYSIS_RATE_HZ, strength

    def by_warp(self, example_s: float, coarse_s: float) -> float | None:
        """Where the excerpt near ``coarse_s`` begins if its time is warped against the example's.

        Dynamic time warping of levels above the noise floor, from half to twice the example's speed, within a window
        of ``WARP_REACH_S`` to either side (Sakoe and Chiba, "Dynamic programming algorithm optimization for spoken word
        recognition", 1978).

        Parameters
        ----------
        example_s : where the example begins.
        coarse_s : where the excerpt begins, accurate to within ``WARP_REACH_S``.

        Returns
        -------
        begin_s : in steps of half of ``_WARP_HOP`` samples, at most ``WARP_REACH_S`` and one step from ``coarse_s``.
            None for excerpts shorter than ``WARP_SHORTEST_S``, for those of ``LONGEST`` and more, of which the
            beginning alone would be compared, and for examples whose loudest moment comes first: what decays looks like
            itself a little later.
        """
        length_s = self._length / ANALYSIS_RATE_HZ
        if length_s < WARP_SHORTEST_S or self._length == LONGEST or not self._peaks_late(example_s):
            return None
        compared_s = length_s + 2 * WARP_AROUND_S
        hop_s = _WARP_HOP / ANALYSIS_RATE_HZ
        reach = round(WARP_REACH_S / hop_s)
        first_s = coarse_s - WARP_AROUND_S - reach * hop_s
        example = self._above_noise_floor(example_s - WARP_AROUND_S, compared_s)
        candidate = self._above_noise_floor(first_s, compared_s + 2 * reach * hop_s)
        return first_s + _warped(example, candidate, frame=round(WARP_AROUND_S / hop_s), reach=reach) * hop_s

    def _peaks_late(self, example_s: float) -> bool:
        power = np.square(_piece(self._samples, sample_near(example_s), self._length), dtype=np.float64)
        loudness = scipy.ndimage.uniform_filter1d(power, sample_near(_LOUDNESS_S), mode="constant")
        return int(np.argmax(loudness)) > LATE_PEAK * self._length

    def _above_noise_floor(self, first_s: float, duration_s: float) -> NDArray[np.float64]:
        """Levels in dB over the noise floor, 0 for what lies below it, shape (n_frames, n_bands)."""
        if self._noise_floor_db is None:
            self._noise_floor_db = _noise_floor_db(self._samples)
        n_frames = round(duration_s * ANALYSIS_RATE_HZ) // _WARP_HOP + 1
        frames = _frames(self._samples, sample_near(first_s), n_frames, fft=_WARP_FFT, hop=_WARP_HOP)
        return np.maximum(_levels_db(frames) - self._noise_floor_db, 0.0)

    def _set_template(self, begins_s: list[float]) -> None:
        """Make the sum of the positives' beginnings, each of norm 1, what places are compared with."""
        if begins_s == self._begins_s:
            return
        template = np.zeros(self._n_blocks * self._block, dtype=np.float32)
        for begin_s in begins_s:
            piece = _piece(self._samples, sample_near(begin_s), self._length)
            template[: self._length] += piece / np.float32(max(float(np.linalg.norm(piece)), 1e-9))
        blocks = template.reshape(self._n_blocks, self._block)
        self._spectra = np.conj(scipy.fft.rfft(blocks, n=self._n_fft, axis=1))
        self._norm = float(np.linalg.norm(template))
        self._begins_s = begins_s


def _piece(samples: NDArray[np.generic], first: int, length: int) -> NDArray[np.float32]:
    """``length`` samples from ``first`` on, zeros outside the audio."""
    piece = np.zeros(length, dtype=np.float32)
    low, high = max(first, 0), min(first + length, len(samples))
    if low < high:
        piece[low - first : high - first] = samples[low:high]
    return piece


def _frames(samples: NDArray[np.generic], first: int, n_frames: int, *, fft: int, hop: int) -> NDArray[np.float32]:
    """Frames of ``fft`` samples, the first around sample ``first``, shape (n_frames, fft)."""
    piece = _piece(samples, first - fft // 2, (n_frames - 1) * hop + fft)
    return np.lib.stride_tricks.sliding_window_view(piece, fft)[::hop]


def _band_powers(frames: NDArray[np.float32], edges: NDArray[np.int64]) -> NDArray[np.float32]:
    """Power of each band, whose first bins are ``edges`` (the last one ends them), shape (n_frames, n_bands)."""
    hann = np.hanning(frames.shape[1]).astype(np.float32)
    power = np.square(np.abs(scipy.fft.rfft(frames * hann, axis=1)))
    return np.asarray(np.add.reduceat(power[:, : edges[-1]], edges[:-1], axis=1))


def _rises(samples: NDArray[np.generic], centre_s: float, reach_s: float) -> NDArray[np.float64]:
    """Rise of the log energy, mean over bands, every ``RISE_HOP`` samples up to ``reach_s`` either way."""
    reach = max(1, int(reach_s * ANALYSIS_RATE_HZ / RISE_HOP))
    around = reach + _RISE_STEPS + int(3 * _RISE_BLUR)
    first = sample_near(centre_s) - around * RISE_HOP
    bands = _band_powers(_frames(samples, first, 2 * around + 1, fft=_RISE_FFT, hop=RISE_HOP), _RISE_EDGES)
    level = scipy.ndimage.gaussian_filter1d(np.log(bands + 1e-6 * max(float(bands.max()), 1e-9)), _RISE_BLUR, axis=0)
    steps = np.maximum(level[_RISE_STEPS:] - level[:-_RISE_STEPS], 0.0).mean(axis=1)
    middle = around - _RISE_STEPS // 2 - 1  # a step of 3 stands between its two ends
    return np.asarray(steps[middle - reach : middle + reach + 1], dtype=np.float64)


def _levels_db(frames: NDArray[np.float32]) -> NDArray[np.float64]:
    """Level of each band, shape (n_frames, n_bands)."""
    return np.asarray(10.0 * np.log10(_band_powers(frames, _WARP_EDGES) + _POWER_FLOOR), dtype=np.float64)


def _noise_floor_db(samples: NDArray[np.generic]) -> NDArray[np.float64]:
    """Level of each band that the audio falls below in ``_NOISE_FLOOR_QUANTILE`` of its frames, shape (n_bands,)."""
    firsts = np.linspace(0, max(len(samples) - _WARP_FFT, 0), _NOISE_FLOOR_FRAMES).astype(int)
    frames = np.stack([_piece(samples, int(first), _WARP_FFT) for first in np.unique(firsts)])
    return np.asarray(np.quantile(_levels_db(frames), _NOISE_FLOOR_QUANTILE, axis=0))


def _warped(example: NDArray[np.float64], candidate: NDArray[np.float64], *, frame: int, reach: int) -> float:
    """Which frame of the candidate goes with ``frame`` of the example, on the path that costs least.

    The path leads from the example's first frame to its last, in steps of (1, 1), (1, 2) and (2, 1). It begins and ends
    anywhere within the window: frame ``i`` of the example goes with ``i`` to ``i + 2 * reach`` of the candidate.
    """
    cost = scipy.spatial.distance.cdist(example, candidate)
    n, m = cost.shape
    late = np.arange(m) - np.arange(n)[:, None]
    cost[(late < 0) | (late > 2 * reach)] = np.inf
    total = np.full((n + 1, m + 2), np.inf)  # a row before, two columns before: no step leads there
    total[1, 2:] = cost[0]
    step = np.zeros((n, m), dtype=np.int8)
    for row in range(1, n):
        ways = np.stack([total[row, 1:-1], total[row, :-2], total[row - 1, 1:-1] + cost[row]])
        step[row] = np.argmin(ways, axis=0)
        total[row + 1, 2:] = ways.min(axis=0) + cost[row]
    row, column = n - 1, int(np.argmin(total[-1]) - 2)
    while row > frame:
        back = ((1, 1), (1, 2), (2, 1))[step[row, column]]
        if row - back[0] < frame:  # a step of two frames of the example passes it
            return column - 0.5
        row, column = row - back[0], column - back[1]
    return float(column)
