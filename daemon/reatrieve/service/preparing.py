"""From the messages that describe a track to a track map that was checked against what REAPER plays."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reatrieve import limits
from reatrieve.audio.decode import sound_info
from reatrieve.audio.trackmap import TrackItem, TrackMap
from reatrieve.bridge.messages import Find, Item, Known, Probe, Tempo
from reatrieve.errors import AudioError, InputError
from reatrieve.service import loading
from reatrieve.session.spans import Span, demand_example_length

__all__ = ["Draft", "Prepared", "example_on", "map_track", "prepare"]

logger = logging.getLogger(__name__)

MESSAGE_BYTES = 500
"""What a message of a draft takes in memory beside its texts and samples, measured."""


@dataclass(slots=True)
class Draft:
    """What a client has said about a session's track so far; kept in memory only.

    Attributes
    ----------
    version : another one after each item and probe.
    """

    items: dict[int, Item] = field(default_factory=dict)
    probes: dict[int, dict[int, Probe]] = field(default_factory=dict)
    tempo: dict[int, Tempo] = field(default_factory=dict)
    known: dict[int, Known] = field(default_factory=dict)
    version: int = 0
    _n_probed: int = 0
    _n_text: int = 0
    _n_pages: int = 0

    def copy(self) -> Draft:
        """The same, whatever is added later."""
        probes = {index: dict(pages) for index, pages in self.probes.items()}
        sizes = self._n_probed, self._n_text, self._n_pages
        return Draft(dict(self.items), probes, dict(self.tempo), dict(self.known), self.version, *sizes)

    def begun(self) -> None:
        """The search has begun: its journal holds the rest."""
        self.probes.clear()
        self.known.clear()
        self._n_probed = self._n_pages = 0

    def _forget_probe(self, index: int) -> None:
        pages = self.probes.pop(index, {})
        self._n_pages -= len(pages)
        self._n_probed -= sum(len(page.samples) for page in pages.values())

    def add(self, message: Item | Probe | Tempo | Known) -> None:
        """Take one message; a later one for the same index replaces the earlier.

        Raises
        ------
        InputError
            If the items, tempo entries, earlier answers or probes are more than ``limits`` allows.
        """
        self.version += isinstance(message, (Item, Probe))
        if isinstance(message, Item):
            _demand_below("item", message.index, limits.ITEMS, "items; glue some of them first")
            before = self.items.get(message.index)
            self._n_text += _text_bytes(message) - (_text_bytes(before) if before is not None else 0)
            self.items[message.index] = message
            self._forget_probe(message.index)
        elif isinstance(message, Probe):
            _demand_below("the probe of item", message.index, limits.ITEMS, "items")
            self._add_probe(message)
        elif isinstance(message, Known):
            if message.index >= limits.KNOWN:
                raise InputError(
                    f"known {message.index}: at most {limits.KNOWN} answers of an earlier search are taken"
                )
            if message.index == 0:
                self.known.clear()
            self.known[message.index] = message
        else:
            _demand_below("tempo", message.index, limits.TEMPO, "entries of the tempo map")
            if message.index == 0:
                self.tempo.clear()
            self.tempo[message.index] = message

    def _add_probe(self, page: Probe) -> None:
        of_another = any(
            (one.pages, one.time_s, one.rate_hz) != (page.pages, page.time_s, page.rate_hz)
            for one in self.probes.get(page.index, {}).values()
        )
        if of_another:
            self._forget_probe(page.index)
        pages = self.probes.setdefault(page.index, {})
        before = pages.get(page.page)
        pages[page.page] = page
        self._n_pages += before is None
        self._n_probed += len(page.samples) - (len(before.samples) if before is not None else 0)
        if sum(len(one.samples) for one in pages.values()) > limits.PROBE_BYTES:
            self._forget_probe(page.index)
            raise InputError(
                f"the probe of item {page.index} is longer than {limits.PROBE_BYTES} bytes; half a second is enough"
            )
        if self._n_probed > limits.PROBES_BYTES:
            self._forget_probe(page.index)
            raise InputError(
                f"the probes of one search are longer than {limits.PROBES_BYTES} bytes together; "
                "one for each source is enough"
            )

    @property
    def n_bytes(self) -> int:
        """What all of it takes in memory, about."""
        n_messages = len(self.items) + len(self.tempo) + len(self.known) + self._n_pages
        return self._n_probed + self._n_text + MESSAGE_BYTES * n_messages

    @property
    def answers(self) -> tuple[Known, ...]:
        """What an earlier search was told, in its order."""
        return tuple(one for _, one in sorted(self.known.items()))

    @property
    def tempo_rows(self) -> tuple[Mapping[str, float], ...]:
        """The tempo map as a journal's header holds it."""
        return tuple(
            {
                "time_s": one.time_s,
                "bpm": one.bpm,
                "numerator": one.numerator,
                "denominator": one.denominator,
                "fullbeats": one.fullbeats,
                "measure": one.measure,
            }
            for _, one in sorted(self.tempo.items())
        )


def _text_bytes(item: Item) -> int:
    return sys.getsizeof(item.path) + sys.getsizeof(item.guid)


def _demand_below(what: str, index: int, limit: int, of_what: str) -> None:
    if index >= limit:
        raise InputError(f"{what} {index}: a track of more than {limit} {of_what}")


@dataclass(frozen=True, slots=True)
class Prepared:
    """Outcome of ``prepare``: a map, unless renderings are ``wanted`` (index, why) first; ``notes`` for the user."""

    track_map: TrackMap | None
    wanted: tuple[tuple[int, str], ...] = ()
    notes: tuple[tuple[str, str], ...] = ()


def prepare(draft: Draft, find: Find, *, renders: Path) -> Prepared:
    """Make the track map that ``find`` searches, as ``map_track`` does.

    Raises
    ------
    InputError
        If items are missing or impossible, or the example lies outside them.
    AudioError
        If a rendering cannot be read.
    """
    prepared = map_track(draft, find.items, renders=renders)
    if prepared.track_map is not None:
        example_on(prepared.track_map, find.start_s, find.end_s)
    return prepared


def example_on(track_map: TrackMap, start_s: float, end_s: float) -> Span:
    """The part of a track between two project times, counted from where the track begins.

    Raises
    ------
    InputError
        If it lies outside the track's items, or is shorter or longer than an example may be.
    """
    demand_example_length(end_s - start_s)
    slack_s = 1e-3
    if not (track_map.origin_s - slack_s <= start_s and end_s <= track_map.end_s + slack_s):
        raise InputError(
            f"the example {start_s:.3f} to {end_s:.3f} s lies outside the track's items "
            f"({track_map.origin_s:.3f} to {track_map.end_s:.3f} s); select a part of an item"
        )
    return Span(max(0.0, start_s - track_map.origin_s), min(track_map.duration_s, end_s - track_map.origin_s))


def map_track(draft: Draft, n_items: int, *, renders: Path) -> Prepared:
    """Make the map of a track of ``n_items`` items; reads the files' headers and the probed stretches.

    A source that cannot be read, or does not correlate above 0.9 with its probe, is wanted as a rendering; where it
    does at another lag (mp3 priming), all items of that file are moved by it.

    Raises
    ------
    InputError
        If items are missing or impossible.
    AudioError
        If a rendering cannot be read.
    """
    loading.load()
    from reatrieve.audio import probe as probes

    items = _track_items(draft, n_items)
    wanted = _unreadable(items, renders)
    readable = [index for index in range(len(items)) if index not in wanted]
    notes: list[tuple[str, str]] = []
    for place, index in enumerate(readable):
        heard = _samples(draft.probes.get(index, {}))
        if heard is None or items[index].accessor:
            continue
        time_s, rate_hz, samples = heard
        now = TrackMap(tuple(items[k] for k in readable))
        match = probes.check(now, place, time_s, rate_hz, samples)
        logger.debug("probe of item %d: %s", index, match)
        if match.fits:
            continue
        name = items[index].path.name
        if not match.fits_with_lag:
            wanted[index] = f"{name} does not sound as REAPER plays it (correlation {match.correlation:.2f})"
            continue
        items = _shifted(items, index, match.lag_s, keep=draft.probes)
        notes.append(("lag", f"{name} plays {1000 * match.lag_s:+.1f} ms off its file in REAPER; corrected"))
    if wanted:
        return Prepared(None, tuple(sorted(wanted.items())), tuple(notes))
    return Prepared(TrackMap(tuple(items)), (), tuple(notes))


def _track_items(draft: Draft, n_items: int) -> list[TrackItem]:
    missing = [index for index in range(n_items) if index not in draft.items]
    if missing:
        raise InputError(f"the track of {n_items} items came without item {missing[0]}; start the search again")
    items = []
    for index in range(n_items):
        one = draft.items[index]
        items.append(
            TrackItem(
                path=Path(one.path), position_s=one.position_s, length_s=one.length_s, offset_s=one.offset_s,
                rate=one.rate, section_start_s=one.section_start_s, section_length_s=one.section_length_s,
                reverse=bool(one.reverse), loop=bool(one.loop), channel_mode=one.channel_mode, gain=one.gain,
                pan=one.pan, fade_in_s=one.fade_in_s, fade_out_s=one.fade_out_s, fade_in_shape=one.fade_in_shape,
                fade_out_shape=one.fade_out_shape, accessor=bool(one.accessor), guid=one.guid,
            )
        )  # fmt: skip
    return items


def _unreadable(items: list[TrackItem], renders: Path) -> dict[int, str]:
    """Index and reason of items whose file cannot stand for them."""
    wanted: dict[int, str] = {}
    reasons: dict[Path, str] = {}
    for index, item in enumerate(items):
        if item.accessor:
            if not _lies_in(item.path, renders):
                wanted[index] = "only REAPER can play this item; it must be rendered"
            else:
                sound_info(item.path)  # an unreadable rendering is an error: asking again would not help
            continue
        if item.path not in reasons:
            try:
                sound_info(item.path)
                reasons[item.path] = ""
            except AudioError as error:
                reasons[item.path] = str(error)
        if reasons[item.path]:
            wanted[index] = reasons[item.path]
    return wanted


def _lies_in(path: Path, folder: Path) -> bool:
    try:
        return path != Path() and path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError):  # may not be entered, goes in circles, too long
        return False


def _samples(pages: Mapping[int, Probe]) -> tuple[float, int, NDArray[np.int16]] | None:
    """Start, rate and samples of a probe; None until all of its pages have come."""
    if not pages or len(pages) != next(iter(pages.values())).pages:
        return None
    raw = b"".join(page.samples for _, page in sorted(pages.items()))
    first = pages[0]
    return (first.time_s, first.rate_hz, np.frombuffer(raw, ">i2").astype(np.int16)) if raw else None


def _shifted(items: list[TrackItem], index: int, lag_s: float, *, keep: Mapping[int, object]) -> list[TrackItem]:
    """All items of that file sound so much later that item ``index`` does by ``lag_s``, but for others with a probe
    of their own."""
    probed = items[index]
    late_s = -lag_s * probed.rate if probed.reverse else lag_s * probed.rate  # in the file's time
    moved = list(items)
    for k, item in enumerate(items):
        if item.path == probed.path and not item.accessor and (k == index or k not in keep):
            moved[k] = replace(item, offset_s=item.offset_s + (late_s if item.reverse else -late_s))
    return moved
