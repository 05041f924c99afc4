"""The service: carriers, clients and sessions wired together for one run of the daemon."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from reatrieve import __version__, limits
from reatrieve.audio.cache import AnalysisCache, own_cache
from reatrieve.audio.watch import SourceWatch
from reatrieve.bridge import home as homes
from reatrieve.bridge.messages import (
    Cancel,
    Command,
    Item,
    Known,
    Prepare,
    Probe,
    Sessions,
    Stored,
    StoredEnd,
    Tempo,
    Verb,
)  # fmt: skip
from reatrieve.bridge.spool import SpoolCarrier, call_in, sweep
from reatrieve.bridge.udp import Address, UdpCarrier, is_loopback
from reatrieve.errors import InputError, JournalError
from reatrieve.files import not_left_empty, own_folder
from reatrieve.journal import JournalFolder, project_is_there
from reatrieve.reported import Ours
from reatrieve.retrieval.registry import demand_retriever
from reatrieve.service import replies
from reatrieve.service.actor import Context, JournalEnd, SessionActor
from reatrieve.service.ahead import TrackAhead, Turns
from reatrieve.service.hub import Hub, Route
from reatrieve.settings import Settings

__all__ = ["Service", "demand_closed", "running", "sweep_renders"]

logger = logging.getLogger(__name__)

TIDY_EVERY_S = 60.0
IDLE_AFTER_S = 3600.0
SETTLE_S = 2.0
EVICT_EVERY_MESSAGES = 4096
"""So many messages that describe tracks later, sessions are evicted again."""
SWEEP_S = 1.0
KEPT = ".kept"
"""In the folder of renderings: a daemon with journals elsewhere has used it."""
RENDERS_KEPT_S = 7 * 24 * 3600.0
_RENDERING = re.compile(r"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}-\d+-\d+\.wav")
"""A session, a number and a time, as ``lib/accessor.lua`` names what it renders."""
LOOPBACK, LOOPBACK_6 = "127.0.0.1", "::1"


class Service:
    """Routes commands to sessions. Lives in one event loop; made by ``running``.

    Attributes
    ----------
    ahead : the track that is prepared before anybody searches it.
    """

    def __init__(self, settings: Settings, info: homes.DaemonInfo, clock: Callable[[], float] = time.monotonic) -> None:
        self.settings = settings
        self.info = info
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self.hub = Hub(
            instance=info.instance,
            token=info.token,
            on_command=self._command,
            on_verb=self._verb,
            clock=clock,
            open_controllers=settings.open_controllers,
        )
        self._analysing = ThreadPoolExecutor(2, "reatrieve-analysis")
        self._beginning = ThreadPoolExecutor(2, "reatrieve-beginning")  # a search begins though two others are analysed
        self._stepping = ThreadPoolExecutor(4, "reatrieve-step")
        self._collecting = ThreadPoolExecutor(2, "reatrieve-collect")
        self._describing = ThreadPoolExecutor(1, "reatrieve-describe")
        self._listing = ThreadPoolExecutor(2, "reatrieve-list")  # a project's disk may be slow: no answer waits for it
        self._lists: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()  # of the clients that wait for one
        self._actors: dict[str, SessionActor] = {}
        self._ends: dict[str, JournalEnd] = {}  # of sessions that are forgotten, the earliest first
        self._used_s: dict[str, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._last_proposed = ""
        self._n_described = 0  # messages that describe tracks since room was made
        self._closing = False
        self._sources: SourceWatch | None = None
        self._watched: dict[str, tuple[Path, ...]] = {}
        self._journals = JournalFolder(settings.journals_folder)
        cache, turns = AnalysisCache(settings.cache, settings.cache_size_mb << 20), Turns()
        self.ahead = TrackAhead(cache, settings.renders_folder, settings.retriever, turns)
        self._context = Context(
            hub=self.hub,
            cache=cache,
            journals=self._journals,
            renders=settings.renders_folder,
            retriever=settings.retriever,
            ahead=self.ahead,
            turns=turns,
            analysing=self._analysing,
            beginning=self._beginning,
            stepping=self._stepping,
            collecting=self._collecting,
            describing=self._describing,
            proposed=self._proposed,
            rested=self._evict_sessions,
            watch=self._watch,
        )

    async def sweep_spools(self) -> None:
        """Delete the spool folders of earlier daemons; a full one may take a while, which nobody waits for."""
        work = partial(sweep, self.settings.spool_folder, self.info.instance, stopped=lambda: self._closing)
        job = self._loop.run_in_executor(self._stepping, work)
        await asyncio.wait([job], timeout=SWEEP_S)

    @property
    def is_idle(self) -> bool:
        """Whether no session has anything left to do."""
        return not self._tasks and all(actor.idle for actor in self._actors.values())

    async def sweep(self) -> None:
        """Delete renderings that no session needs. Where journals lie or lay elsewhere there may be sessions that are
        not known here, and what they need: then nothing is deleted."""
        await self._loop.run_in_executor(self._stepping, self._sweep)

    def _sweep(self) -> None:
        kept = self.settings.renders_folder / KEPT
        if self.settings.journals is not None:
            with contextlib.suppress(OSError):
                kept.touch()
        elif not os.path.lexists(kept):
            sweep_renders(self.settings.renders_folder, self._journals, stopped=lambda: self._closing)

    async def tidy(self) -> None:
        """Let go, now and then, of clients that are gone and of sessions that nobody has used for an hour."""
        try:
            await self.sweep()
        except Exception:
            logger.exception("sweeping met a fault")
        while True:
            await asyncio.sleep(TIDY_EVERY_S)
            try:
                await self._tidy_once()
            except Exception:
                logger.exception("tidying met a fault")

    async def _tidy_once(self) -> None:
        self.hub.forget_the_gone()
        now_s = self._clock()
        for session, used_s in list(self._used_s.items()):
            if now_s - used_s > IDLE_AFTER_S:
                await self._drop(session)

    async def _drop(self, session: str) -> None:
        """Forget a session that nothing is done for; its journal stays, and opens it again."""
        self.ahead.cancel(session)
        actor = self._actors.get(session)
        if actor is not None and actor.idle:
            actor.let_go()
            del self._actors[session], self._used_s[session]
            if actor.left is not None:
                self._ends[session] = actor.left
                if len(self._ends) > limits.KNOWN_SESSIONS:
                    del self._ends[next(iter(self._ends))]
            await actor.close()

    def _evict_sessions(self) -> None:
        """Close the longest unused idle sessions while too many are open, and forget some while too many are known."""
        self._n_described = 0
        unused = sorted(self._used_s, key=self._used_s.__getitem__)
        excess = sum(actor.is_open for actor in self._actors.values()) - limits.OPEN_SESSIONS
        for session in unused:
            actor = self._actors[session]
            if excess > 0 and actor.is_open and actor.idle:
                logger.info("session %s is closed for now: %d others are open", session, limits.OPEN_SESSIONS)
                actor.let_go()
                excess -= 1
        n_bytes = 0
        for count, session in enumerate(reversed(unused), start=1):  # the latest first
            actor = self._actors[session]
            if actor.is_open:
                continue
            n_bytes += actor.draft.n_bytes
            if count > limits.KNOWN_SESSIONS or n_bytes > limits.DRAFTS_BYTES:
                self._start(self._drop(session))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something beside; its errors are logged."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        log_fault(task)

    async def close(self) -> None:
        """Stop all work; whatever was not carried out was not acked, and its client will send it again."""
        self._closing = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*(actor.close() for actor in self._actors.values()), return_exceptions=True)
        await asyncio.to_thread(self.ahead.close)
        pools = (
            self._analysing, self._beginning, self._stepping, self._collecting, self._describing, self._listing,
        )  # fmt: skip
        for pool in pools:
            await asyncio.to_thread(pool.shutdown, wait=True, cancel_futures=True)
        for actor in self._actors.values():
            actor.let_go()
        if self._sources is not None:
            await asyncio.to_thread(self._sources.close)

    def _command(self, client: str, number: int, command: Command) -> None:
        """Take one command in order (from the hub)."""
        if isinstance(command, Sessions):
            self._start(self._list(client, number, command))
            return
        session = str(getattr(command, "session", ""))
        self._used_s[session] = self._clock()
        actor = self._actors.get(session)
        if actor is None:
            left = self._ends.pop(session, None)
            actor = self._actors[session] = SessionActor(session, self._context, left=left)
            self._evict_sessions()
        if isinstance(command, Cancel):
            actor.cancel()
            if self.ahead.cancel(session) and not actor.is_open:
                self._start(self._drop(session))
        elif isinstance(command, Prepare):
            self.ahead.begin(command, actor.draft)
        elif isinstance(command, (Item, Probe, Tempo, Known)):
            actor.draft.add(command)
            self._n_described += 1
            if self._n_described >= EVICT_EVERY_MESSAGES:
                self._evict_sessions()
        else:
            actor.submit(client, number, command)
            return
        self.hub.handled(client, number)

    async def _list(self, client: str, number: int, command: Sessions) -> None:
        """List the sessions of a project; a client gets one list after the other, since no ``Stored`` says of which."""
        one_list = self._lists.setdefault(client, asyncio.Lock())
        async with one_list:
            try:
                await self._settled()
                await self._let_go_of_moved(command.project)
                stored = await self._loop.run_in_executor(self._listing, self._journals.of_project, command.project)
                listed = [
                    Stored(
                        one.session, one.label, one.track, one.answers, one.accepted, one.modified, int(one.finished)
                    )
                    for one in stored
                ]  # fmt: skip
                await self.hub.push_all(client, [*listed, StoredEnd(command.project, len(listed))])
            except asyncio.CancelledError:
                raise
            except BaseException as error:  # whatever it is
                self.hub.fail(client, number, command, error)
            self.hub.handled(client, number)

    async def _let_go_of_moved(self, listed: str) -> None:
        """Close idle sessions that may be moved to the project that is listed: of projects that are no longer where
        they were, and those of which copies lie beside the listed one."""
        idle = [(actor, actor.project) for actor in self._actors.values() if actor.idle]
        elsewhere = [(actor, project) for actor, project in idle if project not in ("", listed)]

        def moved() -> list[SessionActor]:
            beside = self._journals.sessions_beside(listed) if listed and elsewhere else ()
            return [actor for actor, project in elsewhere if actor.session in beside or not project_is_there(project)]

        for actor in await self._loop.run_in_executor(self._listing, moved):
            if actor.idle:
                actor.let_go()

    async def _settled(self) -> None:
        """Return when commands that came before are carried out; a long analysis does not hold it up."""
        deadline_s = self._clock() + SETTLE_S
        while not all(actor.settled for actor in self._actors.values()) and self._clock() < deadline_s:
            await asyncio.sleep(0.005)

    def _proposed(self, session: str) -> None:
        self._last_proposed = session

    def _verb(self, verb: str) -> None:
        actor = self._actors.get(self._last_proposed)
        if actor is None or not self.hub.listens(actor.client):
            logger.info("a controller pressed %s, but no session is open", Ours(verb))
            return
        self.hub.press(actor.client, Verb(actor.session, verb))

    def _watch(self, session: str, paths: tuple[Path, ...]) -> None:
        """Watch these source files for a session, in place of those before; from any thread of the service."""
        self._loop.call_soon_threadsafe(self._watch_now, session, paths)

    def _watch_now(self, session: str, paths: tuple[Path, ...]) -> None:
        if self._closing:
            return
        before = set(self._watched.pop(session, ()))
        if paths:
            self._watched[session] = paths
            if self._sources is None:
                self._sources = SourceWatch(
                    lambda path: call_in(self._loop, partial(self._source_changed, path)),
                    on_gone=lambda path: call_in(self._loop, partial(self._source_gone, path)),
                )
            self._sources.watch(paths)
        still = {path for used in self._watched.values() for path in used}
        if self._sources is not None and before - still:
            self._sources.forget(before - still)

    def _source_changed(self, path: Path) -> None:
        text = f"{path.name} changed since it was analysed; its candidates may be off: start the search again"
        self._tell_of_source(path, "source-changed", text)

    def _source_gone(self, path: Path) -> None:
        text = f"{path.name} is gone from {path.parent}; put it back: the session goes on, but export needs the file"
        self._tell_of_source(path, "source-gone", text)

    def _tell_of_source(self, path: Path, code: str, text: str) -> None:
        for session, paths in self._watched.items():
            if path in paths and session in self._actors:
                self.hub.push(self._actors[session].client, replies.note(session, code, text))


def log_fault(task: asyncio.Task[None]) -> None:
    """What ended a task goes to the log; nobody waits for its result."""
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.error("the task %s met a fault", task.get_name(), exc_info=error)


def log_loop_fault(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What a callback of the event loop met goes to the log too (asyncio's own handler)."""
    logger.error("the event loop met a fault: %s", context.get("message"), exc_info=context.get("exception"))


def sweep_renders(
    folder: Path, journals: JournalFolder, now_s: float | None = None, *, stopped: Callable[[], bool] = lambda: False
) -> None:
    """Delete renderings that no session needs and that are older than a week; a search not begun yet may want a
    newer one. None is deleted while a journal does not say what it needs, and nothing that is not named as the scripts
    name them: the home folder may be one that the user had before. ``stopped``, asked before each file, ends it."""
    now_s = time.time() if now_s is None else now_s
    with contextlib.suppress(OSError, JournalError):
        needed = {os.path.realpath(path) for path in journals.sources(stopped)}
        for path in folder.glob("*.wav"):
            if stopped():
                return
            is_ours = _RENDERING.fullmatch(path.name) and not path.is_symlink()
            if is_ours and os.path.realpath(path) not in needed and now_s - path.stat().st_mtime > RENDERS_KEPT_S:
                logger.info("rendering no longer needed: %s", path)
                path.unlink()


@contextlib.asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Service]:
    """A service that listens; ``daemon.txt`` names it as long as it does.

    Raises
    ------
    InputError
        If another daemon lives in this home, a port or folder cannot be had, the settings would open the daemon to the
        network without a token of the user's own, or they name a retriever that there is not.
    """
    demand_closed(settings)
    demand_retriever(settings.retriever)
    asyncio.get_running_loop().set_exception_handler(log_loop_fault)
    with homes.held(settings.home), contextlib.ExitStack() as stack:
        for made in (settings.spool_folder, settings.journals_folder, settings.renders_folder, settings.cache):
            stack.enter_context(not_left_empty(made))
        own_folder(settings.spool_folder, "spool folder", option="--spool")
        own_folder(settings.journals_folder, "folder of journals", option="--journals", closed=False)
        own_folder(settings.renders_folder, "folder of renderings", option="--home")
        own_cache(settings.cache)
        token = settings.token or homes.private_token(settings.home) or ""
        info = homes.new_info(version=__version__, port=0, spool=settings.spool_folder, token=token)
        services: list[Service] = []

        def receive(packet: bytes, route: Route) -> None:
            for service in services:  # none yet while the carriers are being opened
                service.hub.receive(packet, route)

        port = await _open_udp(settings, receive, stack) if settings.udp else 0
        info = homes.DaemonInfo(info.protocol, info.version, info.instance, info.pid, port, info.token, info.spool)
        service = Service(settings, info)
        services.append(service)
        spool: SpoolCarrier = SpoolCarrier(
            Path(info.spool),
            lambda name, packet: service.hub.receive(packet, Route("spool", lambda answer: spool.send(name, answer))),
            time.monotonic,
        )
        refused = contextlib.ExitStack()
        stack.enter_context(refused).callback(sweep, settings.spool_folder, "")  # no client has come to its folder
        stack.callback(spool.close)
        tasks = [asyncio.create_task(spool.run(), name="spool"), asyncio.create_task(service.tidy(), name="tidy")]
        for task in tasks:
            task.add_done_callback(log_fault)
        try:
            await service.sweep_spools()
            homes.write_info(settings.home, info)
            refused.pop_all()
            version = Ours(__version__)
            logger.info("ReaTrieve %s, instance %s, port %d, spool %s", version, info.instance, port, info.spool)
            yield service
        finally:
            homes.remove_info(settings.home, info.instance)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await service.close()
            logger.info("stopped; packets dropped: %s", Ours(service.hub.complaints or "none"))


async def _open_udp(settings: Settings, receive: Callable[[bytes, Route], None], stack: contextlib.ExitStack) -> int:
    """Listen on loopback, where the script looks (by IPv6 too, where some controllers send), and on the other host that
    the user chose; returns the port."""
    hosts = [settings.host] if is_loopback(settings.host) or settings.host == "0.0.0.0" else [LOOPBACK, settings.host]
    port = settings.port
    for host in hosts:
        carrier = await _listen(host, port, receive)
        stack.callback(carrier.close)
        port = carrier.port
    if LOOPBACK_6 not in hosts:
        with contextlib.suppress(InputError):  # no IPv6, or the port is another program's there
            stack.callback((await _listen(LOOPBACK_6, port, receive)).close)
    return port


async def _listen(host: str, port: int, receive: Callable[[bytes, Route], None]) -> UdpCarrier:
    def on_packet(packet: bytes, address: Address) -> None:
        local = is_loopback(address[0])
        receive(packet, Route("udp", lambda answer: carrier.send(answer, address), local, "" if local else address[0]))

    carrier = await UdpCarrier.open(host, port, on_packet)
    return carrier


def demand_closed(settings: Settings) -> None:
    """Refuse a daemon that the network could use without a long token of the user's own.

    Raises
    ------
    InputError
        What is missing, or which option to drop.
    """
    if is_loopback(settings.host) or not settings.udp:
        return
    fix = "choose one in settings.txt, REATRIEVE_TOKEN or --token-file"
    if not settings.token:
        raise InputError(f"--host {settings.host} opens the daemon to the network; it needs a token of your own: {fix}")
    if len(settings.token) < limits.TOKEN_CHARACTERS:
        raise InputError(
            f"--host {settings.host} opens the daemon to the network; the token must have {limits.TOKEN_CHARACTERS} "
            f"characters or more: {fix}"
        )
    if settings.open_controllers:
        raise InputError(f"--host {settings.host} and --open-controllers together let anybody in; drop one of them")
