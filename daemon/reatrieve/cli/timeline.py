"""The searched track as a line of text and as a picture: what was marked, found, rejected and missed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from reatrieve.annotations.truth import Truth
from reatrieve.headless.gfx import drawable
from reatrieve.session.spans import Span
from reatrieve.session.state import SessionState

__all__ = ["LEGEND", "Mark", "MarkKind", "marks_of", "picture", "text_line"]

MarkKind: TypeAlias = Literal["example", "accepted", "rejected", "skipped", "missed"]

SIGN: dict[MarkKind, str] = {"example": "E", "accepted": "█", "rejected": "x", "skipped": "-", "missed": "o"}
# Okabe and Ito's palette: told apart by colour-blind eyes too
COLOR: dict[MarkKind, tuple[int, int, int]] = {
    "example": (86, 180, 233),
    "accepted": (0, 158, 115),
    "rejected": (213, 94, 0),
    "skipped": (150, 150, 150),
    "missed": (240, 228, 66),
}
LEGEND = "E example  █ accepted  x rejected  - skipped  o missed"
BACKGROUND, INK, FAINT = (18, 20, 26), (230, 232, 238), (110, 114, 126)


@dataclass(frozen=True, slots=True)
class Mark:
    """One span on the timeline; ``text`` stands in it where there is room."""

    span: Span
    kind: MarkKind
    text: str = ""


def marks_of(state: SessionState, truth: Truth | None = None) -> list[Mark]:
    """The example, every answer as it stands (accepted ones numbered), and with ``truth`` what was missed."""
    kinds: dict[str, MarkKind] = {"accepted": "accepted", "rejected": "rejected", "skipped": "skipped"}
    marks = [Mark(state.example, "example", "E")]
    accepted = 0
    for one in state.candidates.values():
        if one.state in kinds:
            accepted += one.state == "accepted"
            marks.append(Mark(one.span, kinds[one.state], str(accepted) if one.state == "accepted" else ""))
    if truth is not None:
        missed = set(range(len(truth.occurrences))) - truth.credited - {truth.example}
        marks += [Mark(truth.occurrences[index], "missed") for index in sorted(missed, key=str)]
    return marks


def text_line(marks: Sequence[Mark], *, duration_s: float, width: int = 72) -> str:
    """The track as ``width`` characters: E example, █ accepted, x rejected, - skipped, o missed, · nothing."""
    cells = ["·"] * width
    order: tuple[MarkKind, ...] = ("skipped", "rejected", "missed", "accepted", "example")
    for kind in order:
        for mark in marks:
            if mark.kind == kind:
                first = min(width - 1, int(mark.span.start_s / duration_s * width))
                last = max(first + 1, min(width, round(mark.span.end_s / duration_s * width)))
                cells[first:last] = SIGN[kind] * (last - first)
    return "".join(cells)


def picture(
    marks: Sequence[Mark],
    samples: NDArray[np.float32],
    *,
    rate_hz: int,
    title: str,
    caption: str,
    size: tuple[int, int] = (1600, 560),
) -> Image.Image:
    """Draw the track as a mel spectrogram with the marks over and under it.

    Parameters
    ----------
    samples : np.ndarray [shape=(n,)]
        The searched audio, mono.
    title, caption : lines above and below.
    """
    width, height = size
    left, right, top, bottom = 40, width - 40, 150, height - 110
    duration_s = len(samples) / rate_hz
    image = Image.new("RGB", size, BACKGROUND)
    image.paste(_spectrogram(samples, rate_hz, right - left, bottom - top), (left, top))
    draw = ImageDraw.Draw(image, "RGBA")
    large, small = ImageFont.load_default(30), ImageFont.load_default(17)
    draw.text((left, 22), drawable(title), fill=INK, font=large)

    def x_of(seconds: float) -> float:
        return left + (right - left) * seconds / duration_s

    for mark in sorted(marks, key=lambda m: m.kind == "example"):
        x0, x1 = x_of(mark.span.start_s), max(x_of(mark.span.end_s), x_of(mark.span.start_s) + 3)
        color = COLOR[mark.kind]
        lane = (top - 44, top - 8) if mark.kind in {"example", "accepted"} else (bottom + 8, bottom + 34)
        if mark.kind == "missed":
            draw.rectangle((x0, lane[0], x1, lane[1]), outline=color, width=2)
        else:
            draw.rectangle((x0, lane[0], x1, lane[1]), fill=color)
        if mark.kind in {"example", "accepted"}:
            draw.rectangle((x0, top, x1, bottom), outline=(*color, 255), fill=(*color, 38), width=2)
        text = drawable(mark.text)
        if text and draw.textlength(text, font=small) < x1 - x0 - 4:
            draw.text(((x0 + x1) / 2, (lane[0] + lane[1]) / 2), text, fill=BACKGROUND, font=small, anchor="mm")
    step = next(s for s in (5, 10, 15, 30, 60, 300, 600, 1800, 1e9) if duration_s / s <= 14)
    for tick in np.arange(0.0, duration_s, step):
        draw.text(
            (x_of(tick), top - 52), f"{int(tick) // 60}:{int(tick) % 60:02d}", fill=FAINT, font=small, anchor="ms"
        )
        draw.line((x_of(tick), top - 48, x_of(tick), top), fill=(*FAINT, 70))
    _legend(draw, {mark.kind for mark in marks}, left, height - 62, small)
    draw.text((left, height - 32), drawable(caption), fill=INK, font=small)
    return image


def _legend(
    draw: ImageDraw.ImageDraw,
    kinds: set[MarkKind],
    x: float,
    y: float,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
) -> None:
    words: dict[MarkKind, str] = {
        "example": "marked by hand",
        "accepted": "found and accepted",
        "rejected": "proposed and rejected",
        "skipped": "skipped",
        "missed": "missed",
    }
    for kind, word in words.items():
        if kind in kinds:
            draw.rectangle(
                (x, y + 2, x + 22, y + 18), fill=COLOR[kind] if kind != "missed" else None, outline=COLOR[kind], width=2
            )
            draw.text((x + 30, y + 10), word, fill=INK, font=font, anchor="lm")
            x += 60 + draw.textlength(word, font=font)


def _spectrogram(samples: NDArray[np.float32], rate_hz: int, width: int, height: int) -> Image.Image:
    import librosa  # costs a second: only a picture pays it

    hop = max(256, len(samples) // (2 * width))
    power = librosa.feature.melspectrogram(y=samples, sr=rate_hz, hop_length=hop, n_mels=96)
    level = librosa.power_to_db(power, ref=np.max, top_db=70.0) / 70.0 + 1.0
    ramp = np.array([(18, 20, 26), (38, 40, 74), (92, 60, 120), (190, 90, 110), (250, 190, 140)], dtype=float)
    place = np.clip(level[::-1], 0.0, 1.0) * (len(ramp) - 1)
    rgb = np.stack([np.interp(place, np.arange(len(ramp)), ramp[:, c]) for c in range(3)], axis=-1)
    return Image.fromarray(rgb.astype(np.uint8)).resize((width, height), Image.Resampling.BILINEAR)
