"""One session at work: its commands one after the other, its computing in threads, its events to the client that
asked last."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import operator
import threading
from array import array
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias, TypeVar

from reatrieve import limits
from reatrieve.audio.cache import AnalysisCache
from reatrieve.bridge.messages import (
    AcceptRest,
    Anchors,
    Answer,
    Ask,
    CaughtUp,
    Command,
    Decide,
    Discard,
    Done,
    Event,
    Export,
    Find,
    Finish,
    More,
    Note,
    Progress,
    Reanswer,
    Rename,
    RenderWanted,
    Rest,
    RestEnd,
    Resume,
    Retract,
    Revise,
    Saved,
    Survey,
    Undo,
)  # fmt: skip
from reatrieve.errors import CancelledError, InputError, JournalError, ReatrieveError
from reatrieve.journal import Beside, Copied, Header, Journal, JournalFolder, copies_folder
from reatrieve.plain import plain
from reatrieve.service import curves, loading, replies
from reatrieve.service.ahead import TrackAhead, Turns
from reatrieve.service.hub import Hub
from reatrieve.service.known import beginning
from reatrieve.service.preparing import Draft, Prepared, example_on, prepare
from reatrieve.service.work import ElsewhereError, SessionWork, StaleError, StepOutcome
from reatrieve.session.events import Proposed, Started
from reatrieve.session.retriever import MOST_POINTS
from reatrieve.session.stopping import probably_nothing_else

__all__ = ["BusyError", "Context", "JournalEnd", "SessionActor"]

logger = logging.getLogger(__name__)

PROGRESS_EVERY_S = 0.1
SHARED_AFTER_S = 3.0
"""A client with an open session speaks four times a second."""

JournalEnd: TypeAlias = Sequence[int]
"""What tells whether a journal was written since: a hash of each of its lines; none: the client has not seen it,
whatever it has."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Context:
    """What all sessions share.

    Attributes
    ----------
    hub, cache, journals : the clients, the kept analyses, the sessions on disk.
    renders : the folder of what scripts rendered for a search.
    retriever : the name of the one that a ``find`` without a name takes.
    ahead, turns : the track prepared ahead, and what makes it give way to sessions.
    analysing, beginning, stepping, collecting, describing : threads for decoding and analysing, for the first step of
        a ``find`` (it is acked though others are analysed), for steps of a session, for lists of the rest (no answer
        waits for them), and for what later answers will need.
    proposed : told the session of every candidate sent.
    rested : told that a session has done what it was asked.
    watch : told a session and the source files to watch for it.
    """

    hub: Hub
    cache: AnalysisCache
    journals: JournalFolder
    renders: Path
    retriever: str
    ahead: TrackAhead
    turns: Turns
    analysing: Executor
    beginning: Executor
    stepping: Executor
    collecting: Executor
    describing: Executor
    proposed: Callable[[str], None]
    rested: Callable[[], None]
    watch: Callable[[str, tuple[Path, ...]], None]


class SessionActor:
    """Commands go in by ``submit`` and are carried out in order; ``cancel`` acts at once.

    Attributes
    ----------
    client : the client that the events go to, the last one that sent a command.
    draft : the track as the client has described it so far.
    left : the journal when it was let go, as the client knows it.
    """

    def __init__(self, session: str, context: Context, *, left: JournalEnd | None = None) -> None:
        self.session = session
        self.client = ""
        self.draft = Draft()
        self._context = context
        self._queue: asyncio.Queue[tuple[str, int, Command]] = asyncio.Queue()
        self._cancelled = threading.Event()
        self._closing = threading.Event()
        self._n_cancelled = 0  # of the commands that wait
        self._working = self._computing = self._counted = False
        self._work: SessionWork | None = None
        self.left = left
        self._is_behind = False  # the search went on elsewhere, and the client does not show that
        self._shown: tuple[str, SessionWork] | None = None  # the client that was told all of a session last
        self._told_done = False
        self._told_of: set[tuple[Path, str]] = set()  # copies, and what was said of them
        self._curve_for = ""  # the client that wants the similarity of the whole track
        self._curve_due = False
        self._curves = 0
        self._stage, self._share = "decode", 0.0
        self._task = asyncio.create_task(self._run(), name=f"session {session}")

    @property
    def idle(self) -> bool:
        """Whether nothing is being done or waits."""
        return self._queue.empty() and not self._working

    @property
    def settled(self) -> bool:
        """Whether everything that was asked is carried out, or waits for a long computation."""
        return self.idle or self._computing

    @property
    def is_open(self) -> bool:
        """Whether it holds a journal, and so memory."""
        return self._work is not None

    @property
    def project(self) -> str:
        """The path of the project that an open session belongs to; "" for none."""
        return "" if self._work is None else self._work.journal.header.project

    def submit(self, client: str, number: int, command: Command) -> None:
        """Queue one command; raises ``BusyError`` where too many wait.

        Raises
        ------
        BusyError
            If ``limits.QUEUED`` commands wait.
        """
        if self._queue.qsize() >= limits.QUEUED:
            raise BusyError(f"{limits.QUEUED} commands of this session wait already; go on when they are done")
        if self.client not in ("", client):
            self._watch_for_two(self.client, client)
        self.client = client
        self._queue.put_nowait((client, number, command))

    def _watch_for_two(self, before: str, now: str) -> None:
        """Tell both clients when the one before is still there a while after another took the session over; a script
        that was started again has only one of the two alive."""
        hub = self._context.hub
        taken_over_s = hub.heard_s(now)

        def look() -> None:
            if hub.heard_s(before) > taken_over_s + SHARED_AFTER_S / 2:
                text = (
                    "this session is open in two REAPERs; answer it in one of them only, the other does not hear of it"
                )
                for client in (before, now):
                    hub.push(client, replies.note(self.session, "shared", text))

        asyncio.get_running_loop().call_later(SHARED_AFTER_S, look)

    def cancel(self) -> None:
        """Stop what is being decoded, analysed, listed as the rest or exported, if anything is; what waits, too."""
        if not self.idle:
            self._cancelled.set()
            self._n_cancelled = self._queue.qsize()

    async def close(self) -> None:
        """Stop; what was not carried out was not acked. ``let_go`` follows when the threads have ended."""
        self._closing.set()
        self._cancelled.set()
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    def let_go(self) -> None:
        """Give the journal back; a later command opens it again."""
        if self._work is not None:
            if not self._is_behind:
                self.left = _end_of(self._work.journal)
            elif self.left is None:
                self.left = ()
            self._work.journal.close()
            self._work = None
        self._context.watch(self.session, ())

    async def _run(self) -> None:
        while True:
            if self._curve_due and self._queue.empty():
                try:
                    await self._send_curve()
                except Exception:
                    logger.exception("session %s: no curve", self.session)
            client, number, command = await self._queue.get()
            if self._n_cancelled > 0:
                self._n_cancelled -= 1
                self._cancelled.set()
            self._working, self._counted = True, False
            try:
                with self._context.turns.session():
                    await self._attempt(client, number, command)
            except asyncio.CancelledError:
                raise
            except BaseException:  # whatever it is
                logger.exception("session %s: no answer to %s", self.session, command.NAME)
            # Not in a finally: when the daemon stops, what was not carried out is not acked.
            self._working = False
            self._cancelled.clear()
            self._context.hub.handled(client, number)
            self._context.rested()

    async def _attempt(self, client: str, number: int, command: Command) -> None:
        """Carry out one command, or say why not: with its number and to whoever sent it where it changed nothing, with
        0 where it counts, but what was to follow it failed."""
        try:
            await self._carry_out(client, number, command)
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # whatever it is, the command is answered and acked
            to, its_number = (self.client, 0) if self._counted else (client, number)
            self._context.hub.fail(to, its_number, command, error)
            if isinstance(error, StaleError):
                await self._repeat_current()

    async def _carry_out(self, client: str, number: int, command: Command) -> None:
        handled = lambda: self._context.hub.handled(client, number)  # noqa: E731
        match command:
            case Find():
                await self._find(command, handled)
            case Resume():
                await self._resume(handled)
            case CaughtUp():
                self._has_caught_up(client)
            case Discard():
                await self._discard()
            case Saved():
                await self._saved(command)
            case Rest():
                await self._rest(command)
            case Decide():
                await self._decide()
            case Survey():
                self._survey(client, command)
            case Anchors() | Export():
                await self._sync(command)
            case (
                Answer()
                | Reanswer()
                | Ask()
                | Undo()
                | Retract()
                | Revise()
                | More()
                | AcceptRest()
                | Rename()
                | Finish()
            ):
                await self._change(command, handled)
            case _:
                raise InputError(f"{command.NAME} is no command of a session")

    # The commands

    async def _find(self, command: Find, handled: Callable[[], None]) -> None:
        context = self._context
        if self._work is not None or await self._step(partial(context.journals.holds, self.session)):
            if (await self._opened()).state.finished:
                self.let_go()
                raise InputError(f"the session {self.session} is finished; a new search needs a new session")
            await self._resume(handled)
            return
        retriever, earlier = command.retriever or context.retriever, self.draft.answers

        def begun() -> tuple[Prepared, SessionWork | None, str]:
            loading.make_retriever(retriever)  # a name that nobody knows is told before anything is read
            known = context.ahead.mapped(self.session, self.draft, command.items)
            prepared = known or prepare(self.draft, command, renders=context.renders)
            track_map = prepared.track_map
            if track_map is None:
                return prepared, None, ""
            example = example_on(track_map, command.start_s, command.end_s)
            if self._cancelled.is_set():
                return prepared, None, ""
            started = Started(example, command.label, command.budget, retriever)
            header = Header(self.session, track_map, command.project, command.track, self.draft.tempo_rows)
            events, left_out = beginning(started, earlier, track_map)
            journal = context.journals.create(header, events=events)
            return prepared, SessionWork(journal, stop=self._closing.is_set), left_out

        prepared, work, left_out = await self._long(begun, "decode", context.beginning)
        for code, text in prepared.notes:
            self._push(replies.note(self.session, code, text))
        if work is None:
            await self._push_all(
                [RenderWanted(self.session, k, plain(why)[: replies.TEXT_CHARACTERS]) for k, why in prepared.wanted]
            )
            if prepared.track_map is not None:
                self._push(Done(self.session, "cancelled", 0, command.budget, 0))
            return
        self._work, self.left, self._is_behind = work, None, False
        handled()
        logger.info("session %s: find %r, %.3f s long", self.session, command.label, work.state.example.length_s)
        self.draft.begun()
        if earlier:
            await self._push_all(replies.rows(self.session, work.state, work.journal.header.origin_s))
        try:
            await self._go_on()
        except asyncio.CancelledError:
            raise
        except BaseException:  # whatever it is
            await self._step(self._forget_beginning)
            raise
        if left_out and self._work is not None:  # after the candidate, so that it is read
            self._push(replies.note(self.session, "left-out", left_out))

    async def _resume(self, handled: Callable[[], None]) -> None:
        if self._work is not None and await self._step(partial(self._context.journals.is_behind, self._work.journal)):
            self.let_go()  # the project was at another computer meanwhile
        work = await self._opened()
        if self._is_behind:
            text = "this sound was answered elsewhere meanwhile; it is shown as it was answered there"
            self._push(replies.note(self.session, "elsewhere", text))
        handled()
        await self._push_all(replies.rows(self.session, work.state, work.journal.header.origin_s))
        self._shown = (self.client, work)
        await self._go_on()
        try:
            folder = copies_folder(work.journal.header.project)
        except InputError:  # no project has such a name
            return
        self._tell_of_copies(await self._step(lambda: work.journal.beside(folder)))

    def _has_caught_up(self, client: str) -> None:
        """A client shows what it was told last: what it sends from now on is about that. Commands that it gave before
        came before this one."""
        if self._shown is None or self._shown[0] != client or self._work not in (None, self._shown[1]):
            return
        work = self._shown[1]
        self.left, self._is_behind = (_end_of(work.journal) if self._work is None else None), False

    async def _change(self, command: Command, handled: Callable[[], None]) -> None:
        work = await self._opened()
        op = str(getattr(command, "op", ""))
        accepted: frozenset[int] = frozenset()
        repeated = work.has_done(op)
        if not repeated:
            if not isinstance(command, Rename):  # a name is about no answer
                self._demand_seen()
            if isinstance(command, AcceptRest):
                await self._analysed()
            elif isinstance(command, (Answer, Ask)):
                await self._analysed()  # what follows is journalled together with the answer
                if work.needs_a_proposal():  # a crash came before the proposal that the client shows
                    await self._step(work.propose)
            deciding = work.deciding
            commit = partial(work.commit, command, cancel=self._cancelled.is_set, progress=self._tell)
            if isinstance(command, AcceptRest):
                accepted = await self._long(commit, "rest", self._context.collecting)
            else:
                accepted = await self._step(commit)
            self._counted = True
            if deciding and not work.deciding and not isinstance(command, AcceptRest):
                self._tell_clear()
        handled()
        if isinstance(command, Rename):
            return
        if isinstance(command, AcceptRest) and not repeated:
            await self._push_all(replies.rows(self.session, work.state, work.journal.header.origin_s, only=accepted))
        await self._go_on()

    async def _rest(self, command: Rest) -> None:
        work = await self._opened()
        self._demand_seen()
        await self._analysed()
        listing = partial(work.rest, command.above, cancel=self._cancelled.is_set, progress=self._tell)
        proposals, clear = await self._long(listing, "rest", self._context.collecting)
        await self._push_all(replies.rest_rows(self.session, proposals, work.journal.header.origin_s))
        self._push(RestEnd(self.session, command.above, len(proposals), int(clear)))

    async def _decide(self) -> None:
        work = await self._opened()
        self._demand_seen()
        await self._analysed()
        await self._step(work.decide)
        if not work.deciding:
            self._tell_clear()
        await self._go_on()

    def _survey(self, client: str, command: Survey) -> None:
        if command.wanted:
            self._curve_for, self._curve_due = client, True
        elif self._curve_for == client:
            self._curve_for = ""

    async def _send_curve(self) -> None:
        """Send the similarity of the whole track, page by page; a command that comes meanwhile goes before the rest."""
        self._curve_due = False
        work = self._work
        if work is None or self._curve_for != self.client or not self._context.hub.listens(self.client):
            return
        values = await self._step(lambda: work.similarity(MOST_POINTS))
        if values is None:
            return
        self._curves += 1
        track_map = work.journal.header.track_map
        start_s = track_map.origin_s
        end_s = start_s + track_map.duration_s
        for page in curves.pages(self.session, self._curves, values, start_s=start_s, end_s=end_s):
            if not self._queue.empty():
                self._curve_due = True  # it may be another one by then
                return
            self._push(page)
            await asyncio.sleep(0)

    async def _discard(self) -> None:
        journals = self._context.journals
        if await self._step(lambda: journals.holds(self.session)):
            self.let_go()
            await self._step(lambda: journals.discard(self.session))
        elif not await self._step(lambda: journals.was_discarded(self.session)):
            raise _unknown(self.session)

    async def _saved(self, command: Saved) -> None:
        work = await self._opened()

        def keep() -> Copied:
            _demand_project(command.project)
            journal, folder = work.journal, copies_folder(command.project)
            moves = command.project != journal.header.project
            copied = journal.copy_to(folder, project=command.project)
            try:
                if moves:
                    journal.move_to(command.project)  # last: where this fails, the journal is as it was
            except JournalError:
                if copied.is_new:
                    with contextlib.suppress(OSError):
                        copied.path.unlink(missing_ok=True)
                raise
            copied.tidy()
            return copied

        self._tell_of_copies((await self._step(keep)).beside)

    def _tell_of_copies(self, beside: Beside) -> None:
        """What lies beside the project and was not answered here; told once."""
        found = {(path, f"{path.name} beside the project holds other answers to this sound; it is kept")
                 for path in beside.others}  # fmt: skip
        if beside.ahead is not None:
            text = f"{beside.ahead.name} beside the project holds more answers to this sound; open the project again"
            found.add((beside.ahead, text))
        for _, text in sorted(found - self._told_of):
            self._push(replies.note(self.session, "copies", text))
        self._told_of = found

    async def _sync(self, command: Anchors | Export) -> None:
        work = await self._opened()
        self._demand_seen()
        tempo = self.draft.tempo_rows or work.journal.header.tempo
        state, header = work.state, work.journal.header

        def job() -> list[Event]:
            exporting = loading.exporting()
            events: list[Event]
            if isinstance(command, Anchors):
                events = exporting.anchor_events(command, state, header, tempo)
            else:
                events = exporting.export_events(
                    command, state, header, tempo, progress=self._tell, cancel=self._cancelled.is_set
                )
            return events

        await self._push_all(await self._long(job, "export"))

    # Where the session stands

    async def _go_on(self) -> None:
        """Say what is current: the candidate, or that the session is done."""
        work = await self._opened()
        over: str | None = work.state.over
        if over is None:
            deciding = work.deciding
            try:
                outcome = await (self._first_proposed() if work.search is None else self._step(work.propose))
            except CancelledError:
                done = replies.done(self.session, work.state, "cancelled")
                await self._step(self._forget_beginning)
                self._push(done)
                return
            if deciding and not work.deciding:
                self._tell_clear()
            over = outcome.over
            if over is None:
                origin_s = work.journal.header.origin_s
                self._context.proposed(self.session)
                if not outcome.foreseen:  # the client knows nothing of it yet: it need not wait for what may follow
                    self._push(replies.candidate(self.session, outcome.state, None, origin_s))
                ahead = await self._step(work.look_ahead)
                self._push(replies.candidate(self.session, outcome.state, ahead, origin_s))
                describe = work.description()
                if describe is not None:
                    self._context.describing.submit(self._describe, describe)
                self._tell_if_probably_done(work)
        if over is not None:
            self._push(replies.done(self.session, work.state, over))
        self._curve_due = self._curve_for != ""
        if over == "finished":
            self.let_go()  # another process may have the journal now; a later ``more`` or ``undo`` opens it again

    async def _repeat_current(self) -> None:
        try:
            await self._go_on()
        except ReatrieveError as error:
            logger.info("session %s: %s", self.session, error)

    async def _opened(self) -> SessionWork:
        if self._work is not None and self._work.journal.broken:  # the disk failed: what is on it decides
            self.let_go()
        if self._work is None:
            self._work = await self._step(self._open)
            self._is_behind = self._work.journal.went_on or _has_gone_on(self._work.journal, self.left)
            self._told_of.clear()
            if self._work.journal.note:
                self._push(replies.note(self.session, "journal", self._work.journal.note))
        return self._work

    def _open(self) -> SessionWork:
        if not self._context.journals.holds(self.session):
            raise _unknown(self.session)
        return SessionWork(self._context.journals.open(self.session), stop=self._closing.is_set)

    def _demand_seen(self) -> None:
        """Refuse what is meant for answers that are not all there are."""
        if self._is_behind:
            raise ElsewhereError("this sound was answered elsewhere meanwhile; nothing was changed")

    async def _analysed(self) -> None:
        work = await self._opened()
        if work.search is None:
            await self._long(lambda: self._analyse(work), "decode")

    async def _first_proposed(self) -> StepOutcome:
        """Analyse and propose in one go: each hand-over between threads waits for its turn on a busy machine."""
        work = await self._opened()

        def job() -> StepOutcome:
            self._analyse(work)
            if self._cancelled.is_set():  # it came when the last block was through already
                raise CancelledError("stopped before the first candidate")
            return work.propose(self._cancelled.is_set)

        return await self._long(job, "decode")

    def _analyse(self, work: SessionWork) -> None:
        """In a thread: make the search, and have its source files watched."""
        context = self._context
        work.analyse(cache=context.cache, ahead=context.ahead, progress=self._tell_stage, cancel=self._cancelled.is_set)
        context.watch(self.session, work.journal.header.track_map.paths)

    def _forget_beginning(self) -> None:
        """A session that never came to a candidate leaves nothing behind."""
        work = self._work
        if work is not None and not (
            work.journal.ops or any(isinstance(one, Proposed) for one in work.journal.events())
        ):
            self.let_go()
            self._context.journals.remove(self.session)

    def _tell_if_probably_done(self, work: SessionWork) -> None:
        state = work.state
        if state.current is None or self._told_done:
            return
        if probably_nothing_else(state.verdicts, state.candidates[state.current].remaining):
            self._told_done = True
            self._push(Note(self.session, "probably-done", "probably all places are found; finish when you agree"))

    def _tell_clear(self) -> None:
        self._push(Note(self.session, "rest-clear", "it is clear now where the sound ends: run Accept all"))

    # Threads

    def _describe(self, describe: Callable[[], object]) -> None:
        """In a thread, while the user listens: what fails here fails again where it is needed, and is told there."""
        try:
            describe()
        except Exception:
            logger.exception("describing the sound of session %s met a fault", self.session)

    async def _step(self, job: Callable[[], T]) -> T:
        """Run something short in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._context.stepping, job)

    async def _long(self, job: Callable[[], T], stage: str, threads: Executor | None = None) -> T:
        """Run something long in a thread (of those that analyse), and tell the client how far it is."""
        self._stage, self._share, self._computing = stage, 0.0, True
        future = asyncio.get_running_loop().run_in_executor(threads or self._context.analysing, job)
        try:
            while True:
                finished, _ = await asyncio.wait([future], timeout=PROGRESS_EVERY_S)
                if finished:
                    return future.result()
                if self._context.hub.listens(self.client):
                    self._push(Progress(self.session, self._stage, min(max(self._share, 0.0), 1.0)))
        finally:
            self._computing = False
            if (
                not future.done()
            ):  # the daemon stops: the thread sees it at its next block, and nobody asks how it ended
                self._cancelled.set()
                future.add_done_callback(lambda ended: ended.cancelled() or ended.exception())

    def _tell_stage(self, stage: str, share: float) -> None:
        # Decoding runs ahead of the analysis in its own thread: the later stage is the one to show.
        if stage == "analyse" or self._stage == "decode":
            self._stage, self._share = stage, share

    def _tell(self, share: float) -> None:
        self._share = share

    def _push(self, event: Event) -> None:
        self._context.hub.push(self.client, event)

    async def _push_all(self, events: Sequence[Event]) -> None:
        """Send a long list at the client's pace, unless another one takes the session over."""
        client = self.client
        await self._context.hub.push_all(client, events, hurry=lambda: self.client != client)


class BusyError(ReatrieveError):
    """More is asked at once than is kept."""

    code = "busy"


class _UnknownSessionError(ReatrieveError, LookupError):
    code = "unknown-session"


def _unknown(session: str) -> _UnknownSessionError:
    return _UnknownSessionError(f"the daemon has no session {session}; start the search again")


def _end_of(journal: Journal) -> JournalEnd:
    return array("q", map(hash, journal.lines))


def _has_gone_on(journal: Journal, left: JournalEnd | None) -> bool:
    """Whether the journal has something that it had not when it was left, by somebody else; of one that was damaged
    meanwhile, and has only lost some of its end, the client knows more."""
    if left is None:
        return False
    now = _end_of(journal)
    return len(now) > len(left) or any(map(operator.ne, now, left))


def _demand_project(project: str) -> None:
    """Refuse a path at which no project can have been saved."""
    path = Path(project)
    if project == "":
        raise InputError("a project saved nowhere has no place for a copy of the journal; save it under a name")
    if not path.is_absolute() or path.suffix.lower() != ".rpp":
        raise InputError(f"{project!r} is no absolute path of a project (.rpp); save it under a name")
    try:
        saved = path.is_file()
    except OSError as error:
        raise InputError(f"the project {project!r} cannot be looked at: {error}") from error
    if not saved:
        raise InputError(f"there is no project {project!r}; save it first")
