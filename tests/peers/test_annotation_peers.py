"""crowsetta, mir_eval and jams read the annotation files and agree with the sync JSON."""

from __future__ import annotations

import warnings

import mir_eval.io
import pytest

from peers.exported_song import Exported, exported_song
from reatrieve.annotations.annotation import one_line

TEXT_DIGITS_S = 1e-6


@pytest.fixture(scope="module")
def song(tmp_path_factory) -> Exported:
    return exported_song(tmp_path_factory.mktemp("annotations"))


@pytest.fixture(scope="module")
def spans_only(tmp_path_factory) -> Exported:
    return exported_song(tmp_path_factory.mktemp("spans"), point=False)


def rows(song: Exported) -> list[tuple[float, float, str]]:
    return [(e["start_seconds"], e["end_seconds"], one_line(e["label"])) for e in song.events]


def test_mir_eval_reads_audacity_labels(song):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of labels that begin with #
        intervals, labels = mir_eval.io.load_labeled_intervals(
            str(song.paths["audacity"]), delimiter="\t", comment=None
        )
    assert labels == [label for _, _, label in rows(song)]
    assert intervals.ravel().tolist() == pytest.approx([t for a, b, _ in rows(song) for t in (a, b)], abs=TEXT_DIGITS_S)


@pytest.mark.extra
@pytest.mark.filterwarnings("ignore")
def test_crowsetta_reads_audacity_and_raven(spans_only):
    song = spans_only  # its boxes have to have a length
    crowsetta = pytest.importorskip("crowsetta")
    for target, form, extra in (("audacity", "aud-seq", {}), ("raven", "raven", {"annot_col": "Annotation"})):
        made = crowsetta.Transcriber(format=form).from_file(song.paths[target], **extra)
        wanted = rows(song)
        if target == "audacity":
            sequence = made.to_seq(round_times=False)
            found = list(zip(sequence.onsets_s, sequence.offsets_s, sequence.labels, strict=True))
        else:
            found = [(box.onset, box.offset, box.label) for box in made.to_bbox()]
        assert [row[2] for row in found] == [label for _, _, label in wanted]
        flat = [float(t) for a, b, _ in found for t in (a, b)]
        assert flat == pytest.approx([t for a, b, _ in wanted for t in (a, b)], abs=TEXT_DIGITS_S)


@pytest.mark.extra
@pytest.mark.filterwarnings("ignore")
def test_jams_validates_and_reads(song):
    jams = pytest.importorskip("jams")
    made = jams.load(str(song.paths["jams"]), validate=True, strict=True)
    assert made.file_metadata.duration == song.data["audio"]["duration_seconds"]
    found = sorted((o.time, o.time + o.duration, o.value) for o in made.annotations[0].data)
    expected = sorted((e["start_seconds"], e["end_seconds"], e["label"]) for e in song.events)
    assert [value for _, _, value in found] == [value for _, _, value in expected]
    assert [t for a, b, _ in found for t in (a, b)] == pytest.approx([t for a, b, _ in expected for t in (a, b)])
