from __future__ import annotations

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile

from reatrieve.annotations.files import read_annotations
from reatrieve.audio.trackmap import TrackItem, TrackMap
from reatrieve.cli import main
from reatrieve.journal import Header, Journal
from reatrieve.session.events import Answered, Proposed, Retracted, Started
from reatrieve.session.spans import Span
from signals import noise, write_sound

RATE_HZ = 44100
TEMPO = ({"time_s": 0.0, "bpm": 120.0, "numerator": 4, "denominator": 4, "fullbeats": 0.0, "measure": 0},)


@pytest.fixture
def song(tmp_path) -> Path:
    return write_sound(tmp_path / "song.wav", noise(RATE_HZ * 10), RATE_HZ)


def journal(path: Path, song: Path, label: str = "riser", *, position_s: float = 4.0) -> Path:
    """Example at 1 s, candidates at 3 s (accepted), 5 s (rejected), 7 s (retracted)."""
    header = Header("abc", TrackMap((TrackItem(song, position_s, 10.0),)), "", "{T}", TEMPO)
    with Journal.create(path, header) as made:
        made.append(Started(Span(1.0, 1.5), label, 10, "default"))
        for number, (start_s, verdict) in enumerate(((3.0, "accept"), (5.0, "reject"), (7.0, "accept")), start=1):
            span = Span(start_s, start_s + 0.5)
            made.append(Proposed(number, span, 1.0, 0.25 * number, 1.0))
            made.append(Answered(number, verdict, span))
        made.append(Retracted(3))
    return path


def test_a_journal_is_exported(song, tmp_path, capsys):
    path = journal(tmp_path / "s.journal.jsonl", song)
    assert main(["export", str(path), "--to", "json,audacity", "--out", str(tmp_path / "o")]) == 0
    out = capsys.readouterr().out
    assert "2 events in 2 files" in out
    assert str(tmp_path / "o" / "song.labels.txt") in out
    data = json.loads((tmp_path / "o" / "song.sync.json").read_text(encoding="utf-8"))
    assert [(e["start_frame"], e["label"], e.get("score"), e["source_region_id"]) for e in data["events"]] == [
        (44100, "riser", None, "abc:0"),
        (3 * 44100, "riser", 0.25, "abc:1"),
    ]
    assert data["audio"]["project_start_seconds"] == 4.0
    assert (data["events"][0]["bar"], data["events"][0]["beat"]) == (3, 3.0)


def test_audio_written_after_the_search_is_told(song, tmp_path, capsys):
    path = journal(tmp_path / "s.journal.jsonl", song)
    assert main(["export", str(path), "--out", str(tmp_path / "o")]) == 0
    assert "after the search" not in capsys.readouterr().out
    os.utime(song, (2e9, 2e9))
    assert main(["export", str(path), "--out", str(tmp_path / "o")]) == 0
    assert "note: song.wav was written after the search" in capsys.readouterr().out


def test_two_journals_of_one_track_go_into_one_file(song, tmp_path):
    one = journal(tmp_path / "1.journal.jsonl", song)
    two = journal(tmp_path / "2.journal.jsonl", song, "stab")
    assert main(["export", str(one), str(two), "--out", str(tmp_path / "o"), "--bpm", "60"]) == 0
    data = json.loads((tmp_path / "o" / "song.sync.json").read_text(encoding="utf-8"))
    assert [t["label"] for t in data["tracks"]] == ["riser", "stab"]
    assert data["tempo_map"][0]["bpm"] == 60


def test_journals_of_two_files_are_exported_apart(song, tmp_path, capsys):
    other = write_sound(tmp_path / "other.wav", noise(RATE_HZ * 10, seed=2), RATE_HZ)
    one, two = journal(tmp_path / "1.journal.jsonl", song), journal(tmp_path / "2.journal.jsonl", other)
    assert main(["export", str(one), str(two), "--out", str(tmp_path / "o")]) == 2
    error = capsys.readouterr().err
    assert f"the journals searched different files: {song}, {other}; export them apart" in error
    assert main(["export", str(one), str(two), "--audio", str(song), "--audio-start", "4", "--out", str(tmp_path)]) == 0


def test_regions_with_a_render(song, tmp_path):
    regions = tmp_path / "r.csv"
    regions.write_text("#,Name,Start,End,Length\nR1,riser 1,0:11.0,0:12.0,0:01.0\nM1,drop,0:13.0,,\n", encoding="utf-8")
    arguments = ["export", "--regions", str(regions), "--audio", str(song), "--audio-start", "10", "--to", "wav",
                 "--label", "{pattern}/{n:2}", "--out", str(tmp_path)]  # fmt: skip
    assert main(arguments) == 0
    found = read_annotations(tmp_path / "song.cues.wav")
    assert [(a.start_s, a.end_s, a.label) for a in found] == [(1.0, 2.0, "riser/01"), (3.0, 3.0, "drop/01")]


def test_regions_of_one_name_are_one_sound_and_bring_their_payload(song, tmp_path):
    regions = tmp_path / "r.csv"
    regions.write_text("start,end,name,payload\n1,2,Sound 1,lane=2\n3,4,Sound 1,\n", encoding="utf-8")
    arguments = ["--audio", str(song), "--out", str(tmp_path / "o")]
    assert main(["export", "--regions", str(regions), *arguments]) == 0
    made = tmp_path / "o" / "song.sync.json"
    rows = [(e["pattern"], e["payload"]) for e in json.loads(made.read_text(encoding="utf-8"))["events"]]
    assert rows == [("Sound 1", "lane=2"), ("Sound 1", "")]
    assert main(["export", "--regions", str(made), "--audio", str(song), "--out", str(tmp_path / "again")]) == 0
    again = (tmp_path / "again" / "song.sync.json").read_text(encoding="utf-8")
    assert again.replace("song.sync.json:", "r.csv:") == made.read_text(encoding="utf-8")


def test_one_source_after_the_other_is_added(song, tmp_path):
    sessions = journal(tmp_path / "s.journal.jsonl", song, position_s=0.0)
    regions = tmp_path / "r.csv"
    regions.write_text("start,end,name\n1,2,kick\n", encoding="utf-8")
    project = rpp(tmp_path)
    rest = ["--audio", str(song), "--out", str(tmp_path / "o"), "--add", "--force"]
    for source in ([str(sessions)], ["--regions", str(regions)], ["--rpp", str(project)]) * 2:
        assert main(["export", *source, *rest]) == 0
    made = json.loads((tmp_path / "o" / "song.sync.json").read_text(encoding="utf-8"))
    assert sorted(e["source_region_id"] for e in made["events"]) == [
        "abc:0", "abc:1", "r.csv:1.000000", "{A}", "{B}",
    ]  # fmt: skip


def test_a_sound_that_is_added_without_a_tempo_keeps_that_of_the_first(song, tmp_path, capsys):
    for name in ("kick", "snare"):
        start = {"kick": 3, "snare": 5}[name]
        (tmp_path / f"{name}.csv").write_text(f"start,end,name\n{start},{start + 1},{name}\n", encoding="utf-8")
    rest = ["--audio", str(song), "--out", str(tmp_path / "o"), "--add", "--force"]
    assert main(["export", "--regions", str(tmp_path / "kick.csv"), *rest, "--bpm", "140"]) == 0
    for options, bpm, bars in (([], 140, [2, 3]), (["--bpm", "60"], 60, [1, 2])):
        assert "that of song.sync.json goes on" not in capsys.readouterr().out
        assert main(["export", "--regions", str(tmp_path / "snare.csv"), *rest, *options]) == 0
        made = json.loads((tmp_path / "o" / "song.sync.json").read_text(encoding="utf-8"))
        assert [one["bpm"] for one in made["tempo_map"]] == [bpm]
        assert [one["bar"] for one in made["events"]] == bars
        told = "no tempo is known: that of song.sync.json goes on; reatrieve export takes --bpm"
        assert (told in " ".join(capsys.readouterr().out.split())) == (not options)


def rpp(folder: Path, *item_lines: str) -> Path:
    path = folder / "Level.rpp"
    lines = "\n".join(item_lines)
    path.write_text(
        f"""<REAPER_PROJECT 0.1 "7.17/linux-x86_64" 1700000000
  TEMPO 100 4 4
  MARKER 1 3 "riser 1" 1 0 1 B {{A}} 0
  MARKER 1 4 "" 1
  MARKER 2 6 other 1 0 1 B {{B}} 0
  MARKER 2 7 "" 1
  <TRACK {{T}}
    NAME "My Music"
    <ITEM
      POSITION 2
      LENGTH 10
{lines}
      <SOURCE WAVE
        FILE "song.wav"
      >
    >
  >
>
""",
        encoding="utf-8",
    )
    return path


def test_a_project_is_exported_without_reaper(song, tmp_path):
    path = rpp(tmp_path)
    out = tmp_path / "o"
    assert (
        main(["export", "--rpp", str(path), "--match", "riser*", "--out", str(out), "--to", "json", "--anchor", "peak"])
        == 0
    )
    data = json.loads((out / "song.sync.json").read_text(encoding="utf-8"))
    assert [(e["start_frame"], e["label"], e["source_region_id"]) for e in data["events"]] == [
        (44100, "riser 1", "{A}")
    ]
    assert data["tempo_map"][0]["bpm"] == 100
    assert main(["export", "--rpp", str(path), "--audio", "track", "--out", str(out), "--force"]) == 0
    data = json.loads((out / "song.sync.json").read_text(encoding="utf-8"))
    assert (len(data["events"]), data["audio"]["file"]) == (2, "song.track.wav")


def test_a_stretched_item_is_never_taken_for_its_file(song, tmp_path, capsys):
    path = rpp(tmp_path, "      PLAYRATE 1.5 1 0 -1 0 0.0025")
    assert main(["export", "--rpp", str(path), "--audio", "track", "--out", str(tmp_path / "o")]) == 2
    assert "only REAPER can play" in capsys.readouterr().err
    assert main(["export", "--rpp", str(path), "--out", str(tmp_path / "o")]) == 2
    assert "no source file can stand" in capsys.readouterr().err
    arguments = ["--audio", str(song), "--audio-start", "2", "--out", str(tmp_path / "o")]
    assert main(["export", "--rpp", str(path), *arguments]) == 0


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "name what to export"),
        (["x.jsonl", "--rpp", "y.rpp"], "one source at a time"),
        (["--regions", "gone.csv", "--to", "json"], "error: gone.csv: no such file; check the path"),
        (["--regions", "r.csv"], "name the audio that the game ships"),
        (["--regions", "r.csv", "--audio", "song.wav", "--to", "cubase"], "unknown target 'cubase'"),
        (["--regions", "r.csv", "--audio", "song.wav", "--bpm", "0"], "--bpm"),
        (["--regions", "r.csv", "--audio", "song.wav", "--audio-start", "nan"], "finite"),
        (["--regions", "r.csv", "--audio", "song.wav", "--audio-start", "5"], "outside song.wav"),
        (["--regions", "empty.csv", "--audio", "song.wav"], "empty.csv has no labels; there is nothing to export"),
        (["--regions", "r.csv", "--audio", "."], ". is a folder or a device; choose the audio that the game ships"),
        (["--regions", "r.csv", "--audio", "song.wav", "--name", "../x"], "has a folder in it"),
        (
            ["--regions", "r.csv", "--audio", "song.wav", "--audio-sha256", 64 * "0"],
            "the samples of song.wav do not have",
        ),
        (["--regions", "r.csv", "--audio", "song.wav", "--label", "{nope}"], "knows no {nope}"),
        (
            ["--regions", "r.csv", "--audio", "song.wav", "--label", "{label"],
            "the name template cannot be read at '{label'",
        ),
        (["gone.journal.jsonl", "--label", "{n:99999}"], "the name template cannot be read at '{n:99999}'"),
        (["gone.journal.jsonl"], "error: gone.journal.jsonl: no such file; check the path"),
        (["--rpp", "gone.rpp"], "error: gone.rpp: no such file; check the path"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(song, tmp_path, monkeypatch, capsys, arguments, reason):
    monkeypatch.chdir(tmp_path)
    Path("r.csv").write_text("1.0\t2.0\tx\n", encoding="utf-8")
    Path("empty.csv").write_text("", encoding="utf-8")
    assert main(["export", *arguments]) in (1, 2)
    error = capsys.readouterr().err
    assert error.startswith("reatrieve: error: ")
    assert error.count("\n") == 1
    assert reason.replace("\\", "") in error
    assert not list(tmp_path.glob("*.sync.json"))


def said_by(capsys, *words: object) -> str:
    return f"{main(['export', *map(str, words)])}: {capsys.readouterr().err}"


def test_the_audio_that_is_not_there_is_told_with_the_option_that_names_it(song, tmp_path, capsys):
    path, out = journal(tmp_path / "s.jsonl", song), tmp_path / "o"
    gone = tmp_path / "gone.wav"
    assert f"{gone}: no such file; check the path of --audio" in said_by(capsys, path, "--audio", gone, "--out", out)
    song.unlink()
    for words in ([], ["--audio", "source"]):
        told = said_by(capsys, path, *words, "--out", out)
        assert told == (
            f"1: reatrieve: error: {song}: no such file; name the audio that the game ships by --audio FILE\n"
        )


def test_source_render_and_track_are_what_the_guide_calls_them(song, tmp_path, capsys, monkeypatch):
    path = journal(tmp_path / "s.jsonl", song)
    assert main(["export", str(path), "--out", str(tmp_path / "default")]) == 0
    assert main(["export", str(path), "--audio", "source", "--out", str(tmp_path / "source")]) == 0
    made = [(tmp_path / name / "song.sync.json").read_bytes() for name in ("default", "source")]
    assert made[0] == made[1]
    assert "2: " in (told := said_by(capsys, path, "--audio", "render", "--out", tmp_path / "render"))
    assert "--audio wants the render itself" in told
    monkeypatch.chdir(tmp_path)
    song.with_name("render").write_bytes(song.read_bytes())
    assert main(["export", str(path), "--audio", "render", "--audio-start", "0:04", "--out", str(tmp_path / "r")]) == 0


def test_force_is_not_offered_where_it_would_not_help(song, tmp_path, capsys):
    path = tmp_path / "s.jsonl"
    with Journal.create(path, Header("abc", TrackMap.of_file(song))) as made:
        made.append(Started(Span(1.0, 1.5), "riser", 10, "default"))
        made.append(Proposed(1, Span(5.0, 5.5), 1.0, 0.5, 1.0))
        made.append(Answered(1, "accept", Span(5.0, 5.5)))
    for length_s, start, offered in ((4, "0", False), (6, "0", True), (30, "0", True), (30, "2", False)):
        other = write_sound(tmp_path / f"other{length_s}.wav", noise(RATE_HZ * length_s, seed=3), RATE_HZ)
        words = (path, "--audio", other, "--audio-start", start, "--out", tmp_path / f"o{length_s}{start}")
        told = said_by(capsys, *words)
        assert told.startswith(f"2: reatrieve: error: other{length_s}.wav lasts {length_s}.000 s, what was searched 10")
        assert ("--force" in told) == offered
        assert (main(["export", *map(str, words), "--force"]) == 0) == offered
        capsys.readouterr()


def test_where_there_is_nothing_to_export_or_convert_the_status_is_1(song, tmp_path, capsys):
    (tmp_path / "empty.csv").write_text("", encoding="utf-8")
    (tmp_path / "e.rpp").write_text('<REAPER_PROJECT 0.1 "7.0" 1\n>\n', encoding="utf-8")
    out = tmp_path / "o"
    told = said_by(capsys, "--regions", tmp_path / "empty.csv", "--audio", song, "--out", out)
    assert told.startswith("1: reatrieve: error: empty.csv has no labels")
    told = said_by(capsys, "--rpp", tmp_path / "e.rpp", "--audio", song, "--out", out)
    assert told.startswith("1: reatrieve: error: there is no accepted region to export")
    assert main(["convert", str(tmp_path / "empty.csv"), str(tmp_path / "o.txt")]) == 1


def test_convert_by_ending_and_by_name(tmp_path, capsys):
    source = tmp_path / "größe.txt"
    source.write_text("1.0\t2.0\tdög\n", encoding="utf-8")
    for name, extra in (("a.csv", []), ("a.tsv", []), ("a.jams", []), ("a.sv.csv", []), ("a.x", ["--to", "raven"])):
        out = tmp_path / name
        assert main(["convert", str(source), str(out), *extra]) == 0
        assert [(a.start_s, a.end_s, a.label) for a in read_annotations(out)] == [(1.0, 2.0, "dög")]
    assert "1 label as raven" in capsys.readouterr().out
    assert read_annotations(tmp_path / "a.tsv")[0].file == "größe.wav"


def test_labels_of_several_recordings_are_never_mixed(song, tmp_path, capsys):
    source, out = tmp_path / "in.tsv", tmp_path / "out.txt"
    rows = "a.wav\t1\t2\tdog\nsong.wav\t3\t4\tcat\n"
    source.write_text(f"filename\tonset\toffset\tevent_label\n{rows}", encoding="utf-8")
    assert main(["convert", str(source), str(out)]) == 2
    assert "labels of 2 recordings; choose one by --file: a.wav, song.wav" in capsys.readouterr().err
    assert main(["convert", str(source), str(out), "--file", "b.wav"]) == 2
    assert main(["convert", str(source), str(out), "--file", "song.wav"]) == 0
    assert [a.label for a in read_annotations(out)] == ["cat"]
    assert main(["convert", str(source), str(tmp_path / "all.tsv")]) == 0
    assert [a.file for a in read_annotations(tmp_path / "all.tsv")] == ["a.wav", "song.wav"]
    assert main(["export", "--regions", str(source), "--audio", str(song), "--out", str(tmp_path / "o")]) == 0
    made = json.loads((tmp_path / "o" / "song.sync.json").read_text(encoding="utf-8"))
    assert [e["label"] for e in made["events"]] == ["cat"]


def test_a_list_in_samples_counts_in_those_of_the_audio(song, tmp_path, capsys):
    regions, out = tmp_path / "r.csv", tmp_path / "o"
    regions.write_text("#,Name,Start,End,Length\nR1,a,44100,88200,44100\n", encoding="utf-8")
    arguments = ["export", "--regions", str(regions), "--audio", str(song), "--out", str(out)]
    assert main(arguments) == 2
    assert "--unit" in capsys.readouterr().err
    assert main([*arguments, "--unit", "samples"]) == 0
    regions.write_text("start_sample,end_sample,label,mood\n44100,88200,a,sad\n", encoding="utf-8")
    assert main([*arguments, "--force"]) == 0
    assert "note: r.csv: the column mood was left out" in capsys.readouterr().out
    made = json.loads((out / "song.sync.json").read_text(encoding="utf-8"))
    assert [(e["start_frame"], e["end_frame"]) for e in made["events"]] == [(44100, 88200)]


def test_a_unit_that_changes_nothing_is_refused(song, tmp_path, capsys):
    regions, out = tmp_path / "r.csv", tmp_path / "o"
    regions.write_text("file,class,start,end\nsong.wav,a,1.0,2.0\n", encoding="utf-8")
    arguments = ["export", "--regions", str(regions), "--audio", str(song), "--out", str(out)]
    assert main([*arguments, "--unit", "ms"]) == 2
    assert "--unit has no effect: r.csv says itself what its times count; leave it out" in capsys.readouterr().err
    assert not out.exists()


def test_rows_of_the_audio_are_told_by_its_folder(song, tmp_path):
    (tmp_path / "n1").mkdir()
    audio = song.rename(tmp_path / "n1" / "song.wav")
    regions, out = tmp_path / "r.csv", tmp_path / "o"
    regions.write_text("file,start,end,label\n/d/n1/song.wav,1.0,2.0,a\n/d/n2/song.wav,3.0,4.0,b\n", encoding="utf-8")
    assert main(["export", "--regions", str(regions), "--audio", str(audio), "--out", str(out)]) == 0
    made = json.loads((out / "song.sync.json").read_text(encoding="utf-8"))
    assert [e["label"] for e in made["events"]] == ["a"]


@pytest.mark.parametrize(
    ("names", "is_told"),
    [
        ("one.wav", True),
        ("n2/song.wav", True),
        ("song.wav", False),
        ("n1/song.wav", False),
        ("C:\\mine\\song.wav", False),
        ("song.ogg", False),
        ("song.cues.wav", False),
        ("", False),
    ],
)
def test_a_list_of_another_recording_is_told(song, tmp_path, capsys, names, is_told):
    (tmp_path / "n1").mkdir()
    audio = song.rename(tmp_path / "n1" / "song.wav")
    regions, out = tmp_path / "r.csv", tmp_path / "o"
    regions.write_text(f"file,start,end,label\n{names},1.0,2.0,a\n{names},3.0,4.0,b\n", encoding="utf-8")
    assert main(["export", "--regions", str(regions), "--audio", str(audio), "--out", str(out)]) == 0
    told = f"note: r.csv is about {names}; check that song.wav is the same recording"
    said = " ".join(capsys.readouterr().out.split())
    assert (told in said) is is_told
    assert ("is about" in said) is is_told
    assert len(json.loads((out / "song.sync.json").read_text(encoding="utf-8"))["events"]) == 2


@pytest.mark.parametrize("targets", ["json", "wav", "all"])
@pytest.mark.parametrize(("kind", "notes"), [("OGG", 1), ("FLAC", 0), ("WAV", 0)])
def test_lossy_audio_is_told_once_whatever_the_target(tmp_path, capsys, targets, kind, notes):
    audio, regions = tmp_path / "song.x", tmp_path / "r.txt"
    soundfile.write(audio, noise(RATE_HZ * 3), RATE_HZ, format=kind)
    regions.write_text("1.0\t2.0\ta\n", encoding="utf-8")
    arguments = ["--regions", str(regions), "--audio", str(audio), "--to", targets, "--out", str(tmp_path / "o")]
    if targets in ("all", "wwise"):
        arguments += ["--wwise-segment", "x"]
    assert main(["export", *arguments]) == 0
    told = [line for line in capsys.readouterr().out.splitlines() if "decod" in line]
    assert len(told) == notes
    assert all("no gapless tags" in line for line in told)


def test_convert_refuses(tmp_path, capsys):
    source, out = tmp_path / "in.txt", tmp_path / "out.tsv"
    source.write_text("1.0\t2.0\tdog\n", encoding="utf-8")
    out.write_text("mine", encoding="utf-8")
    assert main(["convert", str(source), str(out)]) == 2
    assert "--force" in capsys.readouterr().err
    assert out.read_text(encoding="utf-8") == "mine"
    assert main(["convert", str(source), str(out), "--force"]) == 0
    assert main(["convert", str(source), str(out)]) == 0  # nothing would change
    assert main(["convert", str(source), str(tmp_path / "x.what")]) == 2
    assert "--to" in capsys.readouterr().err
    assert main(["convert", str(source), str(tmp_path / "x.wav")]) == 2
    assert "reatrieve export --regions IN" in capsys.readouterr().err
    assert main(["convert", str(source), str(out), "--rate", "-1"]) == 2
    assert main(["convert", str(source), str(out / "x.tsv")]) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.txt", "out.tsv"]


def test_a_journal_is_no_list_of_labels(song, tmp_path, capsys):
    path = journal(tmp_path / "s.journal.jsonl", song)
    for words in (
        ["convert", str(path), str(tmp_path / "y.txt")],
        ["export", "--regions", str(path), "--audio", str(song)],
    ):
        assert main(words) == 2
        told = "this is the journal of a session; its labels are written by reatrieve export JOURNAL --to audacity"
        assert f"{path.name}: {told}" in capsys.readouterr().err
    assert main(["export", str(path), "--to", "audacity", "--out", str(tmp_path)]) == 0


def without_tempo(tmp_path: Path, song: Path) -> list[str]:
    regions = tmp_path / "r.txt"
    regions.write_text("1.0\t2.0\ta\n", encoding="utf-8")
    return ["export", "--regions", str(regions), "--audio", str(song), "--out", str(tmp_path / "o")]


def test_midi_says_that_it_knows_no_tempo(song, tmp_path, capsys):
    words = without_tempo(tmp_path, song)
    told = "note: no tempo is known: the MIDI file counts in 120 bpm; reatrieve export takes --bpm"
    assert main([*words, "--to", "midi"]) == 0
    assert told in " ".join(capsys.readouterr().out.split())
    assert main([*words, "--to", "midi", "--bpm", "90", "--force"]) == 0
    assert "no tempo is known" not in capsys.readouterr().out
    assert main([*words, "--to", "json"]) == 0
    assert "no tempo is known" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        (["--label", "{pattern}_{bar}_{beat}"], "{bar} in --label"),
        (["--label", "{beat:2}"], "{beat:2} in --label"),
        (["--to", "fmod", "--fmod-tempo"], "fmod-tempo"),
        (["--to", "fmod,fmod-tempo"], "fmod-tempo"),
        (["--snap", "4"], "snapping"),
    ],
)
def test_what_needs_a_tempo_is_refused_without_one(song, tmp_path, capsys, options, wanted):
    words = [*without_tempo(tmp_path, song), *options]
    assert main(words) == 2
    error = " ".join(capsys.readouterr().err.split())
    assert f"{wanted} needs a tempo; " in error
    assert "or give --bpm" in error
    assert not (tmp_path / "o").exists()
    assert main([*words, "--bpm", "90"]) == 0


@pytest.mark.parametrize(("written", "moved_s"), [("80,5", 0.0805), ("-80,5", -0.0805), ("-.5", -0.0005)])
def test_milliseconds_may_have_a_decimal_comma(song, tmp_path, written, moved_s):
    assert main([*without_tempo(tmp_path, song), "--nudge-ms", written]) == 0
    (event,) = json.loads((tmp_path / "o" / "song.sync.json").read_text(encoding="utf-8"))["events"]
    assert event["anchor_seconds"] == pytest.approx(1.0 + moved_s, abs=1 / RATE_HZ)


def test_add_replaces_nothing_whose_sounds_no_sync_json_tells(song, tmp_path, capsys):
    one = tmp_path / "one.csv"
    one.write_text("start,end,name\n1,2,kick\n", encoding="utf-8")
    two = tmp_path / "two.csv"
    two.write_text("start,end,name\n3,4,snare\n", encoding="utf-8")
    out = ["--audio", str(song), "--out", str(tmp_path / "o")]
    assert main(["export", "--regions", str(one), "--to", "audacity,midi", *out]) == 0
    before = {path: path.read_bytes() for path in (tmp_path / "o").iterdir()}
    for to in ("audacity,midi", "json,audacity"):
        for force in ([], ["--force"]):
            assert main(["export", "--regions", str(two), "--to", to, *out, "--add", *force]) == 2
            said = capsys.readouterr().err
            assert "no song.sync.json in" in said
            assert "export those again with json among the targets, then add" in said
            assert {path: path.read_bytes() for path in (tmp_path / "o").iterdir()} == before
    assert main(["export", "--regions", str(one), "--to", "json,audacity,midi", *out]) == 0  # as the sentence says
    assert main(["export", "--regions", str(two), "--to", "json,audacity,midi", *out, "--add", "--force"]) == 0
    labels = (tmp_path / "o" / "song.labels.txt").read_text(encoding="utf-8")
    assert [line.split("\t")[2] for line in labels.splitlines()] == ["kick", "snare"]
    capsys.readouterr()
    two.write_text("start,end,name\n3,4,snare\n5,6,hat\n", encoding="utf-8")
    assert main(["export", "--regions", str(two), "--to", "audacity", *out, "--add", "--force"]) == 0
    assert "song.sync.json was not written, and lacks these events" in capsys.readouterr().out
    write_sound(song, noise(RATE_HZ * 10, seed=5), RATE_HZ)
    assert main(["export", "--regions", str(two), "--to", "json", *out, "--add", "--force"]) == 0
    assert "1 event of another search is no longer in song.sync.json" in capsys.readouterr().out


@pytest.mark.parametrize("anchor", ["start", "peak"])
def test_samples_that_are_no_numbers_are_told_and_make_no_cue_wav(tmp_path, capsys, anchor):
    y = noise(RATE_HZ * 4)
    y[RATE_HZ : RATE_HZ + 3] = np.nan
    audio = write_sound(tmp_path / "nan.wav", y, RATE_HZ, subtype="FLOAT")
    regions = tmp_path / "r.csv"
    regions.write_text("start,end,name\n1,2,kick\n", encoding="utf-8")
    rest = ["--regions", str(regions), "--audio", str(audio), "--out", str(tmp_path / "o"), "--anchor", anchor]
    sentence = "nan.wav holds NaN from 1.000 s on (3 samples of 176400); repair or render it anew"
    assert main(["export", *rest, "--to", "json,wav"]) == 1
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "o").exists()
    assert main(["export", *rest, "--to", "json"]) == 0
    assert sentence in " ".join(capsys.readouterr().out.split())


def test_audio_that_was_cut_off_is_told(song, tmp_path, capsys):
    cut = tmp_path / "cut.wav"
    cut.write_bytes(song.read_bytes()[: song.stat().st_size // 2])
    regions = tmp_path / "r.csv"
    regions.write_text("start,end,name\n1,2,kick\n", encoding="utf-8")
    assert main(["export", "--regions", str(regions), "--audio", str(cut), "--out", str(tmp_path / "o")]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert re.search(r"note: cut\.wav was cut off: its header promises 10\.000 s, \d\.\d+ s are there", said)
