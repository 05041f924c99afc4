"""Read annotations from any file that we know, finding out by its content which kind it is."""

from __future__ import annotations

from pathlib import Path

from reatrieve.annotations.annotation import Annotation
from reatrieve.annotations.json_files import read_json
from reatrieve.annotations.tables import decode_text, read_table
from reatrieve.annotations.wav_cues import read_wav_cues
from reatrieve.audio.riff import is_wave
from reatrieve.errors import AudioError, InputError

__all__ = ["Annotation", "read_annotations"]

MAX_TEXT_BYTES = 200_000_000


def read_annotations(path: Path, *, rate_hz: int | None = None) -> list[Annotation]:
    """Read labelled times from a file of any kind that ReaTrieve knows, in the order of the file.

    Known are Audacity labels, REAPER's region CSV, DCASE and sed_eval lists, Raven selection tables, Audition and Sonic
    Visualiser CSV, JAMS, ReaTrieve's sync JSON, and the cue points of WAV files. What a file is follows from its
    content.

    Parameters
    ----------
    path : the file.
    rate_hz : sample rate, needed only for tables whose times are sample numbers.

    Returns
    -------
    list of Annotation
        Times in seconds as written; points have equal start and end. ``file`` is set where the format names the
        recording.

    Raises
    ------
    AudioError
        If the file cannot be read.
    InputError
        If it is of no known kind, or damaged: file, line and reason.
    """
    try:
        if is_wave(path):
            return read_wav_cues(path)
        if path.stat().st_size > MAX_TEXT_BYTES:
            raise InputError(f"{path.name} is too large for an annotation file")
        content = path.read_bytes()
    except AudioError:
        raise
    except OSError as error:
        raise AudioError(f"cannot read {path}: {error.strerror or error}") from error
    text = decode_text(content, name=path.name)
    if text.lstrip()[:1] == "{":
        return read_json(text, name=path.name)
    return read_table(text, name=path.name, rate_hz=rate_hz)
