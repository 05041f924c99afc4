"""What a command may hold at most (``limits``, docs/protocol.md "Limits"), checked where it comes in."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Final

from reatrieve import limits
from reatrieve.bridge.messages import Command
from reatrieve.errors import ProtocolError

__all__ = ["check_bounds"]

_TEXTS: Final[Mapping[str, int]] = {
    "session": limits.ID_BYTES, "op": limits.ID_BYTES, "guid": limits.ID_BYTES, "track": limits.ID_BYTES,
    "retriever": limits.ID_BYTES, "label": limits.LABEL_BYTES, "path": limits.PATH_BYTES, "project": limits.PATH_BYTES,
    "folder": limits.PATH_BYTES, "audio_path": limits.PATH_BYTES,
}  # fmt: skip

_WHOLE: Final[Mapping[str, tuple[int, int]]] = {
    "index": (0, limits.ITEMS - 1), "items": (0, limits.ITEMS), "budget": (0, limits.BUDGET),
    "extra": (0, limits.BUDGET), "number": (0, limits.CANDIDATES), "page": (0, limits.PROBE_PAGES - 1),
    "pages": (0, limits.PROBE_PAGES), "rate_hz": (limits.MIN_RATE_HZ, limits.MAX_RATE_HZ),
    "numerator": (1, limits.METRE), "denominator": (1, limits.METRE), "snap": (0, limits.SNAP),
}  # fmt: skip

_REAL: Final[Mapping[str, tuple[float, float]]] = {
    "gain": (-limits.GAIN, limits.GAIN), "length_s": (0.0, limits.LENGTH_S), "bpm": (0.0, limits.BPM),
    "nudge_ms": (-limits.NUDGE_MS, limits.NUDGE_MS), "fullbeats": (-limits.TIME_S, limits.TIME_S),
}  # fmt: skip


def check_bounds(command: Command) -> None:
    """Raise ``ProtocolError``, one sentence, for a command that holds more than is taken."""
    for field in dataclasses.fields(command):  # type: ignore[arg-type]
        name, value = field.name, getattr(command, field.name)
        where = f"{command.NAME}: {name}"
        if isinstance(value, str):
            _check_text(where, value, _TEXTS.get(name, limits.TEXT_BYTES))
        elif isinstance(value, float):
            low, high = _REAL.get(name) or ((-limits.TIME_S, limits.TIME_S) if name.endswith("_s") else (-1e300, 1e300))
            _check_number(where, value, low, high)
        elif isinstance(value, int) and name in _WHOLE:
            _check_number(where, value, *_WHOLE[name])


def _check_text(where: str, value: str, most: int) -> None:
    n_bytes = len(value.encode("utf-8", "surrogatepass"))
    if n_bytes > most:
        raise ProtocolError(f"{where} has {n_bytes} bytes, at most {most} are taken; shorten it")


def _check_number(where: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ProtocolError(f"{where} is {value:.12g}, outside {low:.12g} to {high:.12g}")
