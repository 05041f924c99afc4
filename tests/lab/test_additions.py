"""Finished sessions become rows of a data set, and the data set can be evaluated."""

from __future__ import annotations

import dataclasses
import errno
import os
from pathlib import Path

import pytest
import soundfile

from faults import files_of_at_most
from reatrieve.audio.trackmap import TrackItem, TrackMap
from reatrieve.cli import main
from reatrieve.errors import AudioError, InputError
from reatrieve.journal import Header, Journal
from reatrieve.lab.additions import add_session
from reatrieve.lab.dataset import load_dataset
from reatrieve.session.events import Answered, Finished, Proposed, Renamed, Started
from reatrieve.session.spans import Span


def journal(path: Path, track_map: TrackMap, *, finished: bool = True) -> Path:
    with Journal.create(path, Header("s1", track_map)) as made:
        made.append(Started(Span(1.0, 2.0), "bleep", 10, "default"))
        verdicts = {4.0: "accept", 6.0: "reject", 8.5: "accept", 10.5: "skip"}
        for number, (start_s, verdict) in enumerate(verdicts.items(), start=1):
            span = Span(start_s, start_s + 1.0)
            made.append(Proposed(number, span, 1.0, 0.5, 1.0))
            made.append(Answered(number, verdict, span))
        if finished:
            made.append(Finished())
    return path


@pytest.fixture
def source(bleeps: Path) -> Path:
    return bleeps / "audio" / "one.wav"


def test_a_session_over_a_file_takes_the_file_along(tmp_path, source, capsys):
    made = journal(tmp_path / "s1.journal.jsonl", TrackMap.of_file(source))
    folder = tmp_path / "my data"
    assert main(["dataset", "add", str(made), "--to", str(folder)]) == 0
    assert capsys.readouterr().out == "one.wav: bleep, 3 occurrences, 1 near\n"
    (sound,) = load_dataset(folder, strict=True).sounds
    assert sound.occurrences == (Span(1.0, 2.0), Span(4.0, 5.0), Span(8.5, 9.5))
    assert sound.near == (Span(10.5, 11.5),)
    assert (folder / "audio" / "one.wav").read_bytes() == source.read_bytes()
    assert main(["evaluate", str(folder), "--budget", "2"]) == 0
    assert "1 sound, 2 sessions" in capsys.readouterr().out


def test_the_same_class_twice_is_refused_and_another_annotator_is_not(tmp_path, source):
    made = journal(tmp_path / "s1.journal.jsonl", TrackMap.of_file(source))
    add_session(made, tmp_path / "d")
    with pytest.raises(InputError, match=r"already annotated in one\.wav"):
        add_session(made, tmp_path / "d")
    add_session(made, tmp_path / "d", annotator="ann")
    add_session(made, tmp_path / "d", label="chirp", annotator="ann")
    assert [sound.name for sound in load_dataset(tmp_path / "d").sounds] == ["bleep", "bleep (ann)", "chirp (ann)"]


def test_a_sound_that_was_named_later_is_not_doubled(tmp_path, source, capsys):
    made, folder = journal(tmp_path / "s1.journal.jsonl", TrackMap.of_file(source)), tmp_path / "d"
    add_session(made, folder)
    table = folder / "annotations.csv"
    table.write_text(table.read_text(encoding="utf-8").replace("4.000000,5.000000,,", "4.000000,5.000000,sample,-3"))
    with Journal.open(made) as again:
        again.append(Renamed("zap"))
    assert main(["dataset", "add", str(made), "--to", str(folder)]) == 0
    assert "note: its rows were called bleep, and are called zap now" in capsys.readouterr().out
    rows = table.read_text(encoding="utf-8").splitlines()[1:]
    assert rows == [
        "one.wav,zap,1.000000,2.000000,,,",
        "one.wav,zap,4.000000,5.000000,sample,-3,",
        "one.wav,zap,8.500000,9.500000,,,",
        "one.wav,zap,10.500000,11.500000,,,near",
    ]


def test_places_that_another_class_has_are_told_and_stay(tmp_path, source, capsys):
    made, folder = journal(tmp_path / "s1.journal.jsonl", TrackMap.of_file(source)), tmp_path / "d"
    add_session(made, folder)
    told = "note: some of its places stand there as bleep, too; remove those rows if that is the same sound"
    assert main(["dataset", "add", str(made), "--to", str(folder), "--label", "zap"]) == 0
    assert told in " ".join(capsys.readouterr().out.split())
    table = folder / "annotations.csv"
    kept = [line for line in table.read_text(encoding="utf-8").splitlines() if ",zap," not in line]
    table.write_text("\n".join([*kept, "one.wav,bleep,20.0,21.0,,,"]) + "\n", encoding="utf-8")  # somebody's own
    with Journal.open(made) as again:
        again.append(Renamed("zap"))
    assert main(["dataset", "add", str(made), "--to", str(folder)]) == 0
    assert told in " ".join(capsys.readouterr().out.split())
    (bleep, zap) = (sum(f",{name}," in line for line in table.read_text().splitlines()) for name in ("bleep", "zap"))
    assert (bleep, zap) == (5, 4)


def test_rows_that_are_there_stay_as_they_are(tmp_path, source, bleeps):
    folder = tmp_path / "d"
    (folder / "audio").mkdir(parents=True)
    text = "file;class;start;end;mood\none.wav;other;3,5;4,5;dark\nbroken;row\n"
    (folder / "annotations.csv").write_text(text, encoding="utf-8")
    add_session(journal(tmp_path / "s1.journal.jsonl", TrackMap.of_file(source)), folder)
    lines = (folder / "annotations.csv").read_text(encoding="utf-8").splitlines()
    assert lines[:3] == ["file;class;start;end;mood;flag", "one.wav;other;3,5;4,5;dark;", "broken;row;;;;"]
    assert len(load_dataset(folder).sounds) == 2


def test_other_audio_of_the_same_name_is_refused(tmp_path, source):
    folder = tmp_path / "d"
    (folder / "audio").mkdir(parents=True)
    (folder / "audio" / "one.wav").write_bytes(b"else")
    made = journal(tmp_path / "s1.journal.jsonl", TrackMap.of_file(source))
    with pytest.raises(InputError, match="choose another --name"):
        add_session(made, folder)
    assert not (folder / "annotations.csv").exists()
    assert add_session(made, folder, name="two").file == "two.wav"


@pytest.mark.parametrize("is_section", [False, True])
def test_a_file_can_be_named_where_it_lies(tmp_path, source, is_section):
    whole = TrackMap.of_file(source)
    if is_section:  # as REAPER's scripts send an item that plays all of its file
        whole = TrackMap((dataclasses.replace(whole.items[0], section_length_s=whole.items[0].length_s),))
    made = journal(tmp_path / "s1.journal.jsonl", whole)
    add_session(made, tmp_path / "d", reference=True)
    data = load_dataset(tmp_path / "d")
    assert data.recordings[0].path == source.resolve()
    assert not (tmp_path / "d" / "audio").exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="has no way to make a disk of this size")
def test_a_full_disk_is_told_and_nothing_half_written_stays(tmp_path, source):
    whole = TrackMap.of_file(source).items[0]
    made = journal(tmp_path / "s1.journal.jsonl", TrackMap((dataclasses.replace(whole, length_s=6.0),)))
    with files_of_at_most(20_000), pytest.raises(AudioError, match=r"cannot write .*s1\.flac"):
        add_session(made, tmp_path / "d")
    assert not [path for path in (tmp_path / "d").rglob("*") if path.is_file()]


@pytest.mark.parametrize("before", ["nothing", "empty folders", "a session"])
def test_audio_that_no_table_can_name_goes_again(tmp_path, source, monkeypatch, before):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    data = tmp_path / "new" / "d"
    if before == "empty folders":
        (data / "audio").mkdir(parents=True)
    elif before == "a session":
        add_session(journal(tmp_path / "s0.journal.jsonl", TrackMap.of_file(source)), data, label="other")
    there = sorted(tmp_path.rglob("*"))
    made = journal(tmp_path / "s1.journal.jsonl", TrackMap.of_file(source))
    with monkeypatch.context() as patch:
        patch.setattr("reatrieve.lab.additions.write_whole", full)
        with pytest.raises(AudioError, match=r"cannot write .*annotations\.csv: No space"):
            add_session(made, data, name="one")
    assert sorted(tmp_path.rglob("*")) == sorted([*there, made])
    add_session(made, data, name="one")


def test_a_track_of_more_than_a_file_is_mixed(tmp_path, source):
    whole = TrackMap.of_file(source).items[0]
    items = (
        dataclasses.replace(whole, position_s=100.0, length_s=6.0),
        TrackItem(source, 106.0, 6.0, offset_s=6.0),
    )
    made = journal(tmp_path / "s1.journal.jsonl", TrackMap(items))
    added = add_session(made, tmp_path / "d")
    assert added.rendered
    assert added.file == "s1.flac"
    assert soundfile.info(tmp_path / "d" / "audio" / "s1.flac").duration == pytest.approx(12.0)
    assert load_dataset(tmp_path / "d", strict=True).sounds[0].occurrences[0] == Span(1.0, 2.0)
    with pytest.raises(InputError, match="choose another --name"):
        add_session(made, tmp_path / "d", label="again")


def test_a_session_that_is_not_over_is_refused_unless_asked_for(tmp_path, source):
    made = journal(tmp_path / "s1.journal.jsonl", TrackMap.of_file(source), finished=False)
    with pytest.raises(InputError, match="--unfinished"):
        add_session(made, tmp_path / "d")
    assert add_session(made, tmp_path / "d", unfinished=True).occurrences == 3
