"""Results on disk: one JSON line a session, appended as they come, so that an interrupted run goes on."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from reatrieve.errors import InputError
from reatrieve.evaluation.records import SessionRecord

__all__ = ["ResultsFile"]

FORMAT = "reatrieve.evaluation"
VERSION = 2


class ResultsFile:
    """Append-only results of one or more runs.

    The first line says what the file is. Each piece of work (one retriever on one recording) is its session lines,
    followed by a line ``{"done": key}``; sessions without that line are an interrupted piece, forgotten on opening.

    Parameters
    ----------
    path : made with its folder when missing; None keeps the results in memory.

    Raises
    ------
    InputError
        The file is something else.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._done: dict[str, list[SessionRecord]] = {}
        if path is not None:
            self._open(path)

    def __contains__(self, key: str) -> bool:
        return key in self._done

    def sessions(self, key: str) -> list[SessionRecord]:
        """The sessions of a piece of work that is done."""
        return self._done[key]

    def add(self, key: str, sessions: Iterable[SessionRecord]) -> None:
        """Keep a finished piece of work; on disk before this returns."""
        made = list(sessions)
        self._done[key] = made
        if self.path is None:
            return
        lines: list[Mapping[str, Any]] = [session.as_json() for session in made]
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in [*lines, {"done": key}])
        with self.path.open("a", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())

    def discard(self) -> None:
        """Forget everything, on disk too."""
        self._done.clear()
        if self.path is not None:
            self.path.unlink(missing_ok=True)

    def _open(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        content = path.read_bytes() if path.is_file() else b""
        if not content.strip():
            path.write_text(json.dumps({"format": FORMAT, "version": VERSION}) + "\n", encoding="utf-8", newline="\n")
            return
        good = pending_from = 0
        pending: list[SessionRecord] = []
        for number, raw in enumerate(content.splitlines(keepends=True)):
            line = _parsed(raw)
            if number == 0 and (line is None or line.get("format") != FORMAT or line.get("version") != VERSION):
                raise InputError(
                    f"{path} holds no evaluation results of version {VERSION}; name another file or folder"
                )
            pending_from += len(raw)
            if line is None:  # the line at which the run was interrupted
                break
            if "done" in line:
                self._done[line["done"]] = pending
                pending = []
            elif number:
                pending.append(SessionRecord.from_json(line))
            if not pending:
                good = pending_from
        if good < len(content):
            with path.open("r+b") as stream:
                stream.truncate(good)


def _parsed(raw: bytes) -> dict[str, Any] | None:
    if not raw.endswith(b"\n"):
        return None
    try:
        line = json.loads(raw)
    except ValueError:
        return None
    return line if isinstance(line, dict) else None
