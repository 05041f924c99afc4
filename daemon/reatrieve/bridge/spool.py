"""The spool carrier: one OSC packet a file, in numbered order, one folder a client (docs/protocol.md, "Spool").

File events (watchdog) wake the reader at once where the system delivers them; since they can lag or be lost, each
client's one next name is also polled, quickly while it talks.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver, ObservedWatch

from reatrieve.bridge.messages import CLIENT_ID
from reatrieve.errors import InputError

__all__ = ["SpoolCarrier", "sweep"]

logger = logging.getLogger(__name__)

ACTIVE_POLL_S = 0.01
IDLE_POLL_S = 0.25
ACTIVE_FOR_S = 30.0
DEAD_AFTER_S = 24 * 3600.0
MAX_FILE_BYTES = 65536
INSTANCE = re.compile(r"[0-9a-f]{32}\Z")


def sweep(base: Path, keep: str) -> None:
    """Delete the spool folders of earlier instances under ``base``; ``keep`` is the name of this one's."""
    with contextlib.suppress(OSError):
        for folder in base.iterdir():
            if INSTANCE.match(folder.name) and folder.name != keep and folder.is_dir() and not folder.is_symlink():
                logger.info("spool of an earlier instance removed: %s", folder)
                shutil.rmtree(folder, ignore_errors=True)


@dataclass(slots=True)
class _Client:
    inbox: Path
    outbox: Path
    heard_s: float
    watch: ObservedWatch | None = None
    next_in: int = 1
    next_out: int = 1
    undeleted: list[Path] = field(default_factory=list)


class SpoolCarrier:
    """Reads every client's folder under ``folder`` and writes to it.

    Parameters
    ----------
    folder : made if need be.
    on_packet : told (client, packet) for each file, in the order of the numbers.
    clock : seconds, monotonic.
    """

    def __init__(self, folder: Path, on_packet: Callable[[str, bytes], None], clock: Callable[[], float]) -> None:
        self.folder = folder
        self._on_packet = on_packet
        self._clock = clock
        self._clients: dict[str, _Client] = {}
        self._listed_s = -IDLE_POLL_S
        self._evented = False
        self._observer: BaseObserver | None = None
        self._waker: _Waker | None = None
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as exc:
            raise InputError(f"the spool folder {folder} cannot be made ({exc}); choose another with --spool") from exc

    async def run(self) -> None:
        """Watch and poll until cancelled."""
        loop = asyncio.get_running_loop()
        woken = asyncio.Event()

        def wake() -> None:
            self._evented = True
            woken.set()

        self._observer = observer = Observer()
        self._waker = _Waker(lambda: _call(loop, wake))
        self._observe(self.folder)
        try:
            observer.start()
        except OSError as exc:  # out of inotify instances: polling alone still works
            logger.warning("file events are not available (%s); the spool folder is only polled", exc)
            self._observer = None
        try:
            while True:
                # Not wait_for: before Python 3.12 it can swallow a cancel that comes together with the time-out.
                timer = loop.call_later(self.poll_s, woken.set)
                try:
                    await woken.wait()
                finally:
                    timer.cancel()
                woken.clear()
                self.poll(list_clients=self._evented)
        finally:
            self._observer = None
            if observer.is_alive():
                observer.stop()
                await asyncio.shield(loop.run_in_executor(None, observer.join))

    @property
    def poll_s(self) -> float:
        """How long to wait for the next look."""
        now_s = self._clock()
        active = any(now_s - client.heard_s < ACTIVE_FOR_S for client in self._clients.values())
        return ACTIVE_POLL_S if active else IDLE_POLL_S

    def poll(self, *, list_clients: bool = False) -> None:
        """Read what has come; new clients are looked for when ``list_clients`` and every quarter of a second."""
        now_s = self._clock()
        self._evented = False
        if list_clients or now_s - self._listed_s >= IDLE_POLL_S:
            self._listed_s = now_s
            self._list(now_s)
        for name, client in list(self._clients.items()):
            self._read(name, client, now_s)

    def send(self, name: str, packet: bytes) -> None:
        """Write one packet for client ``name``; one that is gone gets nothing."""
        client = self._clients.get(name)
        if client is None:
            return
        target = client.outbox / f"{client.next_out:08d}.osc"
        temporary = target.with_suffix(".tmp")
        try:
            temporary.write_bytes(packet)
            temporary.replace(target)
        except OSError as exc:
            logger.warning("cannot write %s: %s", target, exc)
            return
        client.next_out += 1

    def _observe(self, folder: Path) -> ObservedWatch | None:
        """Each folder for itself: a recursive watch would also see all that we write, and stumbles over folders that
        go."""
        if self._observer is None or self._waker is None:
            return None
        try:
            return self._observer.schedule(self._waker, str(folder), recursive=False)
        except OSError as exc:
            logger.info("%s is only polled, there are no events for it: %s", folder, exc)
            return None

    def _forget(self, name: str) -> None:
        watch = self._clients.pop(name).watch
        if watch is not None and self._observer is not None:
            with contextlib.suppress(KeyError, OSError):  # its emitter ended when the folder went
                self._observer.unschedule(watch)

    def _list(self, now_s: float) -> None:
        try:
            names = [entry.name for entry in os.scandir(self.folder)]
        except OSError as exc:
            logger.warning("cannot list the spool folder %s: %s", self.folder, exc)
            return
        for name in names:
            if name not in self._clients and CLIENT_ID.match(name):
                folder = self.folder / name
                if (folder / "to_daemon").is_dir() and (folder / "to_script").is_dir():
                    logger.info("client %s by spool", name)
                    inbox = folder / "to_daemon"
                    self._clients[name] = _Client(inbox, folder / "to_script", now_s, self._observe(inbox))
        for name, client in list(self._clients.items()):
            if name not in names:
                self._forget(name)
            elif now_s - client.heard_s > DEAD_AFTER_S:
                self._forget(name)
                shutil.rmtree(self.folder / name, ignore_errors=True)

    def _read(self, name: str, client: _Client, now_s: float) -> None:
        client.undeleted = [path for path in client.undeleted if not _delete(path)]
        while True:
            path = client.inbox / f"{client.next_in:08d}.osc"
            try:
                with path.open("rb") as file:
                    packet = file.read(MAX_FILE_BYTES + 1)
            except OSError:  # not there yet, or Windows says that its writer still has it open
                return
            if not packet:
                return
            if not _delete(path):
                client.undeleted.append(path)
            client.next_in += 1
            client.heard_s = now_s
            self._on_packet(name, packet)


class _Waker(FileSystemEventHandler):
    """Wakes the reader when a packet or a client's folder has come."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake

    def on_any_event(self, event: FileSystemEvent) -> None:
        if event.event_type in ("created", "moved"):
            self._wake()


def _call(loop: asyncio.AbstractEventLoop, function: Callable[[], None]) -> None:
    with contextlib.suppress(RuntimeError):  # the loop is closed: an event during shutdown
        loop.call_soon_threadsafe(function)


def _delete(path: Path) -> bool:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return False
    return True
