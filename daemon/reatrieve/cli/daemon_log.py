"""The daemon's log file, and the same lines without names for a bug report, written by a thread of their own: who logs
a line never waits for the disk."""

from __future__ import annotations

import contextlib
import copy
import logging
import logging.handlers
import os
import queue
import threading
import time
from io import TextIOWrapper
from pathlib import Path
from typing import TypeAlias

from reatrieve.files import open_lock
from reatrieve.plain import LOG_FORMAT, PlainFormatter
from reatrieve.reported import FILE_NAME as REPORT_NAME
from reatrieve.reported import REPORT_FORMAT, reported

__all__ = ["DaemonLog"]

LOG_BYTES = 2 << 20
LOG_COUNT = 3
REPORT_BYTES = 512 << 10
REPORT_COUNT = 1
WAITING = 10_000
"""So many lines may wait for the disk; further ones are counted, and not logged."""
FLUSH_S = 5.0

_Lines: TypeAlias = "tuple[logging.LogRecord, logging.LogRecord]"
"""A line of the log, and the same one of the report."""


class DaemonLog(logging.handlers.QueueHandler):
    """Hands each record to the thread that writes the files."""

    def __init__(self, path: Path) -> None:
        """Open the file and the report beside it, or make them for this user alone; raises ``OSError`` as
        ``files.open_lock`` does."""
        report = path.with_name(REPORT_NAME)
        for one in (path, report):
            open_lock(one).close()  # no link, no pipe
        self._waiting: queue.Queue[_Lines | threading.Event] = queue.Queue(WAITING)
        super().__init__(self._waiting)
        self._file = _File(path, maxBytes=LOG_BYTES, backupCount=LOG_COUNT, encoding="utf-8")
        self._file.setFormatter(PlainFormatter(LOG_FORMAT))
        self._report = _File(report, maxBytes=REPORT_BYTES, backupCount=REPORT_COUNT, encoding="utf-8")
        self._report.setFormatter(PlainFormatter(REPORT_FORMAT))
        self._lost = 0
        threading.Thread(target=self._write, name="reatrieve-log", daemon=True).start()

    def prepare(self, record: logging.LogRecord) -> _Lines:
        """The record with its text as it is now, and for the report; the traceback is written out by the thread."""
        report = copy.copy(record)
        report.msg, report.args = reported(record), None
        report.exc_info, report.exc_text, report.stack_info = None, None, None
        record.msg, record.args = record.getMessage(), None
        return record, report

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802  (logging's names)
        """A line too many, while the disk does not answer."""
        self._lost += 1

    def flush(self) -> None:
        """Return when all lines so far are written, or when the disk has not taken them in ``FLUSH_S``."""
        self._flushed()

    def close(self) -> None:
        """Write what is left and close the file. Where its disk does not answer, the process ends here with status 1:
        Python would wait for it."""
        if not self._flushed():
            os._exit(1)
        with contextlib.suppress(OSError):  # what a full disk has not taken by then is lost
            self._file.close()
        with contextlib.suppress(OSError):
            self._report.close()
        super().close()

    def _flushed(self) -> bool:
        written, end_s = threading.Event(), time.monotonic() + FLUSH_S
        try:
            self._waiting.put(written, timeout=FLUSH_S)
        except queue.Full:
            return False
        return written.wait(max(0.0, end_s - time.monotonic()))

    def _write(self) -> None:
        while True:
            one = self._waiting.get()
            if isinstance(one, threading.Event):
                one.set()
            else:
                self._hand_on(one)
            if self._lost:
                lost, self._lost = self._lost, 0
                text = f"{lost} lines before this one are not here: the disk did not take them in time"
                told = logging.LogRecord("reatrieve", logging.WARNING, __file__, 0, text, None, None)
                self._hand_on((told, told))

    def _hand_on(self, lines: _Lines) -> None:
        line, reported_line = lines
        self._file.handle(line)
        self._report.handle(reported_line)


class _File(logging.handlers.RotatingFileHandler):
    """What a full disk does not take is not logged; the terminal still has the warnings."""

    def _open(self) -> TextIOWrapper:
        """For this user alone, also the one that is begun when the one before is full."""
        open_lock(Path(self.baseFilename)).close()
        return super()._open()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Nothing: no traceback for each line."""
