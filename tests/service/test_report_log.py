"""``report.log``: what is in the log without the user's names, and a bug report that holds none."""

import logging
import re
import secrets
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from reatrieve.bridge.messages import Candidate, Export, Exported, ExportedEnd, Failed, Find, Rename, Saved
from reatrieve.cli.daemon_log import DaemonLog
from reatrieve.errors import AudioError, InputError
from reatrieve.reported import HOST, VERSION, Ours, ours_if, reported
from reatrieve.setup.bundle import write_bundle
from service.client import make_item, make_track

NAMES = [
    "Müller Hochzeit",
    'Müller: Hochzeit\'s "Lied"',
    "Müller.wav Hochzeit.flac",
    "C:Müller\\Hochzeit",
    "\\\\?\\C:\\Müller\\Hochzeit.wav",
    "..\\Müller Hochzeit.rpp",
    "Müller Hochzeit-1234.journal.jsonl",
    "%USERPROFILE%\\Müller (Hochzeit)",
    "Müller> <Hochzeit",
    "%s Müller failed: Hochzeit",
]
PRIVATE = ("üller", "ochzeit", "Lied", "USERPROFILE")


@pytest.fixture
def log(tmp_path):
    """The daemon's log in ``logs``, of all that it says."""
    logs = tmp_path / "logs"
    logs.mkdir()
    handler, package = DaemonLog(logs / "daemon.log"), logging.getLogger("reatrieve")
    before = package.level
    package.setLevel(logging.DEBUG)
    package.addHandler(handler)
    yield handler
    package.removeHandler(handler)
    package.setLevel(before)
    handler.close()


@pytest.fixture
def session():
    return secrets.token_hex(16)


def in_bundle(settings):
    target = settings.home.parent / "report.zip"
    write_bundle(target, "", settings, [])
    with zipfile.ZipFile(target) as bundle:
        return {name: bundle.read(name).decode("utf-8") for name in bundle.namelist()}


def on_disk(name):
    """A name that this system's files may have."""
    return re.sub(r'[\\/:*?"<>|%]', "_", name)


@pytest.mark.parametrize("name", NAMES)
def test_no_name_of_a_refused_session_is_in_a_bundle(start, connect, tmp_path, session, log, name):
    daemon = start()
    folder = tmp_path / on_disk(name)
    folder.mkdir()
    track, project = make_track(folder / f"{on_disk(name)}.wav"), str(folder / f"{on_disk(name)}.rpp")
    client = connect(daemon.home)
    client.find(session, track, 1.0, 1.5, label=name, project=project)
    client.answer(client.wait(Candidate), "accept")
    client.wait(Candidate)
    export = Export(session, str(folder), "json", "source", "", 0.0, "start", 0.0, 0, 0)
    client.send(export)
    Path(client.wait(Exported).path).write_text("mine", encoding="utf-8")
    client.wait(ExportedEnd)
    client.send(make_item(f"{session}-2", track))
    refused = (
        Find(f"{session}-2", name, project, "{T}", 1.0, 1.5, 10, name, 1),
        Saved(session, name),
        Rename(f"{session}-3", "op", name),
        export,  # what it writes is there
        replace(export, folder=name),
        replace(export, audio="render", audio_path=str(track), audio_start_s=100.0),
    )
    for command in refused:
        client.send(command)
        client.wait(Failed)
    log.flush()
    texts = in_bundle(daemon.settings)
    assert not [word for word in PRIVATE for text in texts.values() if word in text]
    assert texts["report.log"].count(" failed: <") == len(refused)
    kept = (tmp_path / "logs" / "daemon.log").read_text(encoding="utf-8")
    assert on_disk(name) in kept
    assert len(kept.splitlines()) == len(texts["report.log"].splitlines())


def raised(error):
    try:
        raise error
    except type(error) as caught:
        return caught


def record(text, *arguments, error=None):
    information = None if error is None else (type(error), error, error.__traceback__)
    return logging.LogRecord("reatrieve.x", logging.INFO, "x.py", 1, text, arguments, information)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (record("%s: %d of %.2f s, %r", Ours("find"), 3, 1.5, None), "find: 3 of 1.50 s, None"),
        (record("%s", "Song"), "<text #>"),
        (record("%r", "Song"), "'<text #>'"),
        (record("%.300s!", "Song.wav"), "<text #.wav>!"),
        (record("in %s", Path("/x/Song.wav Geheim.flac")), "in <path #.flac>"),
        (record("in %s", Path("Song.Geheim")), "in <path #>"),
        (record("%s", {"Song": 1}), "<text #>"),
        (record("not kept (%s)", "Permission denied"), "not kept (Permission denied)"),
        (record("%s", InputError("Song")), "<InputError>"),
        (record("%s", raised(AudioError("Song"))), f"<AudioError at {__name__}:# raised>"),
        (record("%s", OSError(13, "Song", "Song")), "<PermissionError EACCES>"),
        (record("fault", error=raised(KeyError("Song"))), f"fault [KeyError at {__name__}:# raised]"),
        (record("100 % Song"), "100 % Song"),
    ],
)
def test_a_reported_line_holds_our_words_numbers_and_places(line, told):
    assert re.sub(r"\b[0-9a-f]{6}\b|(?<=:)\d+(?= raised)", "#", reported(line)) == told


VERSIONS = ["0.1.0", "1.2.3rc1", "1.2.3.dev4", "5.4", "5"]
HOSTS = [
    *("REAPER 7.80", "REAPER 7.80/linux-x86_64", "REAPER 6.02/x64", "REAPER 7.0rc5/macOS-arm64", "REAPER 6.17/OSX64"),
    *("REAPER 7.22+dev0901/linux-aarch64", "REAPER 6.82/win64", "REAPER 6.83/linux-armv7l"),
]
NO_VERSIONS = ["", "Song", "1.2.3 Song", "1.2.3\n", "1.2.3-Song", "1.2.3rc1Song", "١.٢"]
NO_HOSTS = ["REAPER", "Song 7.80", "REAPER 7.80/Song", "REAPER 7.80/x64 Song", "7.80"]


@pytest.mark.parametrize(
    ("form", "text", "stays"),
    [
        *((form, text, True) for form, texts in ((VERSION, VERSIONS), (HOST, HOSTS)) for text in texts),
        *((form, text, False) for form, texts in ((VERSION, NO_VERSIONS), (HOST, NO_HOSTS)) for text in texts),
    ],
)
def test_only_what_has_the_form_of_a_version_counts_as_ours(form, text, stays):
    assert reported(record("script %s", ours_if(form, text))).startswith("script <text ") is not stays


def test_a_fault_is_told_with_what_it_came_from():
    try:
        try:
            raise KeyError("Song")
        except KeyError as error:
            raise ValueError("Song") from error
    except ValueError as error:
        (said,) = re.findall(r"\[(.*)\]", reported(record("fault", error=error)))
    assert [re.sub(r":\d+ .*", "", one) for one in said.split("; from ")] == [
        f"ValueError at {__name__}",
        f"KeyError at {__name__}",
    ]


def test_the_same_name_has_the_same_number():
    one, same, other = (reported(record("%s", name)) for name in ("Song", "Song", "Lied"))
    assert one == same != other
