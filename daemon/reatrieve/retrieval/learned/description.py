"""What has to be known of a model to feed it: a small TOML file beside it."""

from __future__ import annotations

import sys
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

from reatrieve.errors import InputError
from reatrieve.files import read_small, unreadable

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["ModelDescription", "read_description"]


@dataclass(frozen=True, slots=True)
class ModelDescription:
    """How a model takes audio and gives frames.

    Attributes
    ----------
    model : the ONNX file; in the TOML file relative to that file.
    rate_hz : sample rate of the input, mono.
    window_samples : samples that one call takes; 0: any number, the whole sound at once.
    hop_samples : samples from one frame to the next; frame t of a call is centred at sample ``t * hop_samples``.
    input, output : names in the model.
    name : what tables call it; by default the model's file name.
    overlap_frames : frames that successive windows share; half of them are dropped at either side, where the edge of
        a window disturbs them. Even.
    features_first : the output is (..., features, frames) instead of (..., frames, features).
    """

    model: Path
    rate_hz: int
    hop_samples: int
    input: str
    output: str
    window_samples: int = 0
    name: str = ""
    overlap_frames: int = 0
    features_first: bool = False

    def __post_init__(self) -> None:
        for field in ("rate_hz", "hop_samples"):
            if getattr(self, field) < 1:
                raise InputError(f"{self.model}: {field} is {getattr(self, field)}; it must be at least 1")
        if self.overlap_frames < 0 or self.overlap_frames % 2:
            raise InputError(f"{self.model}: overlap_frames is {self.overlap_frames}; it must be even, at least 0")
        if self.window_samples and self.step_samples < 1:
            raise InputError(
                f"{self.model}: a window of {self.window_samples} samples is no longer than the {self.overlap_frames} "
                "frames that windows share"
            )

    @property
    def label(self) -> str:
        """What tables call it."""
        return self.name or self.model.stem

    @property
    def step_samples(self) -> int:
        """Samples from the start of one window to that of the next."""
        whole_frames = self.window_samples // self.hop_samples
        return (whole_frames - self.overlap_frames) * self.hop_samples


MOST_BYTES = 65536

_KINDS: dict[str, type] = {
    "Path": str, "int": int, "str": str, "bool": bool,
}  # fmt: skip


def read_description(path: Path) -> ModelDescription:
    """Read the TOML file of a model.

    Raises
    ------
    InputError
        It cannot be read, lacks a key, has an unknown one or a value of the wrong kind.
    """
    try:
        content = read_small(path, max_bytes=MOST_BYTES, any_link=True, what="description of a model")
        values: dict[str, Any] = tomllib.loads(content.decode("utf-8"))
    except OSError as error:
        raise InputError(unreadable(path, error)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not valid TOML: {error}") from error
    known = {field.name: field for field in fields(ModelDescription)}
    for key, value in values.items():
        if key not in known:
            raise InputError(f"{path}: unknown key {key!r} (known: {', '.join(known)})")
        kind = _KINDS[str(known[key].type)]
        if type(value) is not kind:
            raise InputError(f"{path}: {key} is {value!r}, need {kind.__name__}")
    for key, field in known.items():
        if field.default is MISSING and key not in values:
            raise InputError(f"{path}: {key} is missing")
    values["model"] = path.parent / values["model"]
    return ModelDescription(**values)
