"""A picture of REAPER's arrange view, drawn from the headless host: ruler, regions, tracks, items, selection."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from reatrieve.headless.gfx import draw_text, text_width

__all__ = ["arrange_view", "with_window"]

Rgb: TypeAlias = tuple[int, int, int]


class Colours(NamedTuple):
    """Of one theme."""

    background: Rgb
    panel: Rgb
    line: Rgb
    item: Rgb
    wave: Rgb
    ink: Rgb
    faint: Rgb
    canvas: Rgb
    grid: Rgb
    selection: tuple[int, int, int, int]


COLOURS = {
    "dark": Colours(
        background=(52, 54, 56), panel=(70, 73, 76), line=(38, 40, 42), item=(88, 96, 104), wave=(28, 32, 36),
        ink=(236, 236, 236), faint=(170, 174, 178), canvas=(44, 46, 48), grid=(58, 61, 64),
        selection=(255, 255, 255, 38),
    ),
    "light": Colours(
        background=(222, 224, 226), panel=(204, 207, 210), line=(170, 173, 176), item=(190, 200, 210),
        wave=(70, 80, 92),
        ink=(20, 22, 24), faint=(90, 94, 98), canvas=(240, 241, 242), grid=(222, 224, 226), selection=(0, 0, 0, 30),
    ),
}  # fmt: skip
PANEL_W, REGIONS_H, RULER_H = 150, 22, 24
RATE_HZ = 8000
"""Of the samples that a waveform is drawn from."""


def arrange_view(project: Any, *, size: tuple[int, int], theme: str = "dark") -> Image.Image:
    """Draw the project as its view shows it.

    Parameters
    ----------
    project : reatrieve.headless.Project
    size : width and height in pixels.
    theme : a key of ``COLOURS``.
    """
    width, height = size
    colours = COLOURS[theme]
    image = Image.new("RGB", size, colours.canvas)
    draw = ImageDraw.Draw(image, "RGBA")
    from_s, to_s = project.view
    large, small = 13, 12
    top = REGIONS_H + RULER_H

    def x_of(time_s: float) -> float:
        return float(PANEL_W + (time_s - from_s) / (to_s - from_s) * (width - PANEL_W))

    step_s = next(step for step in (1, 2, 5, 10, 15, 30, 60, 300, 600) if (to_s - from_s) / step <= 14)
    draw.rectangle((0, 0, width, top), fill=colours.background)
    for tick_s in np.arange(np.ceil(from_s / step_s) * step_s, to_s, step_s):
        draw.line((x_of(tick_s), REGIONS_H, x_of(tick_s), height), fill=colours.grid)
        clock = f"{int(tick_s) // 60}:{int(tick_s) % 60:02d}"
        draw_text(draw, (x_of(tick_s) + 4, REGIONS_H + 5), clock, small, colours.faint)
    lane_h = (height - top) // max(1, len(project.tracks))
    for index, track in enumerate(project.tracks):
        y = top + index * lane_h
        for item in track.items:
            begin_s, length_s = item.model.values["D_POSITION"], item.model.values["D_LENGTH"]
            _item(image, colours, item.source, length_s, (x_of(begin_s), x_of(begin_s + length_s)), y, lane_h - 2)
        draw.line((0, y + lane_h - 1, width, y + lane_h - 1), fill=colours.line)
    selected_s = project.time_selection
    if selected_s[1] > selected_s[0]:
        draw.rectangle((x_of(selected_s[0]), REGIONS_H, x_of(selected_s[1]), height), fill=colours.selection)
    for region in project.regions:
        x, x2 = x_of(region.start_s), max(x_of(region.end_s), x_of(region.start_s) + 3)
        if x2 > PANEL_W and x < width:
            _region(draw, colours, region, (x, min(x2, width)), height, small)
    x = x_of(project.cursor_s)
    if x >= PANEL_W:
        draw.line((x, REGIONS_H, x, height), fill=colours.ink)
    _panel(draw, colours, project, top, lane_h, height, large)
    return image


def with_window(arrange: Image.Image, window: Image.Image) -> Image.Image:
    """The arrange view with a window docked below it."""
    width = max(arrange.width, window.width)
    whole = Image.new("RGB", (width, arrange.height + 4 + window.height), (38, 40, 42))
    whole.paste(arrange, (0, 0))
    whole.paste(window, (0, arrange.height + 4))
    return whole


def _region(
    draw: ImageDraw.ImageDraw, colours: Colours, region: Any, edges: tuple[float, float], height: int, size: int
) -> None:
    red, green, blue = (int(region.color[k : k + 2], 16) for k in (1, 3, 5)) if region.color else colours.faint
    x, x2 = max(edges[0], PANEL_W), edges[1]
    draw.rectangle((x, REGIONS_H, x2, height), fill=(red, green, blue, 40))
    draw.rectangle((x, 2, x2, REGIONS_H - 2), fill=(red, green, blue))
    ink = (0, 0, 0) if 0.3 * red + 0.59 * green + 0.11 * blue > 110 else (255, 255, 255)
    name = region.name
    while name and text_width(name, size) > x2 - x - 4:
        name = name.rpartition(" ")[0]
    draw_text(draw, (x + 3, 4), name, size, ink)


def _item(
    image: Image.Image, colours: Colours, source: Any, length_s: float, edges: tuple[float, float], y: int, height: int
) -> None:
    x, x2 = max(int(edges[0]), PANEL_W), min(int(edges[1]), image.width)
    draw = ImageDraw.Draw(image, "RGBA")
    draw.rectangle((x, y + 1, x2, y + height), fill=colours.item, outline=colours.line)
    draw.rectangle((x, y + 1, x2, y + 16), fill=colours.panel)
    if source is None:
        return
    draw_text(draw, (x + 5, y + 2), Path(source.path).name, 12, colours.ink)
    columns = max(1, int(edges[1]) - int(edges[0]))
    samples = np.asarray(source.read(0.0, int(length_s * RATE_HZ), RATE_HZ), dtype=np.float32)
    peaks = _peaks(samples.reshape(len(samples), -1).mean(axis=1), columns)
    middle, half = y + 16 + (height - 16) / 2, (height - 20) / 2
    for column in range(x, x2):
        low, high = peaks[:, min(columns - 1, column - int(edges[0]))]
        draw.line((column, middle - high * half, column, middle - low * half), fill=colours.wave)


def _peaks(samples: NDArray[np.float32], columns: int) -> NDArray[np.float32]:
    """Lowest and highest of each column: samples [shape=(n,)] to [shape=(2, columns)]."""
    edges = np.arange(columns) * len(samples) // columns
    loudest = max(float(np.abs(samples).max()), 1e-6)
    both = np.stack([np.minimum.reduceat(samples, edges), np.maximum.reduceat(samples, edges)])
    return np.asarray(both / np.float32(loudest), dtype=np.float32)


def _panel(
    draw: ImageDraw.ImageDraw, colours: Colours, project: Any, top: int, lane_h: int, height: int, size: int
) -> None:
    draw.rectangle((0, 0, PANEL_W - 1, height), fill=colours.background)
    draw.line((PANEL_W - 1, 0, PANEL_W - 1, height), fill=colours.line)
    for index, track in enumerate(project.tracks):
        y = top + index * lane_h
        draw.rectangle((2, y + 1, PANEL_W - 4, y + lane_h - 2), fill=colours.panel)
        draw_text(draw, (10, y + 8), f"{index + 1}  {track.name}", size, colours.ink)
        draw.rounded_rectangle((10, y + 34, PANEL_W - 14, y + 40), 3, fill=colours.line)
        draw.rounded_rectangle(
            (10 + 0.7 * (PANEL_W - 24), y + 30, 20 + 0.7 * (PANEL_W - 24), y + 44), 3, fill=colours.faint
        )
        for k, letter in enumerate("MS"):
            draw.rounded_rectangle((10 + 28 * k, y + 54, 32 + 28 * k, y + 72), 3, outline=colours.faint)
            draw_text(draw, (16 + 28 * k, y + 56), letter, size, colours.faint)
