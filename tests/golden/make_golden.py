"""Makes the golden files of the version that it runs with: ``python tests/golden/make_golden.py``; see README.md.

Run once for a version, before anything that it writes changes. It refuses to replace what is there.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from golden.goldens import (
    AUDIO_NAME,
    FOLDER,
    REAPERS,
    Rig,
    opened_project,
    render,
    told_accepted,
    told_events,
    told_journal,
    told_script_settings,
    told_settings,
)
from reatrieve import __version__
from reatrieve.audio.trackmap import TrackItem, TrackMap
from reatrieve.cli import main as reatrieve
from reatrieve.journal import Header, Journal
from reatrieve.session.events import (
    Answered,
    BudgetRaised,
    Finished,
    Proposed,
    Renamed,
    Retracted,
    Revised,
    Started,
    Undone,
)
from reatrieve.session.spans import Span
from signals import repeats, write_sound

MADE_S = 1700000000.25
"""The time of day in every golden file."""
TEMPO = (
    {"time_s": 0.0, "bpm": 120.5, "numerator": 4, "denominator": 4, "fullbeats": 0.0, "measure": 0},
    {"time_s": 9.9585062240664, "bpm": 93.25, "numerator": 3, "denominator": 4, "fullbeats": 20.0, "measure": 5},
)
SETTINGS = """\
# golden
port = 7777
host = 127.0.0.1
udp = no
spool = /project/spool folder
token = a token
open_controllers = yes
cache = /project/cache
cache_size_mb = 123
journals = /project/Sitzungen für alle
logs = /project/logs
retriever = paper
verbose = on
"""
SCRIPT_SETTINGS = {
    "budget": "3", "more": "7", "audition": "no", "lead_in_s": "0.5", "loop": "yes", "solo": "yes",
    "keep_rejected": "yes", "deleted_candidate": "reject", "marker_at": "both", "anchor": "peak", "nudge_ms": "-3",
    "snap": "4", "marker_template": "{pattern} {n:3} ß",
    "carrier": "spool", "home": "/project/home folder", "retriever": "paper",
}  # fmt: skip
"""Of the menu: none of them the default."""
REMEMBERED = {"tooltip": "no", "probe": "no", "export_targets": "json,wav", "export_audio": "render"}


def write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def masked(text: str, *folders: Path) -> str:
    """``text`` with a fixed time of day, and without this machine's folders."""
    for folder in folders:
        text = text.replace(json.dumps(str(folder), ensure_ascii=False)[1:-1], "/project").replace(
            folder.as_posix(), "/project"
        )
    return re.sub(r'"t":\d+(\.\d+)?', f'"t":{MADE_S}', text)


# journals -------------------------------------------------------------------------------------------------------------


def proposed(number: int, start_s: float, *, length_s: float = 1.0, probability: float = 0.9) -> Proposed:
    return Proposed(number, Span(start_s, start_s + length_s), 0.123456789 * number, probability, 7.25 - number)


def answered(number: int, verdict: Any, start_s: float, *, length_s: float = 1.0) -> Answered:
    return Answered(number, verdict, Span(start_s, start_s + length_s))


def make_journals(folder: Path) -> None:
    folder.mkdir()
    one = TrackMap((TrackItem(Path("/project/audio/drums.flac"), 0.0, 60.0),))
    several = TrackMap(
        (
            TrackItem(Path("/project/Musik für Ölfässer/a b.wav"), 12.5, 30.0, gain=-0.3, loop=True, guid="{A}"),
            TrackItem(
                Path("/project/audio/two.ogg"), 44.0, 10.0, offset_s=1.5, rate=1.25, reverse=True, section_start_s=2.0,
                section_length_s=4.0, channel_mode=2, pan=0.25, fade_in_s=0.01, fade_out_s=0.5, guid="{B}",
            ),
        )
    )  # fmt: skip
    all_events = [
        Started(Span(0.1, 1.1), "Kick – 拍", 10, "default"),
        proposed(1, 3.0),
        answered(1, "accept", 3.01),
        proposed(2, 5.0, probability=0.5),
        answered(2, "reject", 5.0),
        Undone(2),
        answered(2, "skip", 5.0),
        proposed(3, 7.0),
        answered(3, "accept", 7.0),
        Revised(1, Span(3.02, 4.25)),
        Retracted(3),
        BudgetRaised(10),
        Renamed('Große Trommel "1" / 鼓'),
        proposed(4, 9.0, probability=0.25),
        answered(4, "reject", 9.0),
    ]
    sessions: dict[str, tuple[Header, list[Any]]] = {
        "answered": (Header("5f0c-answered", one, created_s=MADE_S), all_events[:5]),
        "open": (
            Header("{1B4E28BA-2FA1-11D2-883F-0016D3CCA427}".strip("{}"), several, "/project/Übung 1.rpp",
                   "{5F0C0F5C-AB6A-4F3B-8F5B-2F1B3C4D5E6F}", TEMPO, MADE_S),
            [*all_events, proposed(5, 11.0)],
        ),
        "finished": (Header("finished", several, "C:\\Projekte\\Übung 1.rpp", "{T}", TEMPO, MADE_S),
                     [*all_events, Finished()]),
        "taken-back-and-reopened": (
            Header("reopened", one, "/project/Übung 1.rpp", "{T}", (), MADE_S),
            [*all_events, Finished(), BudgetRaised(5), Undone(4), answered(4, "accept", 9.125, length_s=0.5)],
        ),
        "budget-used-up": (
            Header("used-up", one, "/project/other.rpp", "{T}", (), MADE_S),
            [Started(Span(0.0, 0.5), "", 1, "paper"), proposed(1, 3.0, length_s=0.5), answered(1, "reject", 3.0)],
        ),
        "only-started": (
            Header("started", one, "/project/other.rpp", "{T}", (), MADE_S),
            [Started(Span(2.0, 2.05), "short", 10, "mfcc-nn")],
        ),
    }  # fmt: skip
    for name, (header, events) in sessions.items():
        path = folder / f"{name}.journal.jsonl"
        with Journal.create(path, header, events=events[:1], now=lambda: MADE_S) as journal:
            for number, event in enumerate(events[1:]):
                journal.append(event, op=f"op-{number}" if number % 2 else "")
    whole = (folder / "open.journal.jsonl").read_bytes()
    (folder / "torn.journal.jsonl").write_bytes(whole[:-40])
    make_found_journal(folder / "found.journal.jsonl")
    write_json(folder / "expected.json", {path.name: told_journal(path) for path in sorted(folder.glob("*.jsonl"))})


def make_found_journal(target: Path) -> None:
    """A session of ``reatrieve find``, answered by a person."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        song = write_sound(
            folder / "Stück 1.flac", repeats([2.0, 5.5, 9.25, 14.0, 21.0, 26.5], rate_hz=44100, duration_s=30.0), 44100
        )
        os.environ.update(REATRIEVE_HOME=str(folder / "home"), REATRIEVE_CACHE=str(folder / "cache"))
        sys.stdin = io.StringIO("y\ny 21.1 21.4\nn\nu\ns\ny\nn\nq\n")
        path = folder / "s.jsonl"
        arguments = ["--start", "2", "--end", "2.5", "--label", "Zäp", "--journal", str(path)]
        assert reatrieve(["find", str(song), *arguments]) == 0
        text = masked(path.read_text(encoding="utf-8"), folder)
        target.write_bytes(re.sub(r'"session":"\w+"', '"session":"found"', text).encode())


# projects -------------------------------------------------------------------------------------------------------------


def make_project(folder: Path, version: str) -> None:
    """Two sounds: one with every answer, finished; one that is open."""
    stem = f"reaper-{version}"
    with tempfile.TemporaryDirectory() as name:
        work = Path(name).resolve()
        with Rig(work, version, spans=[(2.0 * k, 2.0 * k + 1.0) for k in range(1, 9)]) as rig:
            assert rig.audio.name == AUDIO_NAME
            rig.set(keep_rejected="yes")
            rig.find()
            rig.reaper.answer(["Große Trommel – 拍"])
            rig.press("rename")
            rig.press("accept")
            rig.press("reject")
            rig.candidate().move(6.125, 7.25)
            rig.press("accept")
            rig.press("skip")
            rig.press("accept")
            rig.press("undo")
            rig.press("accept")
            rig.press("accept")
            next(one for one in rig.project.regions if one.start_s == 2.0).delete()
            rig.tick(6)
            next(one for one in rig.project.regions if one.start_s == 6.125).move(6.25, 7.25)
            rig.tick(6)
            rig.press("finish", 8)
            rig.find(17.5, 18.5)
            rig.press("accept")
            rig.press("reject")
            rig.project.add_region(18.75, 19.5, "the user's own")
            rig.project.set_tempo(93.25)
            rig.tick(5)
            rig.project.save(work / "song.rpp")
            rig.tick(10)
            sessions = list(rig.daemon.sessions.values())
            text = (work / "song.rpp").read_text(encoding="utf-8")
            text = re.sub(r"^(<REAPER_PROJECT \S+ \"[\d.]+)\S*\" \d+", r'\1/x64" 1700000000', text)
            assert str(work) not in text
            (folder / f"{stem}.rpp").write_bytes(text.encode())
        for session in sessions:
            item = TrackItem(Path("/project/audio") / AUDIO_NAME, 0.0, 20.0)
            header = Header(
                session.find.session, TrackMap((item,)), "/project/song.rpp", session.find.track, (), MADE_S
            )
            with Journal.create(work / f"{session.find.session}.jsonl", header, now=lambda: MADE_S) as journal:
                journal.append_all(session.events)  # type: ignore[arg-type]
                journal.copy_to(folder / f"{stem}.reatrieve")


def make_projects(folder: Path) -> None:
    folder.mkdir()
    expected: dict[str, Any] = {}
    for version in REAPERS:
        make_project(folder, version)
    for path in sorted(folder.glob("*.rpp")):
        expected[path.name] = {"accepted": told_accepted(path)}
        for version in REAPERS:
            with tempfile.TemporaryDirectory() as name:
                expected[path.name][f"opened by {version}"] = opened_project(path, Path(name), version)
    write_json(folder / "expected.json", expected)


# settings -------------------------------------------------------------------------------------------------------------


def make_settings(folder: Path) -> None:
    folder.mkdir()
    (folder / "settings.txt").write_text(SETTINGS, encoding="utf-8")
    with tempfile.TemporaryDirectory() as name:
        with Rig(Path(name), "7.72") as rig:
            rig.set(home="")
            rig.set(**SCRIPT_SETTINGS, **REMEMBERED)
            told = told_script_settings(rig)
        text = (Path(name) / "reaper" / "reaper-extstate.ini").read_text(encoding="utf-8")
        lines = [line for line in text.splitlines() if not line.startswith("client_")]  # the machine's own
        (folder / "reaper-extstate.ini").write_text("\n".join(lines) + "\n", encoding="utf-8")
    write_json(folder / "expected.json", {"settings.txt": told_settings(folder), "reaper-extstate.ini": told})


# sync JSON ------------------------------------------------------------------------------------------------------------

REGIONS = (
    "#,Name,Start,End,Length\n"
    'R1,"Große Trommel, ""1""",0:00.000,0:01.250,0:01.250\nM1,drop,0:03.500,,\nR2,サビの前,0:04.000,0:09.125,0:05.125\n'
    "R3,riser 2,0:19.000,0:20.000,0:01.000\n"
)


def make_sync(folder: Path) -> None:
    folder.mkdir()
    golden = folder.parent
    with tempfile.TemporaryDirectory() as name:
        audio = render(Path(name))
        regions = Path(name) / "regions.csv"
        regions.write_text(REGIONS, encoding="utf-8")
        journals = golden / "journals"
        common = ["--audio", str(audio), "--to", "json", "--out", str(folder)]
        for stem, arguments in {
            "regions": ["--regions", str(regions), "--bpm", "93.25"],
            "regions-no-tempo": ["--regions", str(regions), "--anchor", "peak", "--nudge-ms", "-3"],
            "session": [str(journals / "open.journal.jsonl"), "--audio-start", "12.5", "--label", "{pattern}/{n:2}"],
            "session-no-project": [str(journals / "answered.journal.jsonl")],
            "project": ["--rpp", str(golden / "projects" / "reaper-7.72.rpp"), "--snap", "4"],
        }.items():
            assert reatrieve(["export", *arguments, *common, "--name", stem]) == 0
    write_json(folder / "expected.json", {path.name: told_events(path) for path in sorted(folder.glob("*.sync.json"))})


def main() -> int:
    folder = FOLDER / f"v{__version__}"
    if folder.exists():
        print(f"{folder} is there already; golden files are made once for a version", file=sys.stderr)
        return 1
    folder.mkdir()
    try:
        make_journals(folder / "journals")
        make_projects(folder / "projects")
        make_settings(folder / "settings")
        make_sync(folder / "sync")
    except BaseException:
        shutil.rmtree(folder)
        raise
    return 0


if __name__ == "__main__":
    sys.exit(main())
