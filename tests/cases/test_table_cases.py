"""Label files that were misread, the two readings of one annotations.csv, another editor's loop: what is right."""

from __future__ import annotations

import re
import struct
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from reatrieve.annotations.files import read_annotations
from reatrieve.annotations.sidecars import labels_beside
from reatrieve.annotations.truth import load_truth
from reatrieve.cli import main
from reatrieve.lab.dataset import load_dataset
from signals import noise, write_sound

TABLES = {
    "rav_multi.txt": (
        "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\tBegin File\t"
        "File Offset (s)\tSpecies\n"
        "1\tSpectrogram 1\t1\t1.0\t2.0\t0\t8000\tone.wav\t1.0\ta\n"
        "2\tSpectrogram 1\t1\t61.5\t62.0\t0\t8000\ttwo.wav\t1.5\ta\n"
    ),
    "birdnet_raven.txt": (
        "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\tCommon Name\t"
        "Species Code\tConfidence\tBegin Path\tFile Offset (s)\n"
        "1\tSpectrogram 1\t1\t3.0\t6.0\t0\t15000\tOwl\towl\t0.9\tC:\\r\\base.wav\t3.0\n"
        "2\tSpectrogram 1\t1\t27.0\t30.0\t0\t15000\tOwl\towl\t0.9\tC:\\r\\two.wav\t3.0\n"
    ),
    "aud_75fps.csv": (
        "Name\tStart\tDuration\tTime Format\tType\tDescription\n"
        "A\t00:18:30\t00:00:00\t75 fps\tCue\t\n"
        "B\t58:23:64\t00:00:37\t75 fps\tCue\t\n"
    ),
    "aud_samples.csv": ("Name\tStart\tDuration\tTime Format\tType\tDescription\nA\t813000\t44100\t44100 Hz\tCue\t\n"),
    "birdnet_r.csv": (
        "filepath,start,end,scientific_name,common_name,confidence,lat,lon,week,overlap,sensitivity,min_conf,"
        "species_list,model\n"
        "/r/a.wav,3.0,6.0,Bubo,Owl,0.9,1,1,1,0,1,.1,,m\n"
        "/r/b.wav,3.0,6.0,Bubo,Owl,0.9,1,1,1,0,1,.1,,m\n"
    ),
    "opso_boxed2.csv": (
        "audio_file,annotation_file,annotation,start_time,end_time,low_f,high_f\n"
        "a.wav,,x,0.5,1.5,0,100\nb.wav,,y,7.5,8.5,0,100\n"
    ),
    "excel_sep.csv": "sep=;\nstart;end;label\n1,5;2,25;e\n",
    "r_wholesec.csv": "#,Name,Start,End,Length\nR1,Intro,1,3,2\nR2,b,5,6,1\n",
    "das.csv": "name,start_seconds,stop_seconds\nsong,0.5,1.25\n",
}
"""As Raven, BirdNET, Audition, OpenSoundscape, a spreadsheet, REAPER and DAS write them."""

Row = tuple[str, float, float, str]
"""Recording without its folders ("" for none), start and end in seconds, label."""


@pytest.fixture
def table(tmp_path: Path) -> Callable[[str], Path]:
    def write(name: str) -> Path:
        path = tmp_path / name
        path.write_text(TABLES[name], encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("rav_multi.txt", [("one.wav", 1.0, 2.0, "a"), ("two.wav", 1.5, 2.0, "a")]),
        ("birdnet_raven.txt", [("base.wav", 3.0, 6.0, "Owl"), ("two.wav", 3.0, 6.0, "Owl")]),
        ("aud_75fps.csv", [("", 18.4, 18.4, "A"), ("", 3503.853, 3503.853 + 37 / 75, "B")]),
        ("aud_samples.csv", [("", 18.435, 19.435, "A")]),
        ("birdnet_r.csv", [("a.wav", 3.0, 6.0, "Owl"), ("b.wav", 3.0, 6.0, "Owl")]),
        ("opso_boxed2.csv", [("a.wav", 0.5, 1.5, "x"), ("b.wav", 7.5, 8.5, "y")]),
        ("excel_sep.csv", [("", 1.5, 2.25, "e")]),
        ("das.csv", [("", 0.5, 1.25, "song")]),
    ],
)
def test_a_table_is_read_right(table: Callable[[str], Path], name: str, rows: list[Row]) -> None:
    found = read_annotations(table(name))
    assert [re.split(r"[/\\]", one.file or "")[-1] for one in found] == [row[0] for row in rows]
    assert [one.label for one in found] == [row[3] for row in rows]
    times = [(one.start_s, one.end_s) for one in found]
    assert np.allclose(times, [row[1:3] for row in rows], atol=1e-3)


@pytest.mark.parametrize("name", ["birdnet_raven.txt", "birdnet_r.csv"])
def test_the_score_of_a_detection_is_read(table: Callable[[str], Path], name: str) -> None:
    assert [one.score for one in read_annotations(table(name))] == [0.9, 0.9]


def test_the_scientific_name_of_a_detection_is_its_payload(table: Callable[[str], Path]) -> None:
    assert [one.payload for one in read_annotations(table("birdnet_r.csv"))] == ["Bubo", "Bubo"]


@pytest.mark.parametrize(
    "name",
    [
        "rav_multi.txt",
        "birdnet_raven.txt",
        "birdnet_r.csv",
        "opso_boxed2.csv",
    ],
)
def test_convert_wants_one_recording_of_several(
    table: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert main(["convert", str(table(name)), str(tmp_path / "out.txt")]) == 2
    assert "--file" in capsys.readouterr().err
    assert not (tmp_path / "out.txt").exists()


def test_convert_takes_a_recording_by_the_name_of_its_file(table: Callable[[str], Path], tmp_path: Path) -> None:
    out = tmp_path / "out.txt"
    assert main(["convert", str(table("birdnet_raven.txt")), str(out), "--file", "two.wav"]) == 0
    start, end, label = out.read_text(encoding="utf-8").split()
    assert (float(start), float(end), label) == (3.0, 6.0, "Owl")


def test_whole_numbers_in_reapers_table_are_asked_about(
    table: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["convert", str(table("r_wholesec.csv")), str(tmp_path / "out.txt")]) == 2
    said = capsys.readouterr().err
    assert "--unit" in said
    assert "seconds" in said
    assert "sample" in said


@pytest.mark.parametrize(("unit", "scale"), [("seconds", 1.0), ("samples", 1.0 / 10)])
def test_whole_numbers_in_reapers_table_are_what_the_user_says(
    table: Callable[[str], Path], tmp_path: Path, unit: str, scale: float
) -> None:
    out = tmp_path / "out.txt"
    assert main(["convert", str(table("r_wholesec.csv")), str(out), "--unit", unit, "--rate", "10"]) == 0
    rows = [line.split("\t") for line in out.read_text(encoding="utf-8").splitlines()]
    assert [label for *_, label in rows] == ["Intro", "b"]
    times = [[float(start), float(end)] for start, end, _ in rows]
    assert np.allclose(times, [[1 * scale, 3 * scale], [5 * scale, 6 * scale]])


# one annotations.csv, two readers -------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "audio").mkdir()
    write_sound(tmp_path / "audio" / "a.wav", noise(20 * 8000), 8000)
    return tmp_path


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param("a.wav,kick,1,2,,,\na.wav,kick,3,4,,, near\n", id="blank before near"),
        pytest.param("a.wav,kick ,1,2,,,\na.wav,kick,3,4,,,\n", id="blank after the class"),
        pytest.param("a.wav,kick,1,2,,,\na.wav,kick,3,4,,,maybe\n", id="unknown flag"),
        pytest.param("a.wav,kick,1,2,,,\na.wav,kick,-3,4,,,\n", id="start before the file"),
        pytest.param("a.wav,kick,1,2,,,\na.wav,kick,18,400,,,\n", id="end behind the file"),
        pytest.param("a.wav,kick,1,2,,,\na.wav,kick,x,4,,,\n", id="start that is no number"),
    ],
)
def test_find_reads_annotations_as_evaluate_does(folder: Path, rows: str) -> None:
    path = folder / "annotations.csv"
    path.write_text(f"file,class,start,end,kind,ratio_db,flag\n{rows}", encoding="utf-8")
    (sound,) = load_dataset(folder).sounds
    truth = load_truth(path, folder / "audio" / "a.wav")
    assert (truth.class_, len(truth.occurrences), len(truth.near)) == (
        sound.class_,
        len(sound.occurrences),
        len(sound.near),
    )


def python_calls(work: Callable[[], object]) -> int:
    """How many Python functions are called: what the work costs, whatever else the machine does."""
    count = 0

    def note(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event == "call"

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


def test_reading_labels_grows_linearly_with_bad_rows(folder: Path) -> None:
    costs = []
    for bad in (25, 100):
        path = folder / "audio" / "a.txt"
        rows = "".join(
            f"{i / 10:.1f}\t{i / 10 + 0.1:.1f}\tkick\n{i / 10 + 0.5:.1f}\t{i / 10:.1f}\tbad\n" for i in range(bad)
        )
        path.write_text(rows, encoding="utf-8")
        found: list[object] = []
        costs.append(python_calls(lambda found=found: found.extend(labels_beside(folder / "audio" / "a.wav"))))
        assert len(found) == 2 * bad
    assert costs[1] < 6 * costs[0]


# another editor's loop ------------------------------------------------------------------------------------------------


def chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def looped_wav(*, loop: int, unity_note: int = 60) -> bytes:
    """One second with a cue and its length at 0.25 s, and a sampler loop on the same frames."""
    rate_hz, start, length, cue = 44100, 11025, 22050, 1
    smpl = struct.pack("<9I", 0, 0, 22675, unity_note, 0, 0, 0, 1, 0)
    smpl += struct.pack("<6I", loop, 0, start, start + length - 1, 0, 0)
    cues = struct.pack("<I", 1) + struct.pack("<II4sIII", cue, start, b"data", 0, 0, start)
    texts = b"adtl" + chunk(b"labl", struct.pack("<I", cue) + b"Loop 1\0")
    texts += chunk(b"ltxt", struct.pack("<II4sHHHH", cue, length, b"rgn ", 0, 0, 0, 0))
    body = chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, rate_hz, 2 * rate_hz, 2, 16)) + chunk(
        b"data", bytes(2 * rate_hz)
    )
    body += chunk(b"cue ", cues) + chunk(b"LIST", texts) + chunk(b"smpl", smpl)
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WAVE" + body


@pytest.mark.parametrize(
    ("loop", "unity_note"),
    [
        pytest.param(1, 60, id="same id"),
        pytest.param(1, 72, id="same id and a unity note"),
        pytest.param(0, 60, id="other id"),
    ],
)
def test_a_sampler_loop_of_another_editor_is_kept(tmp_path: Path, loop: int, unity_note: int) -> None:
    audio, regions, out = tmp_path / "s.wav", tmp_path / "r.txt", tmp_path / "o"
    audio.write_bytes(looped_wav(loop=loop, unity_note=unity_note))
    regions.write_text("0.1\t0.2\ta\n", encoding="utf-8")
    assert main(["export", "--regions", str(regions), "--audio", str(audio), "--to", "wav", "--out", str(out)]) == 0
    (written,) = out.glob("*.wav")
    assert struct.pack("<6I", loop, 0, 11025, 33074, 0, 0) in written.read_bytes()
