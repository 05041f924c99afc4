"""Scenes of a search, played with the real scripts and the real daemon, and what the window shows in each.

A minute of music is made; one sound of it is found and finished, then another one is searched. Every scene is drawn in
each size, so the window is seen as it is resized.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import soundfile
from PIL import Image

from reatrieve.demo.loop import Loop
from reatrieve.demo.service_process import ServiceProcess
from reatrieve.lab.pictures import held
from reatrieve.lab.pictures.arrange import arrange_view, with_window
from reatrieve.session.events import Verdict
from reatrieve.synth import make_song

__all__ = ["SCENES", "SIZES", "THEMES", "Drawn", "played"]

SIZES = ((200, 120), (400, 300), (1200, 400))
THEMES = ("dark", "light")
SCENES = ("idle", "searching", "asking", "again", "deciding", "error", "done", "missing")
"""In the order in which they are played."""

SONG_S = 120.0
SONG = {"genre": "house", "seed": 5, "preset": "hard"}
TITLE = "ReaTrieve"
REAPER_W, ARRANGE_H, WINDOW_H = 1280, 260, 340
REAPER_VIEW = (8.8, 31.2)
_LAST_ANSWERS: tuple[Verdict, ...] = ("accept", "skip", "reject")
TICKS = 4
"""After which a window of a new size is drawn."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """One picture: a scene, its size, and what the window showed; size (0, 0) is REAPER with the window in it."""

    scene: str
    size: tuple[int, int]
    image: Image.Image


class Player:
    """Somebody who knows where the sounds are.

    Attributes
    ----------
    loop : REAPER and the daemon, with the song on a track.
    audio : the song's file.
    hold : while this file is there, a search stands still.
    """

    def __init__(self, loop: Loop, folder: Path) -> None:
        self.loop = loop
        self.hold = loop.daemon.home / held.HOLD
        song = make_song(**SONG, duration_s=SONG_S)  # type: ignore[arg-type]
        self.audio = folder / "Song.wav"
        soundfile.write(str(self.audio), song.audio, song.rate_hz)
        self._places: dict[str, list[tuple[float, float]]] = {}
        for one in song.occurrences:
            self._places.setdefault(one.class_name, []).append((one.start_s, one.end_s))
        loop.project.set_tempo(song.bpm)
        loop.project.set_ruler(0)
        loop.insert(self.audio)
        loop.project.set_view(0.0, SONG_S)

    @property
    def sounds(self) -> list[str]:
        """Names of the song's sounds, the one that happens most often first."""
        return sorted(self._places, key=lambda name: -len(self._places[name]))

    def mark(self, sound: str) -> None:
        """Select the first place of a sound in time."""
        self.loop.project.select_time(*self.places(sound)[0])

    def places(self, sound: str) -> list[tuple[float, float]]:
        """Where a sound happens, seconds."""
        return sorted(self._places[sound])

    def rename(self, label: str) -> None:
        """Give the sound that is searched a name."""
        self.settle()
        self.loop.reaper.answer([label])
        self.loop.reaper.run("Rename sound")
        self.settle()

    def answer(self, sound: str, most: int) -> None:
        """Answer candidates as they are, at most so many."""
        for _ in range(most):
            region = self.loop.candidate
            if region is None:
                return
            hit = any(start_s < region.end_s and end_s > region.start_s for start_s, end_s in self._places[sound])
            self.loop.answer("accept" if hit else "reject")
        self.settle()

    def settle(self) -> None:
        """Let the curve arrive too."""
        self.loop.settle(30)


def played(
    theme: str, *, scenes: tuple[str, ...] = SCENES, sizes: tuple[tuple[int, int], ...] = SIZES
) -> Iterator[Drawn]:
    """Play the scenes, and draw those asked for.

    Parameters
    ----------
    theme : ``dark`` or ``light``.

    Raises
    ------
    ReatrieveError
        If the scripts refuse the search.
    """
    with (
        tempfile.TemporaryDirectory(prefix="reatrieve-", ignore_cleanup_errors=True) as name,
        _loop(Path(name), theme) as loop,
    ):
        player = Player(loop, Path(name))
        loop.reaper.run("Window")
        loop.reaper.until(lambda: TITLE in loop.reaper.windows)
        loop.settle()
        last = max(map(SCENES.index, scenes), default=-1)
        for scene in SCENES[: last + 1]:
            _PLAY[scene](player)
            if scene in scenes:
                yield from _drawn(player, scene, sizes, theme)


def _loop(folder: Path, theme: str) -> Loop:
    loop = Loop(folder, theme=theme)
    loop.daemon = ServiceProcess(loop.daemon.home, module=held.__name__)
    return loop


def _drawn(player: Player, scene: str, sizes: tuple[tuple[int, int], ...], theme: str) -> Iterator[Drawn]:
    loop = player.loop
    for size in sorted(sizes, reverse=True):
        loop.reaper.resize_window(*size, name=TITLE)
        loop.settle(TICKS)
        yield Drawn(scene, size, loop.reaper.gfx_picture(TITLE))
    if scene == "asking":
        for _ in _LAST_ANSWERS:  # the candidate before them lies near the example
            loop.reaper.run("Undo last answer")
            player.settle()
        loop.reaper.resize_window(REAPER_W, WINDOW_H, name=TITLE)
        loop.project.set_view(*REAPER_VIEW)
        loop.settle(TICKS)
        arrange = arrange_view(loop.project, size=(REAPER_W, ARRANGE_H), theme=theme)
        yield Drawn(scene, (0, 0), with_window(arrange, loop.reaper.gfx_picture(TITLE)))
        for answer in _LAST_ANSWERS:
            loop.answer(answer)
        player.settle()


def _idle(player: Player) -> None:
    player.mark(player.sounds[1])


def _searching(player: Player) -> None:
    reaper = player.loop.reaper
    player.hold.touch()
    reaper.run("Find sounds like the time selection")
    reaper.until(lambda: reaper.status.help_line.endswith(f"analysing, {100 * held.SHARE:.0f} %"))


def _asking(player: Player) -> None:
    """The second sound; the first one is finished by then."""
    loop, (vocal, swell) = player.loop, player.sounds[:2]
    player.hold.unlink()
    loop.reaper.until(lambda: loop.candidate is not None)
    player.rename("Swell")
    player.answer(swell, 4)
    loop.reaper.run("Finish (keep accepted, remove what is left)")
    player.settle()
    loop.find(*player.places(vocal)[0])
    player.rename("Vocal")
    player.answer(vocal, 3)
    for answer in _LAST_ANSWERS:
        loop.answer(answer)
    player.settle()


def _again(player: Player) -> None:
    player.loop.reaper.run("Previous answer")
    player.settle()


def _deciding(player: Player) -> None:
    loop = player.loop
    loop.reaper.run("Skip candidate")  # leaves the answer as it is
    player.settle()
    loop.reaper.answer("no")
    loop.reaper.run("Accept all at or above this score")
    player.settle()


def _error(player: Player) -> None:
    region = player.loop.candidate
    if region is not None:
        start_s, end_s = region.start_s, region.end_s
        region.move(start_s + SONG_S, end_s + SONG_S)
        player.loop.reaper.run("Accept candidate")
        player.loop.settle()


def _done(player: Player) -> None:
    region = player.loop.candidate
    if region is not None:
        region.move(region.start_s - SONG_S, region.end_s - SONG_S)
    player.answer(player.sounds[0], 40)
    player.loop.reaper.run("Finish (keep accepted, remove what is left)")
    player.settle()


def _missing(player: Player) -> None:
    """As after an installation: Find would start the daemon."""
    keys = ("home", "python", "program", "argument", "console", "version")
    ours = player.loop.home / "reaper" / "ReaTrieve"
    ours.mkdir(exist_ok=True)
    (ours / "where.txt").write_text("".join(f"{key} -\n" for key in keys))
    player.loop.daemon.stop()
    reaper = player.loop.reaper
    reaper.until(lambda: "daemon not running" in reaper.status.help_line)
    player.settle()


_PLAY: dict[str, Callable[[Player], None]] = {
    "idle": _idle,
    "searching": _searching,
    "asking": _asking,
    "again": _again,
    "deciding": _deciding,
    "error": _error,
    "done": _done,
    "missing": _missing,
}
