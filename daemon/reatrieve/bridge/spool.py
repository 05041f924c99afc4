"""The spool carrier: one OSC packet a file, in numbered order, one folder a client (docs/protocol.md, "Spool").

File events (watchdog) wake the reader at once where the system delivers them; since they can lag or be lost, each
client's one next name is also polled, quickly while it talks. What lies under a name is opened only if it is a small
regular file.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
import re
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver, ObservedWatch

from reatrieve import limits
from reatrieve.bridge.messages import CLIENT_ID
from reatrieve.errors import InputError
from reatrieve.filelock import try_lock
from reatrieve.files import (
    ForeignFileError,
    appearing,
    is_real_folder,
    made_for,
    open_lock,
    open_new,
    open_regular,
    read_small,
    reason,
    write_all,
)

__all__ = ["SpoolCarrier", "call_in", "sweep"]

logger = logging.getLogger(__name__)

ACTIVE_POLL_S = 0.01
IDLE_POLL_S = 0.25
ACTIVE_FOR_S = 30.0
DEAD_AFTER_S = 24 * 3600.0
INSTANCE = re.compile(r"[0-9a-f]{32}\Z")
MARKER = ".reatrieve-spool"
MARK = b"a daemon's spool folder\n"

TURN_FILES = 128
CLIENT_FILES = 64
TURN_ENTRIES = 512
TURN_DELETED = 512
"""What is read, read of one client, listed, and deleted of dead clients before others have their turn."""


def sweep(base: Path, keep: str, *, stopped: Callable[[], bool] = lambda: False) -> None:
    """Delete the spool folders of earlier instances under ``base``; ``keep`` is the name of this one's.

    A folder is one only if our marker lies in it and no living daemon holds its lock: whatever else a user keeps there,
    under whatever name, stays. When ``stopped`` says so, asked before each file, the rest stays for the next daemon.
    """
    with contextlib.suppress(OSError):
        for folder in base.iterdir():
            if stopped():
                return
            if INSTANCE.match(folder.name) and folder.name != keep and not folder.is_symlink() and _is_left(folder):
                logger.info("spool of an earlier instance removed: %s", folder)
                for _ in _deleted(folder):
                    if stopped():
                        return


def _deleted(folder: Path) -> Iterator[None]:
    """Delete a folder, one thing in it a step. Links are not followed, what cannot be deleted stays, and the marker
    goes last: what is left of a folder is still known as one of ours."""
    if not is_real_folder(folder):
        return
    try:
        names = sorted(os.listdir(folder), key=lambda name: name == MARKER)  # noqa: PTH208 - a Path each takes longer
    except OSError:
        return
    for name in names:
        path = folder / name
        if is_real_folder(path):
            yield from _deleted(path)
        else:
            _delete(path)
        if name != MARKER:  # nothing comes between it and the folder itself
            yield
    with contextlib.suppress(OSError):
        folder.rmdir()


def _is_left(folder: Path) -> bool:
    try:
        with open_regular(folder / MARKER, write=True) as file:
            return file.read(len(MARK) + 1) == MARK and try_lock(file, otherwise=False)
    except OSError:
        return False


@dataclass(slots=True)
class _Client:
    inbox: Path
    outbox: Path
    heard_s: float
    watch: ObservedWatch | None = None
    polled_s: float = -IDLE_POLL_S
    next_in: int = 1
    next_out: int = 1
    undeleted: list[Path] = field(default_factory=list)


class SpoolCarrier:
    """Reads every client's folder under ``folder`` and writes to it.

    All reading and writing is done by one thread of its own, so many files a turn, and the event loop never waits for
    the disk: it only hands out what was read, and queues what is to be written.

    Parameters
    ----------
    folder : made if need be; holds the lock that keeps other daemons from sweeping it.
    on_packet : told (client, packet) for each file, in the order of the numbers, in the event loop.
    clock : seconds, monotonic.
    """

    def __init__(self, folder: Path, on_packet: Callable[[str, bytes], None], clock: Callable[[], float]) -> None:
        self.folder = folder
        self._on_packet = on_packet
        self._clock = clock
        self._clients: dict[str, _Client] = {}
        self._gone: dict[str, _Client] = {}
        self._outgoing: deque[tuple[str, bytes]] = deque()
        self._scan: Iterator[os.DirEntry[str]] | None = None
        self._dead: dict[str, Iterator[None]] = {}
        self._unlisted = False
        self._scanned: set[str] = set()
        self._listed_s = -IDLE_POLL_S
        self._evented = False
        self._full = False
        self._observer: BaseObserver | None = None
        self._waker: _Waker | None = None
        self._wake: Callable[[], None] = lambda: None
        what = "made"
        try:
            with made_for(folder, private=True):  # without the mark nobody would sweep it
                self._marker = open_lock(folder / MARKER)
                what = "written"
                self._mark()
        except OSError as exc:
            raise InputError(
                f"the spool folder {folder} cannot be {what} ({reason(folder, exc)}); choose another with --spool"
            ) from exc

    def _mark(self) -> None:
        try:
            try_lock(self._marker)  # before the mark: a marked folder that nobody has locked is swept
            self._marker.write(MARK)
        except BaseException:
            self._marker.close()
            with contextlib.suppress(OSError):
                (self.folder / MARKER).unlink()
            raise

    async def run(self) -> None:
        """Watch and poll until cancelled."""
        loop = asyncio.get_running_loop()
        woken = asyncio.Event()

        def wake() -> None:
            self._evented = True
            woken.set()

        self._wake = woken.set
        disk = ThreadPoolExecutor(1, "reatrieve-spool")
        try:
            await loop.run_in_executor(disk, self._observe_all, _Waker(lambda: call_in(loop, wake)))
            while True:
                # Not wait_for: before Python 3.12 it can swallow a cancel that comes together with the time-out.
                timer = loop.call_later(self.poll_s, woken.set)
                try:
                    await woken.wait()
                finally:
                    timer.cancel()
                woken.clear()
                list_clients, self._evented = self._evented, False
                packets, more = await loop.run_in_executor(disk, self._turn, list_clients)
                for name, packet in packets:
                    self._on_packet(name, packet)
                if more or self._outgoing:
                    woken.set()
        finally:
            self._wake = lambda: None
            ended = loop.run_in_executor(disk, self._end)
            disk.shutdown(wait=False)
            await asyncio.shield(ended)

    @property
    def poll_s(self) -> float:
        """How long to wait for the next look."""
        now_s = self._clock()
        active = any(now_s - client.heard_s < ACTIVE_FOR_S for client in list(self._clients.values()))
        return ACTIVE_POLL_S if active else IDLE_POLL_S

    def poll(self, *, list_clients: bool = False) -> None:
        """One turn, here and now: write what was sent, read what has come, hand it out."""
        packets, _ = self._turn(list_clients)
        for name, packet in packets:
            self._on_packet(name, packet)

    def send(self, name: str, packet: bytes) -> None:
        """Queue one packet for client ``name``, to be written in the next turn; one that is gone gets nothing."""
        self._outgoing.append((name, packet))
        self._wake()

    def close(self) -> None:
        """Let others sweep the folder."""
        self._marker.close()

    # In the thread of the disk

    def _turn(self, list_clients: bool) -> tuple[list[tuple[str, bytes]], bool]:
        """Write, list and read, each no more than so much; what was read, and whether there is more to do at once."""
        now_s = self._clock()
        for _ in range(min(len(self._outgoing), TURN_FILES)):
            self._write(*self._outgoing.popleft())
        if self._scan is None and (list_clients or now_s - self._listed_s >= IDLE_POLL_S):
            self._listed_s = now_s
            self._begin_scan()
        self._go_on_scanning(now_s)
        self._go_on_deleting()
        packets: list[tuple[str, bytes]] = []
        more = self._scan is not None or bool(self._dead)
        for name, client in list(self._clients.items()):
            idle = now_s - client.heard_s >= ACTIVE_FOR_S and now_s - client.polled_s < IDLE_POLL_S
            if idle and not list_clients:
                continue
            if len(packets) >= TURN_FILES:
                return packets, True
            client.polled_s = now_s
            found = self._read(client, now_s, min(CLIENT_FILES, TURN_FILES - len(packets)))
            packets += [(name, packet) for packet in found]
            if found:  # the next turn begins with the others
                self._clients[name] = self._clients.pop(name)
            more |= len(found) >= CLIENT_FILES
        return packets, more

    def _write(self, name: str, packet: bytes) -> None:
        client = self._clients.get(name)
        if client is None:
            return
        target = client.outbox / f"{client.next_out:08d}.osc"
        try:
            if not is_real_folder(client.outbox):
                raise ForeignFileError(f"{client.outbox} is no folder any more")
            with appearing(target) as temporary, open_new(temporary, private=True) as file:
                write_all(file, packet)
        except OSError as exc:  # the link sends it again
            logger.warning("cannot write %s: %s", target, exc)
            return
        client.next_out += 1

    def _observe_all(self, waker: _Waker) -> None:
        try:
            observer = Observer()
            observer.start()
        except OSError as exc:  # out of inotify instances: polling alone still works
            logger.warning("file events are not available (%s); the spool folder is only polled", exc)
            return
        self._observer, self._waker = observer, waker
        self._observe(self.folder)

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

    def _end(self) -> None:
        observer, self._observer = self._observer, None
        if self._scan is not None:
            self._scan.close()  # type: ignore[attr-defined]
        self.close()
        if observer is not None and observer.is_alive():
            observer.stop()
            observer.join()

    def _forget(self, name: str) -> None:
        client = self._clients.pop(name)
        self._gone[name] = client
        while len(self._gone) > limits.CLIENTS:
            del self._gone[next(iter(self._gone))]
        watch = client.watch
        if watch is not None and self._observer is not None:
            with contextlib.suppress(KeyError, OSError):  # its emitter ended when the folder went
                self._observer.unschedule(watch)

    def _begin_scan(self) -> None:
        try:
            self._scan = os.scandir(self.folder)
        except OSError as exc:
            if not self._unlisted:
                logger.warning("cannot list the spool folder %s: %s", self.folder, exc)
            self._unlisted = True
            return
        self._scanned, self._unlisted = set(), False

    def _go_on_scanning(self, now_s: float) -> None:
        """So many entries more of the folder; at its end clients whose folders are gone are forgotten."""
        if self._scan is None:
            return
        try:
            entries = list(itertools.islice(self._scan, TURN_ENTRIES))
            for entry in entries:
                self._scanned.add(entry.name)
                if entry.name not in self._clients and entry.name not in self._dead and CLIENT_ID.match(entry.name):
                    self._meet(entry, now_s)
            if len(entries) == TURN_ENTRIES:
                return
        except OSError as exc:
            logger.warning("cannot list the spool folder %s: %s", self.folder, exc)
        self._scan.close()  # type: ignore[attr-defined]
        self._scan = None
        for name, client in list(self._clients.items()):
            if name not in self._scanned:
                self._forget(name)
            elif now_s - client.heard_s > DEAD_AFTER_S:
                self._forget(name)
                del self._gone[name]
                self._dead[name] = _deleted(self.folder / name)

    def _go_on_deleting(self) -> None:
        """So many files more of dead clients."""
        left = TURN_DELETED
        while self._dead and left:
            name, deleting = next(iter(self._dead.items()))
            n_deleted = sum(1 for _ in itertools.islice(deleting, left))
            if n_deleted < left:
                del self._dead[name]
            left -= n_deleted

    def _meet(self, entry: os.DirEntry[str], now_s: float) -> None:
        if len(self._clients) >= limits.CLIENTS:
            if not self._full:
                logger.warning("more than %d clients by spool: further ones are not heard", limits.CLIENTS)
            self._full = True
            return
        folder = self.folder / entry.name
        inbox, outbox = folder / "to_daemon", folder / "to_script"
        if all(is_real_folder(one) for one in (folder, inbox, outbox)):
            logger.info("client %s by spool", entry.name)
            self._full = False
            client = _Client(inbox, outbox, now_s, self._observe(inbox))
            before = self._gone.pop(entry.name, None)
            if before is not None:
                client.undeleted = [path for path in before.undeleted if not _delete(path)]
                if not (inbox / f"{1:08d}.osc").exists():  # a drive that was away for a while
                    client.next_in, client.next_out = before.next_in, before.next_out
            self._clients[entry.name] = client

    def _read(self, client: _Client, now_s: float, most: int) -> list[bytes]:
        client.undeleted = [path for path in client.undeleted if not _delete(path)]
        packets: list[bytes] = []
        while len(packets) < most and is_real_folder(client.inbox):
            path = client.inbox / f"{client.next_in:08d}.osc"
            try:
                packet = read_small(path, max_bytes=limits.SPOOL_BYTES)
            except ForeignFileError as exc:
                logger.warning("a message dropped: %s", exc)
                packet = b"?"  # as malformed as any
            except OSError:  # not there yet, or Windows says that its writer still has it open
                break
            if not packet:
                break
            if not _delete(path):
                client.undeleted.append(path)
            client.next_in += 1
            client.heard_s = now_s
            packets.append(packet)
        return packets


class _Waker(FileSystemEventHandler):
    """Wakes the reader when a packet or a client's folder has come."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake

    def on_any_event(self, event: FileSystemEvent) -> None:
        if event.event_type in ("created", "moved"):
            self._wake()


def call_in(loop: asyncio.AbstractEventLoop, function: Callable[[], None]) -> None:
    """Have an event loop call this soon, from any thread; nothing happens where the loop was closed meanwhile."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(function)


def _delete(path: Path) -> bool:
    """Whether the file is gone; in a folder that is away for a while it is not."""
    try:
        path.unlink()
    except FileNotFoundError:
        return is_real_folder(path.parent) and not os.path.lexists(path)
    except OSError:
        return False
    return True
