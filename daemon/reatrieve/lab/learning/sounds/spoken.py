"""Words and running speech by two free speech synthesisers in many voices."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from reatrieve.lab.learning.sounds.source import Clip
from reatrieve.lab.learning.sounds.synthesisers import FLITE_VOICES, Espeak, Flite
from reatrieve.lab.learning.sounds.words import WORDS

__all__ = ["spoken_sentences", "spoken_words"]

_ACCENTS = {
    "en": ("en-us", "en", "en-gb-scotland", "en-gb-x-rp", "en-029", "en-gb-x-gbclan"),
    "de": ("de",),
    "fr": ("fr", "fr-be", "fr-ch"),
    "es": ("es", "es-419"),
}
_VARIANTS = (
    "f1", "f2", "f3", "f4", "f5", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "klatt", "klatt2", "klatt3", "croak",
)  # fmt: skip
_N_VOICES = {"en": 36, "de": 10, "fr": 10, "es": 10}
_WORDS_A_VOICE = 70
_FLITE_WORDS = 200
_N_SENTENCES = 500


def spoken_words(rng: np.random.Generator) -> Iterator[Clip]:
    """Words by espeak-ng's voices and by flite's, each word twice by every voice that says it.

    Raises
    ------
    InputError
        One of the two is not installed.
    """
    espeak, flite = Espeak(), Flite()
    for language, words in WORDS.items():
        for number in range(_N_VOICES[language]):
            voice, pitch, pace = _any_voice(language, rng)
            for word in rng.permutation(words)[:_WORDS_A_VOICE]:
                for _ in range(2):
                    said = espeak.say(
                        str(word),
                        voice,
                        pace=pace * rng.uniform(0.85, 1.18),
                        pitch=np.clip(pitch + rng.normal(0, 6), 0, 99),
                        liveliness=rng.uniform(20, 80),
                    )
                    yield Clip(said, f"{language} {word}", "word", f"espeak {language} {number}")
    for voice in FLITE_VOICES:
        for word in rng.permutation(WORDS["en"])[:_FLITE_WORDS]:
            for _ in range(2):
                said = flite.say(str(word), voice, stretch=rng.uniform(0.8, 1.25))
                yield Clip(said, f"en {word}", "word", f"flite {voice}")


def spoken_sentences(rng: np.random.Generator) -> Iterator[Clip]:
    """Running speech to hide words in: strings of words without sense.

    Raises
    ------
    InputError
        One of the two is not installed.
    """
    espeak, flite = Espeak(), Flite()
    for number in range(_N_SENTENCES):
        language = str(rng.choice(list(WORDS), p=[0.7, 0.1, 0.1, 0.1]))
        text = " ".join(rng.choice(WORDS[language], int(rng.integers(5, 13))))
        if language == "en" and rng.random() < 0.5:
            said = flite.say(text, str(rng.choice(FLITE_VOICES)), stretch=rng.uniform(0.75, 1.1))
        else:
            voice, pitch, pace = _any_voice(language, rng)
            said = espeak.say(text, voice, pace=pace * 1.15, pitch=pitch, liveliness=rng.uniform(20, 80))
        yield Clip(said, f"sentence {number}", "speech", "speech")


def _any_voice(language: str, rng: np.random.Generator) -> tuple[str, int, int]:
    """A voice of espeak-ng, its pitch (0..99) and words a minute."""
    name = f"{rng.choice(_ACCENTS[language])}+{rng.choice(_VARIANTS)}"
    return name, int(rng.integers(25, 76)), int(rng.integers(130, 211))
