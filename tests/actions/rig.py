"""One simulated REAPER, one track with sound, and the fake daemon behind it, ticked together."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import soundfile
from fake_daemon import FakeDaemon, Session

from reatrieve.headless import Reaper, scripts_folder

T = TypeVar("T")

SPANS = [(2.0 * k, 2.0 * k + 1.0) for k in range(1, 9)]


def _actions() -> dict[str, str]:
    """The name in the action list by the verb, as the scripts have them."""
    names = {}
    for path in scripts_folder().glob("ReaTrieve_*.lua"):
        posted = re.search(r'post\("(\w+)"', path.read_text(encoding="utf-8"))
        if posted:
            names[posted[1]] = path.stem.removeprefix("ReaTrieve_")
    return names


ACTIONS = _actions()
UNDO, REDO = 40029, 40030


def noise_file(path: Path, seconds: float = 20.0, rate_hz: int = 8000) -> Path:
    """Dull noise, mono."""
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(0).standard_normal(int(seconds * rate_hz))
    soundfile.write(path, 0.1 * np.convolve(noise, np.ones(8) / 8, "same"), rate_hz)
    return path


class Rig:
    """What the tests handle."""

    def __init__(
        self, folder: Path, version: str = "7.72", *, loss: float = 0.0, spans: Any = None, **options: Any
    ) -> None:
        self.folder = folder
        self.daemon = FakeDaemon(folder / "home", SPANS if spans is None else spans, loss=loss)
        environment = {"REATRIEVE_HOME": str(folder / "home")}
        self.version, self.options = version, options
        options.setdefault("clock", "simulated")
        self.reaper = Reaper(version, home=folder / "reaper", environment=environment, **options)
        self.audio = noise_file(folder / "audio" / "Musik für Ölfässer.wav")
        self.track = self.project.add_track("music")
        self.track.add_item(self.audio)
        self.project.set_view(0.0, 20.0)
        self.set(audition="no", check_sessions="yes")  # invariants, after each tick
        self._moves = 0  # of the host's, looked at
        self._view = self.project.view  # at the user's last key
        self._listening = False  # the user plays something
        self._played = False  # after the last tick

    @property
    def project(self) -> Any:
        return self.reaper.project

    def set(self, **values: str) -> None:
        """Settings, as texts."""
        for key, value in values.items():
            self.reaper.set_ext_state("ReaTrieve", key, value, persist=True)

    def tick(self, count: int = 1) -> None:
        for _ in range(count):
            self.daemon.poll()
            model, view, playing = self.project.model, self.project.view, self.project.playing
            self._listening = playing and (self._listening or not self._played)
            listening = self._listening
            self.reaper.tick()
            if self.project.model is model:
                self._check_moves(listening, view)
            self._played = self.project.playing

    def _check_moves(self, listening: bool, view: tuple[float, float]) -> None:
        """Transport and view move only within a tick of the user's own key, or while the user neither plays anything
        nor has looked elsewhere since; the end of an audition is the script's to make."""
        for move in self.reaper.unasked_moves[self._moves :]:
            assert not listening, f"{move}, while the user plays"
            assert "stop" in move or view == self._view, f"{move}, while the user looks elsewhere"
        if len(self.reaper.unasked_moves) > self._moves or self.reaper.host.ticks - self.reaper.host.key_tick <= 1:
            self._view = self.project.view
        self._moves = len(self.reaper.unasked_moves)

    def until(self, condition: Callable[[], T], ticks: int = 400) -> T:
        for _ in range(ticks):
            result = condition()
            if result:
                return result
            self.tick()
        raise TimeoutError(f"{self.names()}; {self.help()[-8:]}; {[str(e) for e in self.reaper.errors]}")

    def run(self, verb: str) -> None:
        """Press the key of an action."""
        self.reaper.run(ACTIONS[verb])
        self._view = self.project.view
        if verb == "play":
            self._listening = False  # what the user played ends with it

    def press(self, verb: str, settle: int = 4) -> None:
        """Press, and let everything happen that follows."""
        self.run(verb)
        self.tick(settle)

    def find(self, start_s: float = 0.5, end_s: float = 1.5) -> Session:
        """A search up to its first candidate with all that comes with it."""
        before = set(self.daemon.sessions)
        self.project.select_time(start_s, end_s)
        self.run("find")
        self.until(lambda: set(self.daemon.sessions) - before and self.candidate())
        self.tick(3)
        return self.daemon.sessions[(set(self.daemon.sessions) - before).pop()]

    def reopen(self, path: Path, ticks: int) -> None:
        """Close the project and open what was saved."""
        self.project.close()
        self.tick(3)
        self.reaper.open(path)
        self.tick(ticks)

    def names(self) -> list[str]:
        return [region.name for region in self.project.regions]

    def candidate(self) -> Any:
        """The candidate's region."""
        return next((region for region in self.project.regions if region.name.startswith("? ")), None)

    def region(self, name: str) -> Any:
        return next(region for region in self.project.regions if region.name == name)

    def accepted(self) -> list[float]:
        return [region.start_s for region in self.project.regions if region.name[:2] not in ("? ", "x ")]

    def history(self) -> list[str]:
        """REAPER's undo points that came from ReaTrieve."""
        return [
            text.removeprefix("ReaTrieve: ")
            for text in self.project.model.history.texts
            if text.startswith("ReaTrieve: ")
        ]

    def help(self) -> list[str]:
        return [line.removeprefix("ReaTrieve: ") for line in self.reaper.status.help_history]

    def line(self) -> str:
        return self.reaper.status.help_line.removeprefix("ReaTrieve: ")

    def sent(self, kind: type) -> list[Any]:
        """Commands of a kind that the daemon has handled."""
        return [command for command in self.daemon.log if isinstance(command, kind)]

    def __enter__(self) -> Rig:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.close()
        if kind is None:
            self.check()

    def close(self) -> None:
        self.reaper.close()
        self.daemon.socket.close()

    def check(self) -> None:
        """Nothing may have gone wrong that a script hid."""
        assert self.reaper.errors == []
        assert self.reaper.misuse == [], self.reaper.misuse
        assert self.reaper.status.console == []
        faults = [line for line in self.help() if "error at" in line]
        assert faults == [], faults


def accessors(rig: Rig) -> list[Any]:
    """Every audio accessor that a script has made."""
    return [thing for thing in rig.reaper.host.pointers._things.values() if thing.kind == "AudioAccessor"]
