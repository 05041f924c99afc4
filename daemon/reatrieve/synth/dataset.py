"""Write a folder of songs in the data set format: ``audio/*``, ``annotations.csv``, ``songs.csv``."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import soundfile

from reatrieve.errors import InputError
from reatrieve.synth.presets import PRESETS
from reatrieve.synth.song import GENRE_NAMES, Song, make_song

__all__ = ["write_dataset", "write_song"]

SUBTYPE = {"flac": "PCM_16", "ogg": "VORBIS", "mp3": "MPEG_LAYER_III", "wav": "PCM_24"}
BLOCK_FRAMES = 65536  # libsndfile's Vorbis encoder overflows its stack on one huge write


def write_song(path: Path, song: Song) -> None:
    """Write the song's audio; the suffix chooses the format (flac, ogg, mp3, wav).

    Raises
    ------
    InputError
        If the suffix is none of these.
    """
    suffix = path.suffix[1:].lower()
    if suffix not in SUBTYPE:
        raise InputError(f"{path.name}: cannot write '{suffix}'; use one of {', '.join(SUBTYPE)}")
    with soundfile.SoundFile(path, "w", song.rate_hz, song.audio.shape[1], subtype=SUBTYPE[suffix]) as file:
        for start in range(0, len(song.audio), BLOCK_FRAMES):
            file.write(song.audio[start : start + BLOCK_FRAMES])


def write_dataset(
    folder: Path,
    *,
    n_songs: int,
    genre: str | None = None,
    seed: int = 0,
    preset: str = "hard",
    duration_s: float = 120.0,
    codec: str | None = None,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Make ``n_songs`` songs into ``folder`` (made if absent, must be empty) and return the number of annotated rows.

    Parameters
    ----------
    genre : one genre for all, or None for each in turn.
    codec : ``flac``, ``ogg``, ``mp3`` or ``wav``; None takes the preset's.
    progress : told the number of songs done.

    Raises
    ------
    InputError
        For a folder that is not empty, a count below one, or unknown names.
    """
    if n_songs < 1:
        raise InputError(f"{n_songs} songs cannot be made; ask for at least 1")
    if preset not in PRESETS:
        raise InputError(f"unknown preset '{preset}'; known: {', '.join(PRESETS)}")
    suffix = codec or PRESETS[preset].codec
    if suffix not in SUBTYPE:
        raise InputError(f"unknown codec '{suffix}'; known: {', '.join(SUBTYPE)}")
    if folder.exists() and any(folder.iterdir()):
        raise InputError(f"{folder} is not empty; name a new folder")
    (folder / "audio").mkdir(parents=True, exist_ok=True)
    rows: list[list[object]] = []
    songs: list[list[object]] = []
    for index in range(n_songs):
        name = genre or GENRE_NAMES[index % len(GENRE_NAMES)]
        song = make_song(genre=name, seed=seed * 10_000 + index, preset=preset, duration_s=duration_s)
        file = f"{index + 1:03d}_{name}.{suffix}"
        write_song(folder / "audio" / file, song)
        rows += [
            [file, o.class_name, f"{o.start_s:.6f}", f"{o.end_s:.6f}", o.kind, f"{o.ratio_db:.2f}", "", o.alteration]
            for o in song.occurrences
        ]
        songs.append([file, name, f"{len(song.audio) / song.rate_hz:.3f}", f"{song.bpm:.1f}", f"synth-{index}", preset])
        if progress:
            progress(index + 1)
    _write_csv(
        folder / "annotations.csv", ["file", "class", "start", "end", "kind", "ratio_db", "flag", "alteration"], rows
    )
    _write_csv(folder / "songs.csv", ["file", "genre", "duration_s", "bpm", "composer_group", "preset"], songs)
    return len(rows)


def _write_csv(path: Path, header: list[str], rows: list[list[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
