"""``reatrieve demo``: the whole loop on its real parts, from a time selection to files that a game reads."""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.text import Text

from reatrieve.cli.values import check_sound_file, clock, example_span, plural, seconds
from reatrieve.errors import InputError

if TYPE_CHECKING:
    from reatrieve.annotations.truth import Truth
    from reatrieve.cli.timeline import Mark, MarkKind
    from reatrieve.demo.loop import Loop, Shown
    from reatrieve.session.events import Verdict
    from reatrieve.session.spans import Span

__all__ = ["add", "run"]

SONG_S = 60.0
SONG = {"genre": "house", "seed": 5, "preset": "hard"}
WORDS = {"accept": "[green]yes[/]", "reject": "[red]no[/] ", "skip": "[dim]skip[/]"}
KEYS: dict[str, Verdict] = {"y": "accept", "n": "reject", "s": "skip"}


def add(subparsers: Any) -> None:
    """Add the subcommand."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "demo",
        description="Open a track in a simulated REAPER that runs the real scripts, start the real daemon, mark one "
        "sound, and answer the candidates until the other places are found; then convert and export them. Without "
        "--audio it makes a minute of music of its own, and a simulated user who knows the truth answers.",
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="folder for all that is written (default: a new temporary one)"
    )
    parser.add_argument(
        "--audio", type=Path, metavar="FILE", help="search your own file; you answer y, n, s or u in the terminal"
    )
    parser.add_argument("--start", type=seconds, metavar="S", help="start of the example (83.5 or 1:23.5)")
    parser.add_argument("--end", type=seconds, metavar="E", help="end of the example")
    parser.add_argument("--annotations", type=Path, metavar="CSV", help="answer from these annotations of --audio")
    parser.add_argument("--class", dest="class_", metavar="NAME", help="the sound in --annotations")
    parser.add_argument(
        "--carrier", choices=("udp", "spool"), default="udp", help="how scripts and daemon talk (default udp)"
    )
    parser.add_argument(
        "--lua", choices=("5.3", "5.4"), default="5.4", help="5.3 as in REAPER 6, 5.4 as in REAPER 7 (default)"
    )
    parser.add_argument("--no-export", action="store_true", help="stop before the sync markers and files")
    parser.add_argument("--json", action="store_true", help="one JSON object, last on standard output")
    parser.set_defaults(func=run)


@dataclass
class Tally:
    """What happened so far."""

    answers: int = 0
    rejections: int = 0
    accepted: int = 0
    answer_ms: list[float] = field(default_factory=list)
    history: list[tuple[Verdict, Span]] = field(default_factory=list)

    def count(self, verdict: Verdict, span: Span) -> None:
        """Add one answer."""
        self.answers += 1
        self.rejections += verdict == "reject"
        self.accepted += verdict == "accept"
        self.history.append((verdict, span))

    def take_back(self) -> None:
        """Forget the last answer."""
        verdict, _ = self.history.pop()
        self.answers -= 1
        self.rejections -= verdict == "reject"
        self.accepted -= verdict == "accept"


def run(args: argparse.Namespace) -> int:
    """Run the demo.

    Raises
    ------
    InputError
        If flags do not go together.
    """
    console = Console(stderr=args.json, highlight=False, soft_wrap=True)
    if args.audio is None and (args.annotations or args.class_ or args.start is not None or args.end is not None):
        raise InputError("--start, --end, --annotations and --class go with --audio FILE")
    if args.audio is not None:
        check_sound_file(args.audio)
    out = _folder(args.out)
    audio, truth, bpm = _material(args, out, console)
    example, duration_s = _example(args, truth, audio)
    if truth is not None:
        truth.mark(example)

    from reatrieve.demo.loop import LUA_VERSIONS, Loop

    rpp = out / "demo.rpp"
    tally = Tally()
    with tempfile.TemporaryDirectory(prefix="reatrieve-", ignore_cleanup_errors=True) as home:
        console.print(f"daemon and REAPER {LUA_VERSIONS[args.lua]} start (Lua {args.lua}, {args.carrier})")
        with Loop(Path(home), carrier=args.carrier, lua=args.lua) as loop:
            if bpm is not None:
                loop.project.set_tempo(bpm)
            loop.insert(audio)
            loop.project.save(rpp)
            console.print(
                f"time selection {clock(example.start_s)} - {clock(example.end_s)} on track 'Music', "
                "action [b]ReaTrieve: Find sounds like the time selection[/]"
            )
            first_s = loop.find(example.start_s, example.end_s)
            console.print(f"first candidate after {first_s:.2f} s\n")
            with _time_line(tally, example, duration_s, console if truth is not None else None) as show:
                _answer_all(loop, tally, truth, console, show)
            loop.reaper.run("Finish (keep accepted, remove what is left)")
            loop.settle()
            written = [] if args.no_export else _export(loop, out, console)
            loop.project.save()
            loop.settle()
            _finish_picture(loop, tally, truth, example, audio, out, console)
    median = statistics.median(tally.answer_ms) if tally.answer_ms else None
    _summary(tally, truth, median, duration_s, written, out, console)
    if args.json:
        result = {
            "found": truth.found if truth else tally.accepted,
            "occurrences": truth.n_others if truth else None,
            "recall": truth.recall if truth else None,
            "rejections": tally.rejections,
            "answers": tally.answers,
            "accepted": tally.accepted,
            "first_candidate_s": round(first_s, 4),
            "answer_ms_median": None if median is None else round(median, 2),
            "rpp": str(rpp),
            "files": [str(path) for path in written],
        }
        print(json.dumps(result), flush=True)
    return 0


def _folder(wanted: Path | None) -> Path:
    """The folder for all that is written."""
    if wanted is None:
        return Path(tempfile.mkdtemp(prefix="reatrieve-demo-")).resolve()
    try:
        wanted.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--out {wanted} cannot be made ({error.strerror}); choose another folder") from error
    return wanted.resolve()


def _material(args: argparse.Namespace, out: Path, console: Console) -> tuple[Path, Truth | None, float | None]:
    """The file to search, what is known of it, and its tempo if that is known too."""
    from reatrieve.annotations.truth import Truth, load_truth
    from reatrieve.session.spans import Span

    if args.audio is not None:
        audio = args.audio.resolve()
        truth = load_truth(args.annotations, audio, args.class_) if args.annotations else None
        if truth is None and args.class_:
            raise InputError("--class names a sound in --annotations CSV; give both")
        return audio, truth, None
    from reatrieve.synth import make_song
    from reatrieve.synth.dataset import write_song

    song = make_song(**SONG, duration_s=SONG_S)  # type: ignore[arg-type]
    audio = out / "demo.wav"
    write_song(audio, song)
    name = song.occurrences[0].class_name
    spans = sorted(Span(o.start_s, o.end_s) for o in song.occurrences if o.class_name == name)
    console.print(
        f"made {SONG_S:.0f} s of {song.genre} at {song.bpm:g} bpm; the sound to find is a {name.rstrip('0123456789')}"
    )
    return audio, Truth(name, tuple(spans)), song.bpm


def _example(args: argparse.Namespace, truth: Truth | None, audio: Path) -> tuple[Span, float]:
    """The span to mark, and the length of the file."""
    from reatrieve.audio.trackmap import TrackMap

    duration_s = TrackMap.of_file(audio).duration_s
    start_s, end_s = args.start, args.end
    if start_s is None and end_s is None and truth is not None:
        start_s, end_s = truth.occurrences[0].start_s, truth.occurrences[0].end_s
    if start_s is None or end_s is None:
        raise InputError("mark the example with --start S and --end E (seconds)")
    return example_span(start_s, end_s, duration_s), duration_s


@contextlib.contextmanager
def _time_line(tally: Tally, example: Span, duration_s: float, console: Console | None) -> Iterator[Callable[[], None]]:
    """A time line that stands below the answers as they come; only on a terminal."""
    from reatrieve.cli.timeline import text_line

    if console is None or not console.is_terminal:
        yield lambda: None
        return
    width = min(72, console.width - 1)
    with Live(console=console, auto_refresh=False, transient=True) as live:

        def show() -> None:
            line = text_line(_marks(tally, None, example), duration_s=duration_s, width=width)
            live.update(Text(line, no_wrap=True), refresh=True)

        show()
        yield show


def _answer_all(
    loop: Loop, tally: Tally, truth: Truth | None, console: Console, show: Callable[[], None] = lambda: None
) -> None:
    """Answer until the session is over, all is found, or the user stops."""
    from reatrieve.session.stopping import MAX_ACCEPTS_AND_SKIPS

    while True:
        shown = loop.shown()
        if shown is None:
            console.print(f"over: {escape(loop.reaper.status.help_line.removeprefix('ReaTrieve: '))}")
            if truth is not None or not _ask_at_the_end(loop, tally, console):
                return
            continue
        if truth is None:
            if not _ask(loop, tally, shown, console):
                return
            continue
        if tally.answers - tally.rejections >= MAX_ACCEPTS_AND_SKIPS:
            return
        span = shown.candidate.proposed
        verdict = truth.answer(span).verdict
        tally.answer_ms.append(loop.answer(verdict))
        tally.count(verdict, span)
        recall = (
            f"{truth.found:2} of {truth.n_others}, recall {truth.recall:4.0%}"
            if truth.n_others
            else "nothing else to find"
        )
        console.print(f"{_line(tally.answers, shown)}  {WORDS[verdict]}  {recall}  {tally.answer_ms[-1]:4.0f} ms")
        show()
        if truth.n_others and truth.found == truth.n_others:
            console.print("all found")
            return


def _ask(loop: Loop, tally: Tally, shown: Shown, console: Console) -> bool:
    """Let the person at the terminal answer one candidate; False: stop."""
    left = f"about {shown.candidate.remaining:.0f} left"
    word = _typed(f"{_line(tally.answers + 1, shown)}  {left}  y(es) n(o) s(kip) u(ndo) q(uit)? ", console)
    if word == "q":
        return False
    if word == "u":
        _undo(loop, tally, console)
    elif word in KEYS:
        tally.answer_ms.append(loop.answer(KEYS[word]))
        tally.count(KEYS[word], shown.candidate.proposed)
    else:
        console.print("type y, n, s, u or q, then Enter")
    return True


def _ask_at_the_end(loop: Loop, tally: Tally, console: Console) -> bool:
    """What the person wants when nothing is proposed any more; False: stop."""
    more = "+ goes on for ten more, " if loop.over == "budget" else ""
    word = _typed(f"{more}u takes the last answer back, q ends: ", console)
    if word == "u":
        _undo(loop, tally, console)
    elif word == "+" and more:
        loop.go_on()
    return word in ("u", "+")


def _typed(question: str, console: Console) -> str:
    """First letter of the answer; ``q`` at the end of input."""
    console.print(question, end="")
    console.file.flush()
    line = sys.stdin.readline()
    if not sys.stdin.isatty():
        console.print(escape(line.strip()))  # a pipe shows no echo
    return line.strip().lower()[:1] if line else "q"


def _undo(loop: Loop, tally: Tally, console: Console) -> None:
    if tally.history:
        loop.undo()
        tally.take_back()
    else:
        console.print("there is no answer to take back")


def _export(loop: Loop, out: Path, console: Console) -> list[Path]:
    """Convert the accepted regions to markers, then export every target; the files written."""
    reaper = loop.reaper
    reaper.run("Convert accepted regions to sync markers")
    reaper.until(lambda: loop.project.markers, timeout_s=60.0)
    loop.settle()
    console.print(f"\n{escape(reaper.status.help_line.removeprefix('ReaTrieve: '))}")
    folder = out / "export"
    before = set(folder.rglob("*")) if folder.is_dir() else set()
    reaper.answer([str(folder), "all", "source", "", "0", "yes"])
    said = len(reaper.status.help_history)
    reaper.run("Export sync files")
    reaper.until(
        lambda: any("file" in line or "nothing exported" in line for line in reaper.status.help_history[said:]),
        timeout_s=120.0,
    )
    loop.settle()
    console.print(escape(reaper.status.help_line.removeprefix("ReaTrieve: ")))
    return sorted(path for path in set(folder.rglob("*")) - before if path.is_file()) if folder.is_dir() else []


def _marks(tally: Tally, truth: Truth | None, example: Span) -> list[Mark]:
    """The example, what was answered, and with ``truth`` what was missed."""
    from reatrieve.cli.timeline import Mark

    kinds: dict[Verdict, MarkKind] = {"accept": "accepted", "reject": "rejected", "skip": "skipped"}
    marks = [Mark(example, "example", "E")]
    accepted = 0
    for verdict, span in tally.history:
        accepted += verdict == "accept"
        marks.append(Mark(span, kinds[verdict], str(accepted) if verdict == "accept" else ""))
    if truth is not None:
        missed = set(range(len(truth.occurrences))) - truth.credited - {truth.example}
        marks += [Mark(truth.occurrences[index], "missed") for index in sorted(missed)]
    return marks


def _finish_picture(
    loop: Loop, tally: Tally, truth: Truth | None, example: Span, audio: Path, out: Path, console: Console
) -> None:
    """Draw and print the time line."""
    from reatrieve.audio.stitch import TrackAudio
    from reatrieve.audio.trackmap import TrackMap
    from reatrieve.cli.timeline import picture, text_line

    marks = _marks(tally, truth, example)
    track = TrackAudio(TrackMap.of_file(audio))
    samples = track.read(0.0, track.map.duration_s, 22050, mono=True).reshape(-1)
    console.print("\n" + text_line(marks, duration_s=len(samples) / 22050))
    console.print("[dim]E example   █ accepted   x rejected   - skipped   o missed[/]")
    found = f"found {truth.found} of {truth.n_others}" if truth else f"accepted {tally.accepted}"
    caption = f"{found}, {tally.rejections} rejected on the way; {loop.project.path.name if loop.project.path else ''}"
    title = f"{audio.name}: one sound marked, its other places found"
    picture(marks, samples, rate_hz=22050, title=title, caption=caption).save(out / "demo.png")


def _summary(
    tally: Tally,
    truth: Truth | None,
    median: float | None,
    duration_s: float,
    written: list[Path],
    out: Path,
    console: Console,
) -> None:
    found = f"found {truth.found} of {truth.n_others}" if truth else f"accepted {tally.accepted}"
    speed = "" if median is None else f", median {median:.0f} ms from answer to next region"
    counts = f"{plural(tally.rejections, 'rejection')}, {plural(tally.answers, 'answer')}"
    console.print(f"\n[b]{found}[/] in {duration_s:.0f} s of audio, {counts}{speed}")
    if written:
        console.print(f"{len(written)} sync files in {escape(str(out / 'export'))}")
    console.print(f"everything is in {escape(str(out))}: demo.rpp (open it in REAPER), demo.png, the journal")


def _line(number: int, shown: Shown) -> str:
    region, candidate = shown.region, shown.candidate
    return (
        f"{number:3}  {clock(region.start_s)} - {clock(region.end_s)}  score {candidate.score:6.3f}  "
        f"{candidate.probability:4.0%}"
    )
