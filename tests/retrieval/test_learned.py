"""Learned representations, with models made on the spot: band energies by a learned-looking convolution."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from reatrieve.errors import InputError
from reatrieve.retrieval.learned.description import read_description
from reatrieve.retrieval.learned.model import BASIC_PITCH, basic_pitch_installed, learned_representation
from reatrieve.retrieval.registry import make_retriever
from reatrieve.retrieval.representations import Representation
from reatrieve.session.events import Started
from reatrieve.session.search import Search
from reatrieve.session.spans import Span

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

pytestmark = pytest.mark.extra

RATE_HZ = 22050
HOP = 256
WINDOW = 16 * HOP
N_FEATURES = 8


def write_model(folder: Path, *, rank: int = 3, static_batch: bool = False) -> Path:
    """A convolution (cosines of 8 frequencies) and its magnitude: (batch, samples, 1) to (batch, frames, 8)."""
    from onnx import TensorProto, helper, numpy_helper

    t = np.arange(HOP) / RATE_HZ
    kernel = np.stack([np.cos(2 * np.pi * 200 * 2**i * t) for i in range(N_FEATURES)]).astype(np.float32)[:, None, :]
    shape = numpy_helper.from_array(np.array([0, 1, -1] if rank > 1 else [1, 1, -1], dtype=np.int64), "shape")
    nodes = [
        helper.make_node("Reshape", ["audio", "shape"], ["one"]),
        helper.make_node("Conv", ["one", "kernel"], ["bands"], strides=[HOP], pads=[HOP // 2, HOP // 2]),
        helper.make_node("Abs", ["bands"], ["magnitude"]),
        helper.make_node("Transpose", ["magnitude"], ["frames"], perm=[0, 2, 1]),
    ]
    batch = 1 if static_batch else "batch"
    audio = {1: ["samples"], 2: [batch, "samples"], 3: [batch, "samples", 1]}[rank]
    graph = helper.make_graph(
        nodes,
        "bands",
        [helper.make_tensor_value_info("audio", TensorProto.FLOAT, audio)],
        [helper.make_tensor_value_info("frames", TensorProto.FLOAT, [batch, "frames", N_FEATURES])],
        [numpy_helper.from_array(kernel, "kernel"), shape],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path = folder / "bänder.onnx"
    onnx.save(model, str(path))
    return path


def describe(folder: Path, **more: object) -> Path:
    values: dict[str, object] = {
        "model": "bänder.onnx", "rate_hz": RATE_HZ, "hop_samples": HOP, "input": "audio", "output": "frames",
        "window_samples": WINDOW, "overlap_frames": 4,
    } | more  # fmt: skip
    lines = []
    for key, value in values.items():
        if value is not None:
            text = str(value).lower() if isinstance(value, bool) else repr(value).replace("'", '"')
            lines.append(f"{key} = {text}\n")
    path = folder / "bands.toml"
    path.write_text("".join(lines), encoding="utf-8")
    return path


def bleeps(starts_s: tuple[float, ...], duration_s: float) -> np.ndarray:
    y = 0.01 * np.random.default_rng(0).standard_normal(round(duration_s * RATE_HZ))
    t = np.arange(RATE_HZ) / RATE_HZ
    for start_s in starts_s:
        y[round(start_s * RATE_HZ) :][: t.size] += 0.5 * np.sin(2 * np.pi * (300 + 800 * t) * t)
    return y.astype(np.float32)


@pytest.mark.parametrize(("rank", "static_batch"), [(1, False), (2, False), (2, True), (3, False)])
def test_windows_give_what_the_whole_sound_gives(tmp_path, rank, static_batch):
    write_model(tmp_path, rank=rank, static_batch=static_batch)
    y = bleeps((1.0,), 3.3)
    windowed = learned_representation(str(describe(tmp_path))).frames([y[:1000], y[1000:]])
    whole = learned_representation(str(describe(tmp_path, window_samples=0, overlap_frames=0))).frames([y])
    assert windowed.hop_s == HOP / RATE_HZ
    assert windowed.values.shape == (N_FEATURES, 1 + y.size // HOP)
    np.testing.assert_allclose(windowed.values, whole.values, atol=1e-3)


def test_another_rate_is_resampled(tmp_path):
    write_model(tmp_path)
    features = learned_representation(str(describe(tmp_path, rate_hz=16000))).frames([bleeps((1.0,), 3.0)])
    assert features.hop_s == HOP / 16000
    assert features.values.shape[1] == 1 + 48000 // HOP


def test_it_is_a_representation_and_travels_to_other_processes(tmp_path):
    write_model(tmp_path)
    made = learned_representation(str(describe(tmp_path, name="bands")))
    assert isinstance(made, Representation)
    assert made.name == "bands"
    again = pickle.loads(pickle.dumps(made))
    assert again.key == made.key
    assert learned_representation(str(describe(tmp_path, hop_samples=128))).key != made.key


@pytest.mark.parametrize("settings", [{"components": 0, "selected": 0}, {"components": 4, "selected": 3}])
def test_the_papers_retriever_finds_a_sound_with_it(tmp_path, settings):
    write_model(tmp_path)
    retriever = make_retriever("paper", representation=learned_representation(str(describe(tmp_path))), **settings)
    y = bleeps((1.0, 4.0, 8.0), 12.0)
    analysis = retriever.analyse([y], n_samples=y.size)
    search = Search(retriever, analysis, [Started(Span(1.0, 2.0), "x", 5, retriever.name)])
    assert search.propose().span.start_s in (pytest.approx(4.0, abs=0.05), pytest.approx(8.0, abs=0.05))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"input": "sound"}, "no input 'sound'"),
        ({"output": "notes"}, "no output 'notes'"),
        ({"model": "none.onnx"}, "no such model"),
        ({"hop_samples": None}, "hop_samples is missing"),
        ({"hop_samples": 0}, "at least 1"),
        ({"hop_samples": "big"}, "need int"),
        ({"overlap_frames": 3}, "must be even"),
        ({"overlap_frames": 16}, "no longer than the 16 frames"),
        ({"hop_samples": 64}, "check hop_samples"),
        ({"colour": 1}, "unknown key 'colour'"),
    ],
)
def test_a_wrong_description_is_told(tmp_path, change, reason):
    write_model(tmp_path)
    with pytest.raises(InputError, match=reason):
        learned_representation(str(describe(tmp_path, **change))).frames([bleeps((), 1.0)])


def test_what_is_no_model_or_no_toml_is_told(tmp_path):
    (tmp_path / "bänder.onnx").write_text("no model", encoding="utf-8")
    with pytest.raises(InputError, match="cannot be loaded as an ONNX model"):
        learned_representation(str(describe(tmp_path)))
    (tmp_path / "x.toml").write_text("= 1", encoding="utf-8")
    with pytest.raises(InputError, match="not valid TOML"):
        read_description(tmp_path / "x.toml")
    with pytest.raises(InputError, match="no such file; check the path"):
        read_description(tmp_path / "y.toml")


@pytest.mark.skipif(not basic_pitch_installed(), reason="basic-pitch is not installed")
def test_basic_pitch_hears_a_pitch():
    t = np.arange(3 * RATE_HZ) / RATE_HZ
    y = (0.3 * np.sin(2 * np.pi * 440 * t) * (t > 1.5)).astype(np.float32)
    values, hop_s = learned_representation(BASIC_PITCH).frames([y])
    assert values.shape == (264, 1 + y.size // 256)
    sounding = values[:, round(2.0 / hop_s) : round(2.5 / hop_s)].mean(axis=1)
    silent = values[:, round(0.5 / hop_s) : round(1.0 / hop_s)].mean(axis=1)
    assert abs(int(np.argmax(sounding)) - 36 * 4) <= 4  # A4: 48 semitones above 27.5 Hz, three bins each
    assert silent.max() < 0.5 * sounding.max()


def test_the_default_retriever_takes_it_too(tmp_path):
    write_model(tmp_path)
    model = learned_representation(str(describe(tmp_path)))
    retriever = make_retriever("default", representation=model)
    assert retriever.analysis_key != make_retriever("default").analysis_key
    y = bleeps((1.0, 4.0, 8.0), 12.0)
    analysis = retriever.analyse([y], n_samples=y.size)
    search = Search(retriever, analysis, [Started(Span(1.0, 2.0), "x", 5, retriever.name)])
    assert search.propose().span.start_s in (pytest.approx(4.0, abs=0.05), pytest.approx(8.0, abs=0.05))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="has no pipes among its files")
@pytest.mark.timeout(30)
def test_a_pipe_in_the_place_of_a_description_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.toml")
    with pytest.raises(InputError, match="is a pipe; a plain file is wanted there"):
        read_description(tmp_path / "pipe.toml")
