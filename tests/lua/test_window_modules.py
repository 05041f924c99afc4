"""Parts of the window that say nothing to REAPER: colours that can be read, the curve from its pages, menus."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import lupa.lua53 as lua53
import lupa.lua54 as lua54
import numpy as np
import pytest

from reatrieve.service.curves import pages

LIB = Path(__file__).resolve().parents[2] / "reaper_scripts" / "lib"


@pytest.fixture(params=[lua53, lua54], ids=["5.3", "5.4"])
def lua(request: pytest.FixtureRequest) -> Any:
    runtime = request.param.LuaRuntime(encoding="latin-1")
    runtime.execute(f"package.path = {str(LIB / '?.lua')!r}")
    return runtime


def contrast(one: tuple[int, ...], other: tuple[int, ...]) -> float:
    """As WCAG 2 defines it."""

    def luminance(rgb: tuple[int, ...]) -> float:
        parts = [value / 255 for value in rgb]
        linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in parts]
        return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))

    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


def test_texts_can_be_read_on_every_ground(lua: Any) -> None:
    theme = lua.eval('(require("theme"))')
    grounds = [None, *itertools.product((0, 51, 110, 128, 180, 232, 255), repeat=3)]
    for ground in grounds:
        palette = theme.palette(lua.table_from(ground) if ground else None)
        for ink in ("ink", "faint", "alarm", "candidate"):
            for behind in ("panel", "button", "ground"):
                one, other = (tuple(palette[name].values()) for name in (ink, behind))
                assert contrast(one, other) >= 4.4, (ground, ink, behind, one, other)


def test_a_curve_is_put_together_from_its_pages_in_any_order(lua: Any) -> None:
    curve = lua.eval('(require("curve"))')
    values = np.linspace(0.0, 1.0, 1234, dtype=np.float32)
    made = list(pages("S", 3, values, start_s=10.0, end_s=25.0))
    assert [len(page.values) for page in made] == [500, 500, 234]

    def take(page: Any) -> None:
        fields = {"curve": page.curve, "page": page.page, "pages": page.pages, "start_s": page.start_s}
        curve.take("S", lua.table_from({**fields, "end_s": page.end_s, "values": page.values.decode("latin-1")}))

    for page in (made[2], made[0], made[0]):
        take(page)
        assert curve.of("S") is None
    take(made[1])
    one = curve.of("S")
    assert list(one["values"].values()) == np.round(values * 255).astype(int).tolist()
    assert (one["start_s"], one["end_s"], one["number"]) == (10.0, 25.0, 3)
    (later,) = pages("S", 4, values[:10], start_s=10.0, end_s=25.0)
    take(made[0])  # of an older one, which is shown already
    take(later)
    assert len(curve.of("S")["values"]) == 10
    curve.forget()
    assert curve.of("S") is None


def test_columns_peaks_and_the_window_of_time(lua: Any) -> None:
    curve = lua.eval('(require("curve"))')
    values = [0] * 100
    values[30], values[31], values[60] = 200, 100, 60
    one = lua.table_from({"number": 1, "start_s": 0.0, "end_s": 10.0, "values": lua.table_from(values)})

    def seconds(from_s: float, to_s: float) -> Any:
        return lua.table_from({"from_s": from_s, "to_s": to_s})

    columns = dict(curve.columns(one, seconds(0.0, 20.0), 20))
    assert {k for k, height in columns.items() if height > 0} == {4, 7}
    assert columns[4] == pytest.approx(200 / 255)
    assert set(columns) == set(range(1, 11))  # the curve ends there
    fine = dict(curve.columns(one, seconds(3.0, 3.1), 50))
    assert min(fine.values()) == pytest.approx(200 / 255)
    assert curve.peak(one, 3.3, 0.5)[0] == pytest.approx(3.05)
    assert curve.peak(one, 6.0, 0.5) is None  # too low
    assert curve.peak(one, 4.5, 0.5) is None
    limits = seconds(0.0, 10.0)
    near = curve.zoomed(limits, limits, 4, 8.0)
    assert near["from_s"] < 8.0 < near["to_s"]
    assert (8.0 - near["from_s"]) / (near["to_s"] - near["from_s"]) == pytest.approx(0.8)
    far = curve.zoomed(near, limits, -50, 5.0)
    assert (far["from_s"], far["to_s"]) == (0.0, 10.0)
    nearest = curve.zoomed(limits, limits, 100, 8.0)
    assert nearest["to_s"] - nearest["from_s"] == pytest.approx(0.25)
    end = curve.scrolled(near, limits, 100.0)
    assert end["to_s"] == 10.0
    assert end["to_s"] - end["from_s"] == pytest.approx(near["to_s"] - near["from_s"])


def test_a_menu_counts_what_can_be_chosen(lua: Any) -> None:
    menu = lua.eval('(require("menu"))')
    items = lua.eval("""{
      { text = "!odd | one & two", checked = true }, { text = "" },
      { text = "Sub", items = { { text = "head:", heading = true }, { text = "a", checked = true }, { text = "b" } } },
      { text = "last" } }""")
    text, numbered = menu.text(items)
    assert text == "! !odd / one && two||>Sub|#head:|!a|<b|last"
    assert [item["text"] for item in numbered.values()] == ["!odd | one & two", "head:", "a", "b", "last"]


def test_a_text_on_the_curve_has_a_ground_of_its_own(lua: Any) -> None:
    """Else the bar of a place there runs through its letters."""
    lua.execute("""
      drawn = {}
      gfx = { x = 0, y = 0, set = function(...) ink = { ... } end, setfont = function() end,
        measurestr = function(text) return 6 * #text, 12 end,
        rect = function(x, y, w, h, filled) drawn[#drawn + 1] = { "rect", x, y, w, h, filled, ink[1] } end,
        drawstr = function(text) drawn[#drawn + 1] = { "text", gfx.x, gfx.y, 6 * #text, 12 } end }
      local paint = require("paint")
      local box = { kind = "text", x = 10, y = 20, w = 200, h = 12, size = 11, ink = "faint", text = "The curve comes",
        align = "center", over = "curve" }
      paint.boxes({ box }, { panel = { 255, 0, 0 }, faint = { 0, 0, 0 } })
      box.over = nil
      paint.boxes({ box }, { panel = { 255, 0, 0 }, faint = { 0, 0, 0 } })
    """)
    ground, text, alone = (list(one.values()) for one in lua.globals().drawn.values())
    assert [ground[0], *ground[5:]] == ["rect", 1, 1.0]
    assert (text[0], alone[0]) == ("text", "text")
    assert ground[1] <= text[1]
    assert ground[1] + ground[3] >= text[1] + text[3]
    assert ground[2] <= text[2]
    assert ground[2] + ground[4] >= text[2] + text[4]
