"""Training of the learned view: its sounds are what they say, its scenes tell the truth, a step of training learns."""

from __future__ import annotations

from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import pytest

from reatrieve.errors import InputError
from reatrieve.lab.learning import bank as bank_module
from reatrieve.lab.learning import command
from reatrieve.lab.learning.alter import altered, levelled, resampled, shaped_noise
from reatrieve.lab.learning.bank import Bank, load_bank
from reatrieve.lab.learning.scenes import SCENE_S, Scenes
from reatrieve.lab.learning.sounds.drums import drum_kits
from reatrieve.lab.learning.sounds.electronic import electronic_sounds
from reatrieve.lab.learning.sounds.formants import invented_words
from reatrieve.lab.learning.sounds.gestures import gestures
from reatrieve.lab.learning.sounds.licks import licks
from reatrieve.lab.learning.sounds.recordings import SOURCES, recorded_effects
from reatrieve.lab.learning.sounds.source import RATE_HZ, Clip
from reatrieve.lab.learning.sounds.words import WORDS
from reatrieve.retrieval.learned.bands import LEARNED_BANDS, band_count

SOUNDS = {
    "gestures": lambda rng: gestures(rng, n_classes=8),
    "drums": lambda rng: drum_kits(rng, n_kits=1),
    "electronic": lambda rng: islice(electronic_sounds(rng, n_classes=2), 8),
    "licks": lambda rng: islice(licks(rng, n_instruments=4), 0, None, 11),
    "words": lambda rng: invented_words(rng, n_words=2, n_voices=4),
}


@pytest.mark.parametrize("name", SOUNDS)
def test_takes_are_audible_and_differ(name):
    clips = list(SOUNDS[name](np.random.default_rng(1)))
    assert clips
    for clip in clips:
        assert np.isfinite(clip.samples).all()
        assert 0.02 * RATE_HZ < clip.samples.size < 10 * RATE_HZ
        assert np.abs(clip.samples).max() > 1e-3
    one, other = next((a, b) for a, b in pairwise(clips) if a.class_ == b.class_ or name == "licks")
    assert one.samples.size != other.samples.size or not np.allclose(one.samples, other.samples)


@pytest.mark.parametrize("name", SOUNDS)
def test_the_same_seed_makes_the_same_sounds(name):
    a, b = (next(iter(SOUNDS[name](np.random.default_rng(3)))) for _ in range(2))
    assert a.class_ == b.class_
    np.testing.assert_array_equal(a.samples, b.samples)


def test_only_free_licences_are_used():
    for source in SOURCES:
        assert source.licence.startswith(("CC0", "CC BY 3.0", "CC BY 4.0", "public domain")), source
        assert source.author


def test_no_numerals_are_said():
    assert not {"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"} & set(WORDS["en"])
    for words in WORDS.values():
        assert len(words) == len(set(words))


def test_a_missing_package_is_named(tmp_path):
    with pytest.raises(InputError, match="endless-sky-data"):
        list(recorded_effects(tmp_path))


# altering


def test_altering_keeps_a_sound_a_sound():
    rng = np.random.default_rng(2)
    y = np.sin(np.arange(RATE_HZ) * 0.3).astype(np.float32)
    for _ in range(20):
        other = altered(y, rng)
        assert other.dtype == np.float32
        assert np.isfinite(other).all()
        assert 0.7 * y.size < other.size < 1.6 * y.size


def test_playing_faster_shortens():
    y = np.sin(2 * np.pi * 440 * np.arange(RATE_HZ) / RATE_HZ).astype(np.float32)
    faster = resampled(y, 2.0)
    assert faster.size == y.size // 2
    spectrum = np.abs(np.fft.rfft(faster))
    assert np.argmax(spectrum) * RATE_HZ / faster.size == pytest.approx(880, abs=3)


def test_levels_are_made_equal():
    y = np.random.default_rng(0).standard_normal(3000).astype(np.float32)
    np.testing.assert_allclose(levelled(0.01 * y), levelled(y), rtol=1e-4)
    np.testing.assert_allclose(levelled(y, 20.0), 10 * levelled(y), rtol=1e-4)


def test_noise_has_level_1():
    assert np.sqrt(np.mean(shaped_noise(np.random.default_rng(0), 30000) ** 2)) == pytest.approx(1.0, abs=1e-3)


# bank


def test_a_bank_keeps_the_audible_part_of_every_take(monkeypatch, tmp_path):
    tone = np.sin(np.arange(RATE_HZ) * 0.1)
    quiet = np.zeros(RATE_HZ)
    clips = [
        Clip(np.concatenate([quiet, 0.01 * tone, quiet]), "a", "hit", "g"),
        Clip(quiet, "silent", "hit", "g"),
        Clip(np.tile(tone, 9), "long", "hit", "g"),
        Clip(np.full(RATE_HZ, np.nan), "broken", "hit", "g"),
    ]
    for name in ("recorded_effects", "spoken_words", "spoken_sentences"):
        monkeypatch.setattr(bank_module, name, lambda _given: iter(()))
    for name in ("drum_kits", "electronic_sounds", "licks", "invented_words"):
        monkeypatch.setattr(bank_module, name, lambda _rng, **_counts: iter(()))
    monkeypatch.setattr(bank_module, "gestures", lambda _rng, **_counts: iter(clips))
    monkeypatch.setattr(bank_module, "beds", lambda _folder, _rng: [tone])
    said = []
    bank_module.make_bank(tmp_path / "b.npz", recordings=tmp_path, tell=said.append)
    bank = load_bank(tmp_path / "b.npz")
    assert bank.classes.tolist() == ["a", "long"]
    assert bank.clip(0).size == pytest.approx(RATE_HZ, abs=400)
    assert np.abs(bank.clip(0)).max() == pytest.approx(0.92, abs=0.01)
    assert bank.clip(1).size == pytest.approx(bank_module.LONGEST_S * RATE_HZ, abs=200)
    assert bank.bed(0).size == tone.size
    assert "gestures: 2 takes of 2 sounds" in said


# scenes


def small_bank(folder: Path) -> Bank:
    """Tones of 40 sounds in each family, two takes of each, and two beds."""
    rng = np.random.default_rng(0)
    t = np.arange(int(0.25 * RATE_HZ)) / RATE_HZ
    clips = [
        Clip(np.sin(2 * np.pi * hz * t) * np.exp(-t / 0.1), f"{family} {k}", family, f"{family} group")
        for family in ("hit", "drum", "word", "lick", "effect")
        for k, hz in enumerate(np.geomspace(150, 8000, 40))
        for _ in range(2)
    ]
    samples = [np.asarray(clip.samples * 30000, dtype=np.int16) for clip in clips]
    beds = [(3000 * rng.standard_normal(25 * RATE_HZ)).astype(np.int16) for _ in range(8)]
    np.savez(
        folder / "bank.npz",
        samples=np.concatenate(samples),
        edges=np.cumsum([0, *map(len, samples)]),
        classes=[clip.class_ for clip in clips],
        families=[clip.family for clip in clips],
        groups=[clip.group for clip in clips],
        bed_samples=np.concatenate(beds),
        bed_edges=np.cumsum([0, *map(len, beds)]),
    )
    return load_bank(folder / "bank.npz")


@pytest.fixture(scope="module")
def bank(tmp_path_factory):
    return small_bank(tmp_path_factory.mktemp("bank"))


def test_scenes_tell_where_things_happen(bank):
    scenes = Scenes(bank, seed=4)
    for _ in range(8):
        scene = scenes.make()
        assert scene.levels.shape == (LEARNED_BANDS, band_count(int(SCENE_S * RATE_HZ)))
        assert np.isfinite(scene.levels).all()
        sounds = [event for event in scene.events if event.class_ >= 0]
        assert len({event.class_ for event in sounds}) >= 2
        assert any(sum(e.class_ == one.class_ for e in sounds) > 1 for one in sounds)
        for event in scene.events:
            assert 0.0 <= event.start_s < event.end_s <= SCENE_S
        for other in (event for event in scene.events if event.class_ < 0):
            for event in sounds:
                shared = min(event.end_s, other.end_s) - max(event.start_s, other.start_s)
                assert shared < 0.5 * (other.end_s - other.start_s)


def test_events_sound_where_the_scene_says(bank):
    """In a dense scene, far above its bed, it is louder within events than beside them."""
    scenes = Scenes(bank, seed=1)
    scene = next(scene for scene in (scenes.make() for _ in range(60)) if scene.kind == "dense")
    loudness = np.logaddexp.reduce(scene.levels.astype(np.float64), axis=0)

    def mean_level(event):
        return loudness[int(event.start_s * RATE_HZ / 256) + 1 : int(event.end_s * RATE_HZ / 256)].mean()

    within = [mean_level(event) for event in scene.events if event.class_ >= 0]
    beside = [mean_level(event) for event in scene.events if event.class_ < 0]
    assert np.mean(within) > np.mean(beside)


def test_held_out_sounds_are_others(bank):
    heard = [set(), set()]
    for index, held_out in enumerate((False, True)):
        scenes = Scenes(bank, seed=1, held_out=held_out)
        for _ in range(6):
            heard[index] |= {event.class_ for event in scenes.make().events if event.class_ >= 0}
    assert heard[0]
    assert heard[1]
    assert not heard[0] & heard[1]


def test_what_is_no_bank_is_refused(tmp_path, capsys):
    (tmp_path / "x.npz").write_bytes(b"no")
    with pytest.raises(InputError, match="no sound bank"):
        load_bank(tmp_path / "x.npz")
    assert command.main(["static", str(tmp_path), "--weights", str(tmp_path / "x.npz")]) == 2
    assert "holds no weights" in capsys.readouterr().err


# training


@pytest.mark.extra
def test_training_learns_and_writes_what_the_product_loads(bank, tmp_path):
    torch = pytest.importorskip("torch")
    from reatrieve.lab.learning.model import frames_of, new_network, save_weights
    from reatrieve.lab.learning.train import train
    from reatrieve.retrieval.learned.network import load_network

    said: list[str] = []
    train(bank, tmp_path / "w.npz", n_steps=2, marks=(1,), tell=said.append)
    assert "held out" in said[-1]
    assert (tmp_path / "w-1.npz").is_file()
    network = new_network().eval()
    save_weights(tmp_path / "x.npz", network)
    levels = np.random.default_rng(0).standard_normal((LEARNED_BANDS, 40)).astype(np.float32)
    with (tmp_path / "x.npz").open("rb") as file:
        ours = load_network(file).frames(levels, n_frames=20)
    with torch.no_grad():
        theirs = network(torch.from_numpy(levels)[None, None])[0].numpy()
    np.testing.assert_allclose(ours, theirs, atol=0.01 * theirs.std())
    assert frames_of(network, torch.from_numpy(levels)[None]).shape == (1, 64, 20)


@pytest.mark.extra
def test_the_loss_falls_when_takes_agree():
    torch = pytest.importorskip("torch")
    from reatrieve.lab.learning.train import _loss

    scene, classes = torch.zeros(4, dtype=torch.long), torch.tensor([0, 0, 1, 1])
    apart = torch.eye(4)
    together = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    assert float(_loss(together, scene, classes)) < 0.01 < float(_loss(apart, scene, classes))


@pytest.mark.extra
def test_descriptions_in_training_are_those_of_the_product():
    torch = pytest.importorskip("torch")
    from reatrieve.lab.learning.model import described
    from reatrieve.retrieval.excerpt import HOP_S
    from reatrieve.retrieval.learned.parts import PartMeans

    frames = np.random.default_rng(1).standard_normal((64, 80)).astype(np.float32)
    start_s, length_s = 0.4321, 0.33
    theirs = described(
        torch.from_numpy(frames)[None], torch.tensor([0]), torch.tensor([[start_s, start_s + length_s]]), n_parts=6
    )[0].numpy()
    view = PartMeans(frames, length_s=length_s, offset_s=start_s - 19 * HOP_S)
    np.testing.assert_allclose(theirs.reshape(6, 64), view.description(19), atol=1e-4)


# synthesised speech


@pytest.mark.extra
def test_words_are_said_by_both_synthesisers():
    import ctypes.util

    if not (ctypes.util.find_library("espeak-ng") and ctypes.util.find_library("flite")):
        pytest.skip("libespeak-ng and libflite are not installed")
    from reatrieve.lab.learning.sounds.synthesisers import Espeak, Flite

    espeak, flite = Espeak(), Flite()
    slow, fast = (espeak.say("banana", "en-us+f2", pace=p, pitch=50, liveliness=50) for p in (120, 240))
    assert fast.size < 0.8 * slow.size
    assert 0.05 < np.abs(slow).max() <= 1.0
    assert flite.say("banana", "slt", stretch=1.5).size > 1.3 * flite.say("banana", "slt", stretch=1.0).size
    with pytest.raises(InputError, match="no voice 'xx'"):
        espeak.say("banana", "xx", pace=120, pitch=50, liveliness=50)


def test_a_missing_synthesiser_is_named(monkeypatch):
    import ctypes.util

    from reatrieve.lab.learning.sounds.synthesisers import Espeak

    monkeypatch.setattr(ctypes.util, "find_library", lambda _name: None)
    with pytest.raises(InputError, match="apt install espeak-ng"):
        Espeak()
