"""A project tab as a user handles it: content, selection, transport, history and file."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from reatrieve.headless.handles import Region, Track
from reatrieve.headless.model import Marker, TempoPoint
from reatrieve.headless.undo import MISC, TRACKS

if TYPE_CHECKING:
    from reatrieve.headless.host import Host
    from reatrieve.headless.project import ProjectModel

__all__ = ["Project"]


@dataclass(frozen=True, slots=True)
class Project:
    """A project tab."""

    host: Host = field(repr=False)
    model: ProjectModel

    @property
    def path(self) -> Path | None:
        """Its file; None when it was never saved."""
        return self.model.path

    @property
    def is_open(self) -> bool:
        """Whether its tab is still there."""
        return self.model.alive

    @property
    def dirty(self) -> bool:
        """Whether it differs from its file."""
        return self.model.dirty

    def activate(self) -> None:
        """Switch to its tab."""
        self.host.select(self.host.require_project(self.model))

    # content ---------------------------------------------------------------------------------------------------------

    @property
    def tracks(self) -> list[Track]:
        """Its tracks from top to bottom."""
        return [Track(self.host, track) for track in self.model.tracks]

    def add_track(self, name: str = "", select: bool = True) -> Track:
        """Add a track at the end; it becomes the only selected one unless told otherwise."""
        track = Track(self.host, self.model.add_track(name))
        if select:
            track.select()
        self.model.history.add("Insert track", TRACKS)
        return track

    def _region(self, marker: Marker) -> Region:
        color = None
        if marker.color & 0x1000000:
            color = "#{:02x}{:02x}{:02x}".format(*self.host.color_parts(marker.color))
        end_s = marker.end_s if marker.is_region else marker.start_s
        return Region(
            marker.guid, marker.number, marker.start_s, end_s, marker.name, color, marker.is_region, marker.lane, self
        )

    @property
    def regions(self) -> list[Region]:
        """Its regions in time order."""
        return [self._region(marker) for marker in self.model.sorted_markers() if marker.is_region]

    @property
    def markers(self) -> list[Region]:
        """Its markers in time order."""
        return [self._region(marker) for marker in self.model.sorted_markers() if not marker.is_region]

    def _add_marker(self, is_region: bool, start_s: float, end_s: float, name: str, color: str | None) -> Region:
        native = 0
        if color is not None:
            red, green, blue = (int(color.lstrip("#")[i : i + 2], 16) for i in (0, 2, 4))
            native = self.host.native_color(red, green, blue) | 0x1000000
        marker = self.model.add_marker(is_region, start_s, end_s, name, -1, native)
        self.model.history.add("Insert region" if is_region else "Insert marker", MISC)
        return self._region(marker)

    def add_region(self, start_s: float, end_s: float, name: str = "", color: str | None = None) -> Region:
        """Insert a region."""
        return self._add_marker(True, start_s, end_s, name, color)

    def add_marker(self, time_s: float, name: str = "", color: str | None = None) -> Region:
        """Insert a marker."""
        return self._add_marker(False, time_s, time_s, name, color)

    def set_tempo(self, bpm: float, numerator: int = 4, denominator: int = 4) -> None:
        """The project's tempo and time signature."""
        self.model.bpm, self.model.numerator, self.model.denominator = bpm, numerator, denominator
        self.model.history.add("Change tempo", MISC)

    def add_tempo(
        self, time_s: float, bpm: float, numerator: int = 0, denominator: int = 0, linear: bool = False
    ) -> None:
        """Insert a tempo marker; numerator 0 leaves the time signature."""
        self.model.tempo.append(TempoPoint(time_s, bpm, numerator, denominator, linear))
        self.model.tempo.sort(key=lambda point: point.time_s)
        self.model.history.add("Insert tempo marker", MISC)

    # selection, view, transport --------------------------------------------------------------------------------------

    def select_time(self, start_s: float, end_s: float) -> None:
        """Drag a time selection."""
        self.model.set_time_selection(start_s, end_s)

    @property
    def time_selection(self) -> tuple[float, float]:
        """Start and end of the time selection, equal when there is none."""
        return self.model.time_selection

    @property
    def loop_points(self) -> tuple[float, float]:
        """Start and end of the loop."""
        return self.model.loop_points

    def set_loop_points(self, start_s: float, end_s: float) -> None:
        """Set the loop."""
        self.model.set_loop_points(start_s, end_s)

    @property
    def view(self) -> tuple[float, float]:
        """First and last second in the arrange view."""
        return self.model.view

    def set_view(self, start_s: float, end_s: float, pixels: int = 1200) -> None:
        """Scroll and zoom; ``pixels`` is the width of the arrange view."""
        self.model.view, self.model.arrange_pixels = (start_s, end_s), pixels

    @property
    def cursor_s(self) -> float:
        """The edit cursor."""
        return self.model.cursor_s

    def set_cursor(self, time_s: float) -> None:
        """Click into the arrange view."""
        self.model.cursor_s = time_s

    @property
    def repeat(self) -> bool:
        """Whether the loop repeats."""
        return self.model.repeat

    def set_repeat(self, repeat: bool) -> None:
        """Switch repeat."""
        self.model.repeat = repeat

    def play(self) -> None:
        """Press play."""
        self.host.play(self.model)

    def stop(self) -> None:
        """Press stop."""
        self.model.transport.stop()

    @property
    def playing(self) -> bool:
        """Whether it plays."""
        return self.model.transport.playing

    @property
    def play_position_s(self) -> float:
        """Where it plays; the edit cursor when stopped."""
        return self.model.transport.position_s()

    # history and file ------------------------------------------------------------------------------------------------

    def undo(self) -> str:
        """Ctrl+Z; the text of what was undone, "" if nothing was."""
        text = self.model.history.undo_text
        self.model.history.undo()
        return text

    def redo(self) -> str:
        """Ctrl+Shift+Z; the text of what was done again, "" if nothing was."""
        text = self.model.history.redo_text
        self.model.history.redo()
        return text

    @property
    def undo_text(self) -> str:
        """What undo would take back."""
        return self.model.history.undo_text

    @property
    def redo_text(self) -> str:
        """What redo would do again."""
        return self.model.history.redo_text

    @property
    def undo_history(self) -> list[str]:
        """All undo points, the oldest first."""
        return self.model.history.texts

    def ext_state(self, section: str, key: str) -> str:
        """A value of the project's ext state, whatever the case of its name; "" for none."""
        for name, values in self.model.ext_state.items():
            if name.casefold() == section.casefold():
                return next((value for each, value in values.items() if each.casefold() == key.casefold()), "")
        return ""

    def save(self, path: Path | str | None = None) -> Path:
        """Save, under a new name if given."""
        return self.host.save(self.model, Path(path) if path is not None else None)

    def close(self) -> None:
        """Close the tab; changes that were not saved are lost."""
        self.host.close(self.host.require_project(self.model))
