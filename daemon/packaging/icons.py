"""Draws the toolbar's icons, for dark and light themes and for screens of twice the points.

    python daemon/packaging/icons.py reaper_scripts/icons

A REAPER toolbar icon is three pictures side by side: as it is, under the mouse, and switched on.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image, ImageDraw

SIZE = 30
FINE = 8
"""Drawn so many times larger, then made smaller: smooth edges."""

SHADES = {"dark": (222, 222, 222), "light": (52, 54, 56)}
MARKS = {
    "accept": (96, 186, 110),
    "reject": (222, 104, 92),
    "find": (92, 156, 226),
    "convert": (226, 168, 70),
    "skip": None,
    "play": None,
}
NAMES = tuple(MARKS)
UNDER_MOUSE, SWITCHED_ON = 40, (92, 156, 226)


def drawn(name: str, ink: tuple[int, int, int], mark: tuple[int, int, int]) -> Image.Image:
    """One state of one icon, large."""
    n = SIZE * FINE
    picture = Image.new("RGBA", (n, n), (0, 0, 0, 0))
    draw = ImageDraw.Draw(picture)

    def at(*values: float) -> list[float]:
        return [value * n for value in values]

    pen = int(0.09 * n)
    if name == "find":
        draw.ellipse(at(0.2, 0.18, 0.64, 0.62), outline=ink, width=pen)
        draw.line(at(0.58, 0.56, 0.82, 0.82), fill=ink, width=int(1.3 * pen))
        for x, height in ((0.32, 0.1), (0.42, 0.2), (0.52, 0.12)):
            draw.line(at(x, 0.4 - height / 2, x, 0.4 + height / 2), fill=mark, width=int(0.7 * pen))
    elif name == "accept":
        draw.line(at(0.2, 0.52, 0.42, 0.74, 0.8, 0.28), fill=mark, width=int(1.4 * pen), joint="curve")
    elif name == "reject":
        draw.line(at(0.25, 0.25, 0.75, 0.75), fill=mark, width=int(1.4 * pen))
        draw.line(at(0.75, 0.25, 0.25, 0.75), fill=mark, width=int(1.4 * pen))
    elif name == "skip":
        for x in (0.2, 0.48):
            draw.polygon(at(x, 0.25, x + 0.28, 0.5, x, 0.75), fill=ink)
        draw.rectangle(at(0.76, 0.25, 0.83, 0.75), fill=ink)
    elif name == "play":
        draw.polygon(at(0.3, 0.22, 0.78, 0.5, 0.3, 0.78), fill=ink)
    else:
        draw.line(at(0.3, 0.18, 0.3, 0.84), fill=ink, width=pen)
        draw.polygon(at(0.3, 0.18, 0.8, 0.34, 0.3, 0.5), fill=mark)
    return picture


def icon(name: str, shade: str, scale: int) -> Image.Image:
    """An icon with its three states."""
    ink = SHADES[shade]
    towards = 1 if shade == "dark" else -1
    brighter = tuple(max(0, min(255, value + towards * UNDER_MOUSE)) for value in ink)
    side = SIZE * scale
    strip = Image.new("RGBA", (3 * side, side), (0, 0, 0, 0))
    for index, colour in enumerate((ink, brighter, SWITCHED_ON)):
        mark = MARKS[name] or colour
        strip.paste(drawn(name, colour, mark).resize((side, side), Image.Resampling.LANCZOS), (index * side, 0))
    return strip


def main(folder: Path) -> int:
    """Draw them all."""
    (folder / "200").mkdir(parents=True, exist_ok=True)
    for name in NAMES:
        for shade in SHADES:
            icon(name, shade, 1).save(folder / f"reatrieve_{name}_{shade}.png", optimize=True)
            icon(name, shade, 2).save(folder / "200" / f"reatrieve_{name}_{shade}.png", optimize=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
