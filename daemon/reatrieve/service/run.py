"""One run of the daemon as a process: event loop, signals, a clean end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from reatrieve.bridge.handover import LOOK_EVERY_S, must_give_way
from reatrieve.bridge.home import DaemonInfo, read_info, write_info
from reatrieve.errors import InputError
from reatrieve.service import loading
from reatrieve.service.service import Service, running
from reatrieve.settings import Settings

__all__ = ["serve"]

logger = logging.getLogger(__name__)

WINDOWS_WAKE_S = 0.2
"""A Python signal handler runs between byte codes only: on Windows the loop must wake up for it."""

ENDS_WITHIN_S = 20.0
"""A thread that waits for a disk that does not answer (a network drive) cannot be stopped: the process ends without it.
What was acknowledged is on disk by then, and ``daemon.txt`` is gone, unless the home folder lies on that disk."""
LAST_WORD_S = 1.0

LIBRARY_THREADS = ("reatrieve-loading", "reatrieve-analyse")
"""They may be in the middle of a library: one loads, those of ``audio.analysis`` were left to themselves."""
LIBRARIES_END_WITHIN_S = 5.0


def serve(settings: Settings, *, ready: Callable[[DaemonInfo], None] = lambda _info: None) -> None:
    """Run the daemon until SIGINT, SIGTERM, SIGHUP or (Windows) Ctrl+C or Ctrl+Break; ``ready`` is told when it
    listens.

    Raises
    ------
    InputError
        As ``running`` does.
    """
    # Windows' default loop stops reading a UDP socket after a datagram met a closed port.
    loop = asyncio.SelectorEventLoop()
    try:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(_serve(settings, ready))
    finally:
        asyncio.set_event_loop(None)
        loop.close()
    _end_without_libraries()


def _end_without_libraries() -> None:
    """Wait a moment for threads that load or analyse, then end the process here: where Python goes down in the middle
    of a library's C++, that aborts."""
    if threading.current_thread() is not threading.main_thread():
        return
    deadline_s = time.monotonic() + LIBRARIES_END_WITHIN_S
    at_work = [thread for thread in threading.enumerate() if thread.name in LIBRARY_THREADS]
    for thread in at_work:
        thread.join(max(0.0, deadline_s - time.monotonic()))
    if any(thread.is_alive() for thread in at_work):
        for handler in logging.getLogger("reatrieve").handlers:
            handler.flush()
        os._exit(0)


async def _serve(settings: Settings, ready: Callable[[DaemonInfo], None]) -> None:
    stop, stopping = asyncio.Event(), threading.Event()
    with _stopped_by_signals(stop), _ending_in_time(stopping):
        async with running(settings) as service:
            ready(service.info)
            home = _Home(settings.home, service.info)
            watching = asyncio.create_task(_until_not_needed(service, home, stop), name="not needed")
            warm = threading.Thread(target=loading.load_early, name="reatrieve-loading", daemon=True)
            warm.start()
            while not stop.is_set():
                with contextlib.suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(stop.wait(), WINDOWS_WAKE_S if sys.platform == "win32" else None)
            watching.cancel()
            stopping.set()
            home.leave()


@contextlib.contextmanager
def _ending_in_time(stopping: threading.Event) -> Iterator[None]:
    """Once ``stopping``, the block ends within ``ENDS_WITHIN_S``, or the process does; another program's never does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ended = threading.Event()

    def watch() -> None:
        stopping.wait()
        if ended.wait(ENDS_WITHIN_S):
            return
        last = threading.Timer(LAST_WORD_S, os._exit, [1])  # the log may lie on that disk
        last.daemon = True
        last.start()
        logger.error("a thread does not end, perhaps since a disk does not answer; the daemon ends without it")
        for handler in logging.getLogger("reatrieve").handlers:
            handler.flush()
        os._exit(1)

    threading.Thread(target=watch, name="reatrieve-ending", daemon=True).start()
    try:
        yield
    finally:
        ended.set()
        stopping.set()


async def _until_not_needed(service: Service, home: _Home, stop: asyncio.Event) -> None:
    """Stop when another daemon wants to take over or has the home folder, or when no REAPER has spoken for as long as
    the settings allow; ``daemon.txt`` stays there meanwhile."""
    while not stop.is_set():
        await asyncio.sleep(LOOK_EVERY_S)
        if await asyncio.to_thread(home.is_lost):
            stop.set()
        elif service.hub.silent_s > service.settings.idle_s and service.is_idle:
            logger.info("no REAPER has spoken for %.0f minutes", service.settings.idle_s / 60)
            stop.set()


class _Home:
    """The home folder of a running daemon, looked at in a thread: its disk may be slow."""

    def __init__(self, folder: Path, info: DaemonInfo) -> None:
        self._folder = folder
        self._info = info
        self._told = False
        self._left = False
        self._writing = threading.Lock()

    def leave(self) -> None:
        """The daemon ends: ``daemon.txt`` is not written again, whatever a look under way has found."""
        with self._writing:
            self._left = True

    def is_lost(self) -> bool:
        """Whether another daemon wants it or has it; writes ``daemon.txt`` again where that is gone."""
        if must_give_way(self._folder, self._info.instance):
            logger.info("another daemon takes over")
            return True
        named = read_info(self._folder)
        if named is not None and named.instance != self._info.instance:
            logger.warning("process %d serves %s now; this daemon ends", named.pid, self._folder)
            return True
        if named is None:
            try:
                with self._writing:
                    if self._left:
                        return False
                    write_info(self._folder, self._info)  # somebody has deleted it: no script would find this daemon
                logger.warning("daemon.txt was gone from %s; it is written again", self._folder)
            except InputError as error:
                if not self._told:
                    logger.error("%s", error)
                self._told = True
        return False


@contextlib.contextmanager
def _stopped_by_signals(stop: asyncio.Event) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    names = ("SIGINT", "SIGTERM", "SIGBREAK", "SIGHUP")
    signals = [getattr(signal, name) for name in names if hasattr(signal, name)]
    if sys.platform != "win32" and signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
        signals.remove(signal.SIGHUP)  # nohup: it is to outlive its terminal
    if threading.current_thread() is not threading.main_thread():
        yield  # inside another program; it stops us its own way
        return
    before = {number: signal.getsignal(number) for number in signals}
    for number in signals:
        if sys.platform == "win32":
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
        else:
            loop.add_signal_handler(number, stop.set)
    try:
        yield
    finally:
        for number, handler in before.items():
            if sys.platform != "win32":
                loop.remove_signal_handler(number)
            signal.signal(number, handler)
