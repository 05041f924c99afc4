"""Annotated electronic music, and scenes of sounds performed anew, made from nothing but numpy and scipy.

    from reatrieve.synth import make_song, write_dataset

``make_song`` arranges one track (drums, bass, pads, stabs by genre and tempo) and places *sounds of interest* of 1-7 s
at known times over it; ``write_dataset`` writes a folder of them in the format that ``reatrieve evaluate`` reads.
"""

from reatrieve.synth.dataset import write_dataset
from reatrieve.synth.presets import PRESETS, Preset
from reatrieve.synth.song import GENRE_NAMES, SCENE_NAMES, Occurrence, Song, make_song

__all__ = ["GENRE_NAMES", "PRESETS", "SCENE_NAMES", "Occurrence", "Preset", "Song", "make_song", "write_dataset"]
