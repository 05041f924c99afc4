"""Write a folder of songs in the data set format: ``audio/*``, ``annotations.csv``, ``songs.csv``."""

from __future__ import annotations

import contextlib
import csv
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NoReturn

import numpy as np
import soundfile
from numpy.typing import NDArray

from reatrieve.errors import AudioError, InputError
from reatrieve.synth.presets import PRESETS
from reatrieve.synth.song import GENRE_NAMES, MIN_DURATION_S, Song, make_song

__all__ = ["BLOCK_FRAMES", "write_blocks", "write_dataset", "write_song"]

SUBTYPE = {"flac": "PCM_16", "ogg": "VORBIS", "mp3": "MPEG_LAYER_III", "wav": "PCM_24"}
MAX_DURATION_S = 3600.0
"""Songs are made in memory."""
BLOCK_FRAMES = 65536  # libsndfile's Vorbis encoder overflows its stack on one huge write


def write_song(path: Path, song: Song) -> None:
    """Write the song's audio; the suffix chooses the format (flac, ogg, mp3, wav).

    Raises
    ------
    InputError
        If there is no such format.
    AudioError
        If the disk does not take it; nothing is left of it then.
    """
    suffix = path.suffix[1:].lower()
    if suffix not in SUBTYPE:
        raise InputError(f"{path.name}: cannot write '{suffix}'; use one of {', '.join(SUBTYPE)}")
    blocks = (song.audio[start : start + BLOCK_FRAMES] for start in range(0, len(song.audio), BLOCK_FRAMES))
    write_blocks(path, blocks, song.rate_hz, song.audio.shape[1], subtype=SUBTYPE[suffix])


def write_blocks(
    path: Path,
    blocks: Iterable[NDArray[np.float32]],
    rate_hz: int,
    n_channels: int,
    *,
    subtype: str | None = None,
    temporary: bool = False,
) -> None:
    """Write a sound file; the suffix chooses the format.

    Parameters
    ----------
    blocks : each of at most ``BLOCK_FRAMES`` frames [shape=(n,) or (n, n_channels), float32].
    temporary : whether it lies in the folder for temporary files, which the user chooses otherwise.

    Raises
    ------
    AudioError
        If the disk does not take it; nothing is left of it then.
    """
    n_frames = 0
    try:
        with soundfile.SoundFile(path, "w", rate_hz, n_channels, subtype=subtype) as file:
            for block in blocks:
                file.write(block)
                n_frames += len(block)
        whole = soundfile.info(path).frames >= n_frames  # libsndfile does not say that closing failed
    except (OSError, RuntimeError, AssertionError) as error:
        _refuse(path, getattr(error, "strerror", None), temporary, error)
    if not whole:
        _refuse(path, None, temporary, None)


def _refuse(path: Path, reason: str | None, temporary: bool, error: BaseException | None) -> NoReturn:
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)
    reason = reason or "is the disk full?"
    if temporary:
        raise AudioError(
            f"{path} cannot be written ({reason}); make room, or set the environment variable TMPDIR to another folder"
        ) from error
    raise AudioError(f"{path} cannot be written ({reason}); choose another folder") from error


def write_dataset(
    folder: Path,
    *,
    n_songs: int,
    genre: str | None = None,
    seed: int = 0,
    preset: str = "hard",
    duration_s: float = 120.0,
    codec: str | None = None,
    progress: Callable[[float], None] = lambda _songs: None,
) -> int:
    """Make ``n_songs`` songs into ``folder`` (made if absent, must be empty) and return the number of annotated rows.

    Parameters
    ----------
    genre : one genre for all, or None for each in turn.
    codec : ``flac``, ``ogg``, ``mp3`` or ``wav``; None takes the preset's.
    progress : told how many songs are done, with the share of the one that is being made.

    Raises
    ------
    InputError
        For a folder that is not empty, a count below one, a length that makes no song, or unknown names.
    AudioError
        If the disk does not take it. Nothing is left of what was written, whatever stops it.
    """
    if n_songs < 1:
        raise InputError(f"{n_songs} songs cannot be made; ask for at least 1")
    if preset not in PRESETS:
        raise InputError(f"unknown preset '{preset}'; known: {', '.join(PRESETS)}")
    suffix = codec or PRESETS[preset].codec
    if suffix not in SUBTYPE:
        raise InputError(f"unknown codec '{suffix}'; known: {', '.join(SUBTYPE)}")
    if seed < 0:
        raise InputError(f"seed {seed} is below 0; the same seed, 0 or more, makes the same songs")
    if not MIN_DURATION_S <= duration_s <= MAX_DURATION_S:
        raise InputError(
            f"a song of {duration_s:g} s cannot be made; it lasts {MIN_DURATION_S:g} to {MAX_DURATION_S:g} s"
        )
    if folder.exists() and any(folder.iterdir()):
        raise InputError(f"{folder} is not empty; name a new folder")
    with _all_or_none(folder):
        return _write_songs(folder, range(n_songs), genre, seed, preset, duration_s, suffix, progress)


@contextlib.contextmanager
def _all_or_none(folder: Path) -> Iterator[None]:
    """Make the folder, and take away all that was made, if anything stops the work."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    try:
        (folder / "audio").mkdir(parents=True, exist_ok=True)
        yield
    except BaseException as error:
        for path in folder.iterdir() if folder.is_dir() else ():
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
        for path in missing:
            with contextlib.suppress(OSError):
                path.rmdir()
        if isinstance(error, OSError) and not isinstance(error, AudioError):
            raise AudioError(f"cannot write to {folder}: {error.strerror or error}; choose another folder") from error
        raise


def _write_songs(
    folder: Path,
    indices: range,
    genre: str | None,
    seed: int,
    preset: str,
    duration_s: float,
    suffix: str,
    progress: Callable[[float], None],
) -> int:
    rows: list[list[object]] = []
    songs: list[list[object]] = []
    for index in indices:

        def told(share: float, done: int = index) -> None:
            progress(done + share)

        name = genre or GENRE_NAMES[index % len(GENRE_NAMES)]
        song_seed = seed * 10_000 + index
        song = make_song(genre=name, seed=song_seed, preset=preset, duration_s=duration_s, progress=told)
        file = f"{index + 1:03d}_{name}.{suffix}"
        write_song(folder / "audio" / file, song)
        rows += [
            [file, o.class_name, f"{o.start_s:.6f}", f"{o.end_s:.6f}", o.kind, f"{o.ratio_db:.2f}", "", o.alteration]
            for o in song.occurrences
        ]
        songs.append([file, name, f"{len(song.audio) / song.rate_hz:.3f}", f"{song.bpm:.1f}", f"synth-{index}", preset])
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
