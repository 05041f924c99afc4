"""Words said by two free speech synthesisers, espeak-ng and flite, in many voices.

espeak-ng is under the GPL, which covers the program and not the sounds that it makes; flite and its voices are under a
licence like BSD's. Both are run as programs.
"""

from __future__ import annotations

import io
import shutil
import subprocess
from collections.abc import Iterator

import numpy as np
import soundfile
import soxr

from reatrieve.errors import InputError
from reatrieve.lab.learning.sounds.source import RATE_HZ, Audio, Clip
from reatrieve.lab.learning.sounds.words import WORDS

__all__ = ["spoken_words"]

_ACCENTS = {
    "en": ("en-us", "en-gb", "en-gb-scotland", "en-gb-x-rp", "en-029", "en-gb-x-gbclan"),
    "de": ("de",),
    "fr": ("fr-fr", "fr-be", "fr-ch"),
    "es": ("es", "es-419"),
}
_VARIANTS = (
    "f1",
    "f2",
    "f3",
    "f4",
    "f5",
    "m1",
    "m2",
    "m3",
    "m4",
    "m5",
    "m6",
    "m7",
    "m8",
    "klatt",
    "klatt2",
    "klatt3",
    "croak",
)
_N_VOICES = {"en": 28, "de": 8, "fr": 8, "es": 8}
_WORDS_A_VOICE = 110
_FLITE = ("slt", "rms", "awb", "kal16", "kal")
_FLITE_WORDS = 150


def spoken_words(rng: np.random.Generator) -> Iterator[Clip]:
    """Words by espeak-ng's voices (one take each) and by flite's (two takes each).

    Raises
    ------
    InputError
        One of the two programs is not installed.
    """
    for program in ("espeak-ng", "flite"):
        if shutil.which(program) is None:
            raise InputError(
                f"{program} is not installed; it says the words that the network learns from (apt install {program})"
            )
    for language, words in WORDS.items():
        for voice in range(_N_VOICES[language]):
            accent, variant = rng.choice(_ACCENTS[language]), rng.choice(_VARIANTS)
            pitch, pace = int(rng.integers(25, 76)), int(rng.integers(130, 211))
            for word in rng.permutation(words)[:_WORDS_A_VOICE]:
                said = _run(
                    ["espeak-ng", "--stdout", "-v", f"{accent}+{variant}", "-s", str(int(pace * rng.uniform(0.9, 1.1))),
                     "-p", str(int(np.clip(pitch + rng.normal(0, 8), 0, 99))), str(word)]
                )  # fmt: skip
                yield Clip(said, f"{language} {word}", "word", f"espeak {language} {voice}")
    for name in _FLITE:
        for word in rng.permutation(WORDS["en"])[:_FLITE_WORDS]:
            for _ in range(2):
                stretch = f"duration_stretch={rng.uniform(0.8, 1.25):.3f}"
                said = _run(["flite", "-voice", name, "--setf", stretch, "-t", str(word), "-o", "/dev/stdout"])
                yield Clip(said, f"en {word}", "word", f"flite {name}")


def _run(command: list[str]) -> Audio:
    done = subprocess.run(command, capture_output=True, check=False)
    try:
        y, rate_hz = soundfile.read(io.BytesIO(_with_true_length(done.stdout)), dtype="float64")
    except soundfile.LibsndfileError as error:
        raise InputError(
            f"{command[0]} gave no sound: {done.stderr.decode(errors='replace').strip() or error}"
        ) from error
    return np.asarray(soxr.resample(y, rate_hz, RATE_HZ) if rate_hz != RATE_HZ else y)


def _with_true_length(wave: bytes) -> bytes:
    """A wave file written to a pipe cannot tell its length: the two fields are filled in."""
    if wave[:4] != b"RIFF" or len(wave) < 44:
        return wave
    at = wave.find(b"data", 12) + 4
    return (
        wave[:4]
        + (len(wave) - 8).to_bytes(4, "little")
        + wave[8:at]
        + (len(wave) - at - 4).to_bytes(4, "little")
        + wave[at + 4 :]
    )
