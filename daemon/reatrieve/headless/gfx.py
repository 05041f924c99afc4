"""The gfx window of a script: draws into a picture, has mouse, keys and focus."""

from __future__ import annotations

import math
import unicodedata
from collections import deque
from functools import lru_cache
from typing import Any

from PIL import Image, ImageDraw, ImageFont

__all__ = ["DRAWING", "RECEIVED", "SENT", "GfxWindow", "draw_text", "drawable", "text_width"]

DRAWING = frozenset(
    f"gfx.{name}"
    for name in (
        "rect", "rectto", "roundrect", "gradrect", "line", "lineto", "circle", "arc", "triangle", "setpixel", "drawstr",
        "drawnumber", "drawchar", "printf", "blit", "muladdrect", "blurto",
    )
)  # fmt: skip
SENT = ("r", "g", "b", "a", "a2", "mode", "x", "y", "dest", "clear", "mouse_wheel", "mouse_hwheel", "ext_retina")
RECEIVED = (*SENT, "mouse_x", "mouse_y", "mouse_cap", "w", "h", "texth")
_SPELT = {
    "ß": "ss", "ẞ": "SS", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d",
    "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th", "ı": "i", "–": "-", "—": "-", "−": "-", "×": "x", "•": "·",
    "„": "“", "‚": "‘",
}  # fmt: skip
"""Letters and signs that Unicode does not take apart."""


@lru_cache(maxsize=64)
def _font(size: int) -> Any:
    """Pillow's own face whatever face was asked: the same picture on every machine."""
    return ImageFont.load_default(size=max(size, 4))


@lru_cache(maxsize=4096)
def _has(char: str) -> bool:
    """Whether the face draws this character as something else than its box."""
    box, glyph = (_font(20).getmask(one) for one in ("\uffff", char))
    return (glyph.size, bytes(glyph)) != (box.size, bytes(box))


@lru_cache(maxsize=4096)
def drawable(text: str) -> str:
    """The text in characters that the face has: letters without accents, others spelt, ``?`` for the rest."""
    return "".join(char if _has(char) else _folded(char) for char in text)


def _folded(char: str) -> str:
    parts = unicodedata.normalize("NFKD", _SPELT.get(char, char))
    return "".join(part if _has(part) else "?" for part in parts if unicodedata.category(part) not in ("Mn", "Cf"))


@lru_cache(maxsize=4096)  # the window draws the same words in every frame
def text_width(text: str, size: int) -> float:
    """Pixels from a line's start to its end. Pillow's hinted blanks are hardly seen; these are as in Arial."""
    words = drawable(text).split(" ")
    return float(sum(map(_font(size).getlength, words)) + math.ceil(0.27 * size) * (len(words) - 1))


def draw_text(pen: ImageDraw.ImageDraw, at: tuple[float, float], text: str, size: int, fill: tuple[int, ...]) -> None:
    """Draw a line as ``text_width`` measures it."""
    x, y = at
    for word in drawable(text).split(" "):
        pen.text((x, y), word, fill=fill, font=_font(size))
        x += text_width(f"{word} ", size)


class GfxWindow:
    """One window; before ``gfx.init`` it is not open but drawing works, as in REAPER.

    ``pixel_ratio`` is that of the screen; the window has it if its script asked for it by ``gfx.ext_retina``.
    """

    def __init__(self, pixel_ratio: int = 1) -> None:
        self.pixel_ratio = pixel_ratio
        self.open = False
        self.title = ""
        self.dock = 0
        self.position = (100, 100)
        self.keys: deque[int] = deque()
        self.values = dict.fromkeys(RECEIVED, 0.0)
        self.values.update(r=1.0, g=1.0, b=1.0, a=1.0, a2=1.0, dest=-1.0)
        self.fonts: dict[int, tuple[str, int, int]] = {}
        self.font_index = 0
        self.images: dict[int, Image.Image] = {}
        self.frame = Image.new("RGB", (1, 1))
        self.menus: list[str] = []
        self.cleared = False
        self.wheel = 0.0  # turned since the script last looked

    def init(self, title: str, width: int, height: int, dock: int, x: int | None, y: int | None) -> None:
        """Open the window, or rename and resize it; ``width`` and ``height`` in points."""
        if title:
            self.title = title
        if self.values["ext_retina"] > 0 and not self.open:
            self.values["ext_retina"] = float(self.pixel_ratio)
        if width > 0 and height > 0:
            self.resize(round(width * self.ratio), round(height * self.ratio))
        if x is not None and y is not None:
            self.position = (x, y)
        self.dock = dock
        self.open = True

    def resize(self, width: int, height: int) -> None:
        """Give it another size; it is black until it is drawn again."""
        if (width, height) != (self.values["w"], self.values["h"]):
            self.values.update(w=float(width), h=float(height))
            self.frame = Image.new("RGB", (width, height))

    @property
    def ratio(self) -> float:
        """Pixels a point, as this window draws them."""
        return max(self.values["ext_retina"], 1.0)

    def close(self) -> None:
        """The window goes; getchar then says -1."""
        self.open = False

    def take_state(self, values: list[float], draws: bool) -> None:
        """What the script set its gfx variables to; the first drawing of a frame clears it."""
        self.values.update(zip(SENT, values, strict=True))
        self.values["mouse_wheel"] += self.wheel
        self.wheel = 0.0
        if draws and not self.cleared and self.values["clear"] > -1:
            color = int(self.values["clear"])
            self.frame.paste((color & 255, color >> 8 & 255, color >> 16 & 255), (0, 0, *self.frame.size))
            self.cleared = True

    def give_state(self) -> list[float]:
        """The gfx variables after a call."""
        self.values["texth"] = float(self.line_height())
        return [self.values[key] for key in RECEIVED]

    def begin_frame(self) -> None:
        """What is drawn from now on is a new picture."""
        self.cleared = False

    @property
    def color(self) -> tuple[int, int, int, int]:
        """Red, green, blue and alpha, 0 to 255."""
        red, green, blue, alpha = (round(255 * min(max(self.values[key], 0.0), 1.0)) for key in "rgba")
        return red, green, blue, alpha

    @property
    def target(self) -> Image.Image:
        """Where drawing goes: the window, or an image that ``gfx.dest`` names."""
        dest = int(self.values["dest"])
        return self.frame if dest < 0 else self.images.setdefault(dest, Image.new("RGB", (1, 1)))

    def draw(self) -> ImageDraw.ImageDraw:
        """A pen that blends by alpha."""
        return ImageDraw.Draw(self.target, "RGBA")

    @property
    def font_size(self) -> int:
        """Of the chosen font."""
        return max(self.fonts.get(self.font_index, ("", 12, 0))[1], 4)

    def line_height(self) -> int:
        """Pixels from line to line."""
        ascent, descent = _font(self.font_size).getmetrics()
        return int(ascent + descent)

    def measure(self, text: str) -> tuple[int, int]:
        """Width and height of a text in pixels."""
        lines = text.split("\n")
        width = max((text_width(line, self.font_size) for line in lines), default=0)
        return round(width), self.line_height() * len(lines)

    def text(self, text: str) -> None:
        """Draw a text at x, y and move x to its end (y to its last line)."""
        pen = self.draw()
        x, y = self.values["x"], self.values["y"]
        for index, line in enumerate(text.split("\n")):
            if index:
                x, y = self.values["x"], y + self.line_height()
            draw_text(pen, (x, y), line, self.font_size, self.color)
            last = x + text_width(line, self.font_size)
        self.values.update(x=float(round(last)), y=float(y))
