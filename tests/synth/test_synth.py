"""The songs hold what their ground truth says, at the levels and in the shares that the preset promises."""

import csv
import itertools
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile

from reatrieve.cli import main
from reatrieve.errors import InputError
from reatrieve.synth import GENRE_NAMES, PRESETS, SCENE_NAMES, make_song, write_dataset
from reatrieve.synth.performed import Performed
from reatrieve.synth.signals import RATE_HZ
from reatrieve.synth.sounds import FAMILIES, make_sound


@pytest.fixture(scope="module")
def easy():
    return make_song(genre="house", seed=3, preset="easy", duration_s=60.0)


def excerpt(song, occurrence):
    mono = song.audio.mean(axis=1).astype(np.float64)
    return mono[round(occurrence.start_s * song.rate_hz) : round(occurrence.end_s * song.rate_hz)]


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_every_family_lasts_one_to_seven_seconds_and_follows_pitch_and_stretch(family):
    for seed in range(6):
        sound = make_sound(family, seed=seed, root=45.0, beat_s=60 / 140)
        plain, again, longer = sound.render(), sound.render(), sound.render(stretch=1.03)
        np.testing.assert_array_equal(plain, again)
        assert 0.98 <= len(plain) / RATE_HZ <= 7.0
        assert np.isfinite(plain).all()
        assert len(longer) / len(plain) == pytest.approx(1.03, abs=0.002) or len(longer) == 7 * RATE_HZ
        up = sound.render(semitones=2.0)
        assert len(up) == len(plain)
        assert not np.allclose(up, plain)


def test_the_same_seed_makes_the_same_song_and_another_seed_another(easy):
    np.testing.assert_array_equal(easy.audio, make_song(genre="house", seed=3, preset="easy", duration_s=60.0).audio)
    other = make_song(genre="house", seed=4, preset="easy", duration_s=60.0)
    assert other.occurrences != easy.occurrences


def test_repeats_sound_where_the_ground_truth_says(easy):
    """The repeats correlate at the annotated starts far above chance, since they are the same samples in the mix."""
    for name in {o.class_name for o in easy.occurrences}:
        cuts = [excerpt(easy, o) for o in easy.occurrences if o.class_name == name]
        assert len(cuts) >= 4
        first = cuts[0]
        for other in cuts[1:]:
            lags = [
                np.corrcoef(first[200:-200], np.roll(other, lag)[200:-200])[0, 1] for lag in (-150, -60, 0, 60, 150)
            ]
            assert int(np.argmax(lags)) == 2
            assert lags[2] > 0.25


@pytest.mark.parametrize("preset", ["easy", "hard"])
def test_levels_are_those_of_the_preset(preset):
    song = make_song(genre="dnb", seed=1, preset=preset, duration_s=60.0)
    low, high = PRESETS[preset].ratio_db
    plain = [o.ratio_db for o in song.occurrences if not o.alteration]
    # over the whole mix: the sound is part of it, and other sounds of interest may overlap
    assert low - 8.0 < np.median(plain) < high
    assert np.median(plain) == pytest.approx(10 * np.log10(1 / (1 + 10 ** (-(low + high) / 20))), abs=3.5)


def test_occurrences_of_a_sound_do_not_overlap_and_lie_in_the_song():
    for genre in GENRE_NAMES:
        song = make_song(genre=genre, seed=8, preset="hard", duration_s=45.0)
        assert song.audio.dtype == np.float32
        assert np.max(np.abs(song.audio)) == pytest.approx(0.97, abs=1e-3)
        for name in {o.class_name for o in song.occurrences}:
            spans = sorted((o.start_s, o.end_s) for o in song.occurrences if o.class_name == name)
            assert all(a[1] < b[0] for a, b in itertools.pairwise(spans))
            assert spans[0][0] >= 0.0
            assert spans[-1][1] <= 45.0


def test_altered_alters_at_least_seventy_percent_of_the_repeats_and_never_the_first():
    shares = []
    for seed in range(3):
        song = make_song(genre=GENRE_NAMES[seed], seed=seed, preset="altered", duration_s=60.0)
        altered = [bool(o.alteration) for o in song.occurrences]
        n_sounds = len({o.class_name for o in song.occurrences})
        shares.append(sum(altered) / (len(altered) - n_sounds))
        for o in song.occurrences:
            if o.alteration.startswith("pitch"):
                assert abs(float(o.alteration[5:])) <= 2.0
            if o.alteration.startswith("tempo"):
                assert abs(float(o.alteration[5:-1])) <= 3.0
    assert min(shares) >= 0.7


def test_none_places_each_sound_once():
    song = make_song(genre="downtempo", seed=2, preset="none", duration_s=60.0)
    names = [o.class_name for o in song.occurrences]
    assert len(names) == len(set(names)) >= 1


def test_dataset_folder_reads_back(tmp_path):
    folder = tmp_path / "Daten mit Raum é"
    told: list[float] = []
    n_rows = write_dataset(folder, n_songs=2, seed=1, preset="hard", duration_s=30.0, progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 2.0
    assert len([one for one in told if 0.0 < one < 1.0]) > 3, "a song alone moves the bar, too"
    with (folder / "annotations.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == n_rows
    assert {row["file"] for row in rows} == {path.name for path in (folder / "audio").iterdir()}
    for row in rows:
        info = soundfile.info(folder / "audio" / row["file"])
        assert info.duration == pytest.approx(30.0, abs=0.01)
        assert 0.0 <= float(row["start"]) < float(row["end"]) <= 30.0


def test_command_makes_what_it_says(tmp_path, capsys):
    assert (
        main(["synth", str(tmp_path / "out"), "--songs", "1", "--genre", "dnb", "--duration", "25", "--codec", "mp3"])
        == 0
    )
    assert "1 song" in capsys.readouterr().out
    assert [path.suffix for path in (tmp_path / "out" / "audio").iterdir()] == [".mp3"]


def test_bad_requests_are_one_clear_sentence(tmp_path):
    with pytest.raises(InputError, match="did you mean 'house'"):
        make_song(genre="hause")
    with pytest.raises(InputError, match="too short"):
        make_song(duration_s=5.0)
    (tmp_path / "x").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="not empty"):
        write_dataset(tmp_path, n_songs=1)
    with pytest.raises(InputError, match="at least 1"):
        write_dataset(tmp_path / "new", n_songs=0)


@pytest.mark.parametrize("family", ["hit", "word", "footstep"])
def test_a_performed_sound_is_never_the_same_twice_but_the_same_sound(family):
    def envelope(x):
        bands = np.abs(np.fft.rfft(x[: 4 * 2048].reshape(-1, 2048) * np.hanning(2048), axis=1))[:, 1:512] ** 2
        return np.log(bands.reshape(bands.shape[0], -1, 7).mean(axis=2) + 1e-6).ravel()

    within, between = [], []
    for seed in range(6):
        takes = [Performed(family, seed, 0.04).render(number) for number in range(3)]
        np.testing.assert_array_equal(takes[0], Performed(family, seed, 0.04).render(0))
        n = min(map(len, takes))
        assert abs(np.corrcoef(takes[0][:n], takes[1][:n])[0, 1]) < 0.9
        other = Performed(family, seed + 100, 0.04).render(0)
        n = min(n, len(other), 4 * 2048)
        padded = [np.pad(x[:n], (0, 4 * 2048 - n)) for x in (*takes, other)]
        one, again, _, another = map(envelope, padded)
        within.append(np.corrcoef(one, again)[0, 1])
        between.append(np.corrcoef(one, another)[0, 1])
    assert np.median(within) > np.median(between) + 0.1


@pytest.mark.parametrize("scene", SCENE_NAMES)
def test_a_scene_holds_takes_at_its_annotated_places(scene):
    song = make_song(genre=scene, seed=4, preset="easy", duration_s=20.0)
    assert song.bpm == 0.0
    assert {o.kind for o in song.occurrences} == {"take"}
    assert len({o.alteration for o in song.occurrences}) == len(song.occurrences) >= 4
    for o in song.occurrences:
        assert 0.0 <= o.start_s < o.end_s <= 20.0
    again = make_song(genre=scene, seed=4, preset="easy", duration_s=20.0)
    np.testing.assert_array_equal(song.audio, again.audio)


def test_help_and_guide_say_what_each_preset_is(capsys):
    with pytest.raises(SystemExit):
        main(["synth", "--help"])
    told = " ".join(capsys.readouterr().out.split())
    pages = (Path(__file__).parents[2] / "docs" / "datasets.md").read_text(encoding="utf-8")
    for name, preset in PRESETS.items():
        assert f"{name} (" in told
        (row,) = [line for line in pages.splitlines() if line.startswith(f"| `{name}`")]
        _, _, loudness, repeats, similar, _ = row.split("|")
        below = [number for number in re.findall("[0-9.]+", loudness) if float(number) == abs(preset.ratio_db[0])]
        assert below, row
        assert ("once" in repeats) == (preset.occurrences == (1, 1))
        assert "once" in repeats or "{} to {} times".format(*preset.occurrences) in repeats
        assert ("altered" in repeats) == (preset.altered_share > 0)
        assert re.findall("[0-9.]+", similar) == [f"{preset.distractors:g}"]
