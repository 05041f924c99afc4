"""An ONNX model as a representation: audio in, frame features out, window by window."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import librosa
import numpy as np
from numpy.typing import NDArray

from reatrieve.errors import InputError
from reatrieve.files import open_source
from reatrieve.installation import loaded
from reatrieve.retrieval.learned.description import ModelDescription, read_description
from reatrieve.retrieval.representations import Features
from reatrieve.session.retriever import ANALYSIS_RATE_HZ

__all__ = ["BASIC_PITCH", "LearnedRepresentation", "basic_pitch_installed", "learned_representation"]

BASIC_PITCH = "basic-pitch"
"""The name under which the contour output of basic-pitch [1]_ is known when its package is installed.

.. [1] Bittner et al., "A lightweight instrument-agnostic model for polyphonic note transcription", ICASSP 2022.
"""

_BATCH = 16


class LearnedRepresentation:
    """Frame features from an ONNX model.

    Parameters
    ----------
    description : how to feed the model.

    Raises
    ------
    InputError
        onnxruntime is not installed, the model cannot be loaded, or has no input or output of that name.
    """

    def __init__(self, description: ModelDescription) -> None:
        self._description = description
        self._session = _session(description)
        with open_source(description.model) as file:
            self._digest = hashlib.sha256(file.read()).hexdigest()[:16]

    @property
    def name(self) -> str:
        """The name people see."""
        return self._description.label

    @property
    def key(self) -> str:
        """Changes with the model's content and with how it is fed."""
        d = self._description
        fed = (d.rate_hz, d.window_samples, d.hop_samples, d.overlap_frames, d.input, d.output, d.features_first)
        return f"learned {self._digest} {' '.join(map(str, fed))}"

    def __reduce__(self) -> tuple[type[LearnedRepresentation], tuple[ModelDescription]]:
        """Travel to other processes as a description; the model is loaded there."""
        return (LearnedRepresentation, (self._description,))

    def frames(self, blocks: Iterable[NDArray[np.float32]]) -> Features:
        """Features of mono float32 audio at ``ANALYSIS_RATE_HZ`` that comes in blocks of any length.

        Blocks are [shape=(n,)]; values are [shape=(n_features, n_frames), float32].

        Returns
        -------
        Features
            Frame t centred at ``t * hop_samples / rate_hz`` seconds, as many frames as begin within the sound.

        Raises
        ------
        InputError
            The model fails on the audio, or gives something that is not frames by features.
        """
        d = self._description
        y = np.concatenate(list(blocks))
        if d.rate_hz != ANALYSIS_RATE_HZ:
            y = librosa.resample(y, orig_sr=ANALYSIS_RATE_HZ, target_sr=d.rate_hz)
        n_frames = 1 + y.size // d.hop_samples
        values = self._windowed(y, n_frames) if d.window_samples else self._run(y[None])[0]
        if values.shape[0] < n_frames:  # models differ in how they treat the last partial frame
            values = np.pad(values, ((0, n_frames - values.shape[0]), (0, 0)), mode="edge")
        return Features(np.ascontiguousarray(values[:n_frames].T, dtype=np.float32), d.hop_samples / d.rate_hz)

    def _windowed(self, y: NDArray[np.float32], n_frames: int) -> NDArray[np.float32]:
        """Frames of overlapping windows, each giving its middle part; [n_frames or a few more, n_features]."""
        d = self._description
        margin = d.overlap_frames // 2
        kept = d.step_samples // d.hop_samples
        n_windows = -(-n_frames // kept)
        padded = np.zeros((n_windows - 1) * d.step_samples + d.window_samples, dtype=np.float32)
        lead = margin * d.hop_samples
        usable = min(y.size, padded.size - lead)
        padded[lead : lead + usable] = y[:usable]
        starts = np.arange(n_windows) * d.step_samples
        parts = []
        for first in range(0, n_windows, _BATCH):
            windows = np.stack([padded[at : at + d.window_samples] for at in starts[first : first + _BATCH]])
            out = self._run(windows)
            if out.shape[1] < margin + kept:
                raise InputError(
                    f"{self.name}: {out.shape[1]} frames a window, but {d.window_samples} samples at a hop of "
                    f"{d.hop_samples} should give {margin + kept} or more; check hop_samples"
                )
            parts.append(out[:, margin : margin + kept].reshape(-1, out.shape[2]))
        return np.concatenate(parts)

    def _run(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """One call a batch, or one a window where the model takes no batch; [n_windows, n_frames, n_features]."""
        d = self._description
        shape = next(given.shape for given in self._session.get_inputs() if given.name == d.input)
        try:
            if len(shape) == 1:
                outs = [self._session.run([d.output], {d.input: window})[0] for window in windows]
                out = np.stack([np.reshape(one, (-1, *np.shape(one)[-2:]))[0] for one in outs])
            else:
                fed = windows
                if len(shape) == 3:
                    fed = windows[:, None, :] if shape[1] == 1 else windows[:, :, None]
                calls = [fed] if not isinstance(shape[0], int) else [one[None] for one in fed]
                out = np.concatenate([self._session.run([d.output], {d.input: call})[0] for call in calls])
        except Exception as error:  # onnxruntime has no base class of its own for what goes wrong in a model
            raise InputError(f"{self.name} fails on {windows.shape[1]} samples: {error}") from error
        if out.ndim != 3:
            raise InputError(f"{self.name}: output {d.output!r} has shape {out.shape}; need batch, frames, features")
        return np.asarray(out.swapaxes(1, 2) if d.features_first else out, dtype=np.float32)


def basic_pitch_installed() -> bool:
    """Whether the package with basic-pitch's weights is there."""
    return find_spec("basic_pitch") is not None


def learned_representation(name: str) -> LearnedRepresentation:
    """The model described by a TOML file, or ``basic-pitch``.

    Raises
    ------
    InputError
        No such file or package, or as `LearnedRepresentation`.
    """
    if name != BASIC_PITCH:
        return LearnedRepresentation(read_description(Path(name)))
    spec = find_spec("basic_pitch")  # located, not imported: importing would want TensorFlow
    if spec is None or spec.origin is None:
        raise InputError("basic-pitch is not installed; install it with: pip install --no-deps basic-pitch")
    return LearnedRepresentation(
        ModelDescription(
            name=BASIC_PITCH,
            model=Path(spec.origin).parent / "saved_models" / "icassp_2022" / "nmp.onnx",
            rate_hz=22050,
            window_samples=43844,
            hop_samples=256,
            overlap_frames=30,
            input="serving_default_input_2:0",
            output="StatefulPartitionedCall:0",
        )
    )


def _session(description: ModelDescription) -> Any:
    onnxruntime = loaded("onnxruntime")
    if not description.model.is_file():
        raise InputError(f"no such model: {description.model}")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # results must not depend on the number of cores
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(str(description.model), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # as above: onnxruntime raises bare kinds of its own
        raise InputError(f"{description.model.name} cannot be loaded as an ONNX model: {error}") from error
    for what, wanted, known in (
        ("input", description.input, [one.name for one in session.get_inputs()]),
        ("output", description.output, [one.name for one in session.get_outputs()]),
    ):
        if wanted not in known:
            raise InputError(f"{description.model.name} has no {what} {wanted!r} (known: {', '.join(known)})")
    return session
