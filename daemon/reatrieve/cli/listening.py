"""A candidate to listen to: played by the sound card where ``sounddevice`` is installed, else as a file."""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import re
import shutil
import tempfile
from itertools import chain, count
from pathlib import Path
from types import ModuleType

import soundfile

from reatrieve.audio.stitch import TrackAudio
from reatrieve.audio.trackmap import TrackMap
from reatrieve.errors import AudioError
from reatrieve.files import holds, made_for, write_whole
from reatrieve.installation import missing
from reatrieve.session.spans import Span

__all__ = ["Listening"]

RATE_HZ = 44100


class Listening:
    """Plays the places of one track, or writes them.

    Parameters
    ----------
    track_map : what is searched.
    label : the sound's name; it stands in the files' names.
    folder : for the files; None: a temporary one, made with the first and deleted at the end of the ``with`` block.
    """

    def __init__(self, track_map: TrackMap, label: str, folder: Path | None = None) -> None:
        self._audio = TrackAudio(track_map)
        plain = re.sub(r"[^\w .+-]", "_", label).strip(" .")[:60]
        self._label = plain.encode()[:120].decode(errors="ignore") or "sound"  # a file's name has 255 bytes
        self._folder = folder
        self._temporary: Path | None = None
        self._explained = False

    def __enter__(self) -> Listening:
        """Nothing: the temporary folder is made with the first file."""
        return self

    def __exit__(self, *_: object) -> None:
        """Delete the temporary folder with what was written to it."""
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)

    def play(self, number: int, span: Span) -> str:
        """Begin to play a place (project seconds), or write it; what the user should read, "" if it plays. Why it is
        written is told once.

        Raises
        ------
        AudioError
            If the audio cannot be read, or neither be played nor written.
        """
        device, why = _sound_device()
        if device is None:
            return self._written(number, span, f"not played: {why}")
        y = self._audio.read(span.start_s, span.end_s, RATE_HZ, mono=False)
        try:
            device.play(y.T, RATE_HZ)
        except Exception as error:  # PortAudioError and ValueError, by the driver's mood; the file always helps
            return self._written(number, span, f"not played: {error}")
        return ""

    def _written(self, number: int, span: Span, why: str) -> str:
        lines = [f"written to {self.write(number, span)}", *([] if self._explained else [why])]
        self._explained = True
        return "\n".join(lines)

    def stop(self) -> None:
        """End what is playing."""
        device, _ = _sound_device()
        if device is not None:
            with contextlib.suppress(Exception):
                device.stop()

    def write(self, number: int, span: Span) -> Path:
        """Write a place (project seconds) as a wav whose name has label, number and time.

        Raises
        ------
        AudioError
            If the audio cannot be read, or the file not be written.
        """
        if self._folder is None:
            self._folder = self._temporary = Path(tempfile.mkdtemp(prefix="reatrieve-listen-"))
        minutes, rest_s = divmod(max(span.start_s, 0.0), 60.0)
        path = self._folder / f"{self._label} {number:03} at {int(minutes)}m{rest_s:06.3f}s.wav"
        y = self._audio.read(span.start_s, span.end_s, RATE_HZ, mono=False)
        content = io.BytesIO()
        soundfile.write(content, y.T, RATE_HZ, subtype="PCM_24", format="WAV")
        try:
            with made_for(self._folder):
                return _written_once(path, content.getvalue())
        except OSError as error:
            reason = error.strerror or error
            raise AudioError(f"{path} cannot be written ({reason}); choose another folder by --preview") from error


def _written_once(path: Path, content: bytes) -> Path:
    """Write a file; where another one has its name, it gets the next number behind it."""
    names = chain([path], (path.with_stem(f"{path.stem} ({number})") for number in count(2)))
    free = next(one for one in names if not os.path.lexists(one) or holds(one, content))
    if not os.path.lexists(free):
        write_whole(free, content)
    return free


def _sound_device() -> tuple[ModuleType | None, str]:
    """What plays; else why nothing does."""
    try:
        return importlib.import_module("sounddevice"), ""
    except ImportError:
        return None, str(missing("sounddevice"))
    except OSError:
        return None, "the PortAudio library, which sounddevice needs, is not installed (Debian: libportaudio2)"
