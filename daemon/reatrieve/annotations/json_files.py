"""Annotations in JSON: JAMS, and ReaTrieve's own sync files."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from reatrieve.annotations.annotation import Annotation
from reatrieve.errors import InputError

__all__ = ["read_jams", "read_json", "read_sync_json"]


def read_json(text: str, *, name: str, on_note: Callable[[str], None] | None = None) -> list[Annotation]:
    """Read a JAMS or a sync JSON file, whichever it is. ``on_note`` is told what was left out.

    Raises
    ------
    InputError
        If it is neither, or a value in it is missing or of the wrong kind.
    """
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"{name}, line {error.lineno}: not valid JSON ({error.msg})") from error
    except RecursionError as error:
        raise InputError(f"{name}: nested too deeply for a list of events") from error
    except ValueError as error:
        raise InputError(f"{name}: a number in it has too many digits") from error
    try:
        if isinstance(data, dict) and data.get("format") == "reatrieve.sync":
            return read_sync_json(data)
        if isinstance(data, dict) and "annotations" in data:
            found = read_jams(data)
            left_out = sum(len(_observations(one)) for one in data["annotations"]) - len(found)
            if left_out and on_note is not None:
                these = "1 observation was" if left_out == 1 else f"{left_out} observations were"
                on_note(f"{name}: {these} left out, whose value is no text or number")
            return found
    except InputError as error:
        raise InputError(f"{name}: {error}") from error
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError) as error:
        raise InputError(f"{name}: an event is incomplete or has a value of the wrong kind ({error})") from error
    raise InputError(f"{name}: neither a sync JSON of ReaTrieve nor a JAMS file")


def read_sync_json(data: Mapping[str, Any]) -> list[Annotation]:
    """Events of a sync JSON, from their integer frames."""
    audio = data["audio"]
    rate_hz = int(audio["sample_rate"])
    return [
        Annotation(
            int(event["start_frame"]) / rate_hz,
            int(event["end_frame"]) / rate_hz,
            str(event["label"]),
            str(audio["file"]),
            None if event.get("score") is None else float(event["score"]),
            str(event.get("pattern", "")),
            str(event.get("payload", "")),
        )
        for event in data["events"]
    ]


def read_jams(data: Mapping[str, Any]) -> list[Annotation]:
    """All labelled observations of a JAMS file; those whose value is no text or number (beats' dictionaries, ...) are
    left out."""
    file = (data.get("file_metadata") or {}).get("title") or None
    found = []
    for annotation in data["annotations"]:
        for observation in _observations(annotation):
            value = observation["value"]
            if value is not None and not isinstance(value, (str, int, float)):
                continue
            start_s = float(observation["time"])
            confidence = observation.get("confidence")
            found.append(
                Annotation(
                    start_s,
                    start_s + float(observation["duration"] or 0.0),
                    "" if value is None else str(value),
                    file,
                    None if confidence is None else float(confidence),
                )
            )
    return sorted(found, key=lambda annotation: annotation.start_s)


def _observations(annotation: Mapping[str, Any]) -> list[Any]:
    """One mapping an observation; dense namespaces hold one list a column."""
    data = annotation["data"]
    if isinstance(data, dict):
        return [dict(zip(data, values, strict=True)) for values in zip(*data.values(), strict=True)]
    return list(data)
