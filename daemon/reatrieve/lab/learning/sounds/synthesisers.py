"""espeak-ng and flite as libraries: a text in, samples out; a process a word would take fifty times as long.

espeak-ng is under the GPL, which covers the program and not the sounds that it makes; flite and its voices are under a
licence like BSD's. Neither comes with the package; only training needs them.
"""

from __future__ import annotations

import ctypes
import ctypes.util

import numpy as np
import soxr

from reatrieve.errors import InputError
from reatrieve.lab.learning.sounds.source import RATE_HZ, Audio

__all__ = ["FLITE_VOICES", "Espeak", "Flite"]

FLITE_VOICES = ("slt", "rms", "awb", "kal16", "kal")

_SYNCHRONOUS = 2
_RATE, _PITCH, _RANGE = 1, 3, 4
_UTF8 = 1
_Heard = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


class Espeak:
    """espeak-ng.

    Raises
    ------
    InputError
        It is not installed.
    """

    def __init__(self) -> None:
        self._library = _library("espeak-ng")
        self._rate_hz = int(self._library.espeak_Initialize(_SYNCHRONOUS, 0, None, 0))
        if self._rate_hz <= 0:
            raise InputError("espeak-ng finds no voices; reinstall it (apt install espeak-ng)")
        self._pieces: list[Audio] = []
        self._listener = _Heard(self._hear)  # kept: the library calls it later
        self._library.espeak_SetSynthCallback(self._listener)

    def say(self, text: str, voice: str, *, pace: float, pitch: float, liveliness: float) -> Audio:
        """Samples of a text.

        Returns mono [shape=(n,), float64] at ``RATE_HZ``.

        Parameters
        ----------
        voice : name of a language, "+", name of a variant (``en-us+f2``).
        pace : words a minute, 80 to 450.
        pitch, liveliness : height of the voice and how far it moves, 0 to 99.

        Raises
        ------
        InputError
            There is no such voice.
        """
        library = self._library
        if library.espeak_SetVoiceByName(voice.encode()):
            raise InputError(f"espeak-ng has no voice {voice!r}; install its data (apt install espeak-ng-data)")
        for parameter, value in ((_RATE, pace), (_PITCH, pitch), (_RANGE, liveliness)):
            library.espeak_SetParameter(parameter, int(value), 0)
        self._pieces = [np.zeros(1)]
        spoken = text.encode()
        library.espeak_Synth(spoken, ctypes.c_size_t(len(spoken) + 1), 0, 1, 0, _UTF8, None, None)
        library.espeak_Synchronize()
        return _resampled(np.concatenate(self._pieces), self._rate_hz)

    def _hear(self, samples: ctypes._Pointer[ctypes.c_short], n: int, _events: int | None) -> int:
        if samples and n > 0:
            self._pieces.append(np.ctypeslib.as_array(samples, (n,)) / 32768.0)
        return 0


class _Wave(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_char_p),
        ("rate_hz", ctypes.c_int),
        ("n_samples", ctypes.c_int),
        ("n_channels", ctypes.c_int),
        ("samples", ctypes.POINTER(ctypes.c_short)),
    )


class _VoiceRecord(ctypes.Structure):
    _fields_ = (("name", ctypes.c_char_p), ("features", ctypes.c_void_p))


class Flite:
    """flite with its five American voices.

    Raises
    ------
    InputError
        It is not installed.
    """

    def __init__(self) -> None:
        self._library = _library("flite", shared=True)
        for name in ("flite_usenglish", "flite_cmulex"):
            _library(name, shared=True)
        self._library.flite_init()
        self._library.flite_text_to_wave.restype = ctypes.POINTER(_Wave)
        self._library.flite_text_to_wave.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
        self._library.flite_feat_set_float.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_float]
        self._library.delete_wave.argtypes = [ctypes.POINTER(_Wave)]
        self._voices: dict[str, int] = {}

    def say(self, text: str, voice: str, *, stretch: float) -> Audio:
        """Samples of an English text, ``stretch`` times as long as usual, by one of ``FLITE_VOICES``.

        Returns mono [shape=(n,), float64] at ``RATE_HZ``.
        """
        pointer = self._voices.get(voice) or self._registered(voice)
        features = ctypes.cast(pointer, ctypes.POINTER(_VoiceRecord)).contents.features
        self._library.flite_feat_set_float(features, b"duration_stretch", stretch)
        wave = self._library.flite_text_to_wave(text.encode(), pointer)
        found = wave.contents
        samples = np.ctypeslib.as_array(found.samples, (found.n_samples,)) / 32768.0
        rate_hz = found.rate_hz
        self._library.delete_wave(wave)
        return _resampled(samples, rate_hz)

    def _registered(self, voice: str) -> int:
        register = getattr(_library(f"flite_cmu_us_{voice}"), f"register_cmu_us_{voice}")
        register.restype = ctypes.c_void_p
        register.argtypes = [ctypes.c_char_p]
        self._voices[voice] = int(register(None))
        return self._voices[voice]


def _library(name: str, *, shared: bool = False) -> ctypes.CDLL:
    path = ctypes.util.find_library(name)
    if path is None:
        raise InputError(
            f"lib{name} is not installed; the network learns from its words (apt install espeak-ng libflite1)"
        )
    return ctypes.CDLL(path, ctypes.RTLD_GLOBAL if shared else ctypes.DEFAULT_MODE)


def _resampled(y: Audio, rate_hz: int) -> Audio:
    return np.asarray(soxr.resample(y, rate_hz, RATE_HZ) if rate_hz != RATE_HZ else y)
