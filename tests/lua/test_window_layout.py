"""The window's boxes, in every size, on every screen and for whatever it shows: inside, apart, and no text too long."""

from __future__ import annotations

import itertools
from functools import cache
from pathlib import Path
from typing import Any

import lupa.lua53 as lua53
import lupa.lua54 as lua54
import pytest
from PIL import ImageFont

LIB = Path(__file__).resolve().parents[2] / "reaper_scripts" / "lib"
SIZES = [
    (200, 120),
    (240, 135),
    (299, 199),
    (300, 200),
    (400, 300),
    (480, 320),
    (700, 160),
    (1200, 400),
    (300, 800),
    (1600, 900),
]
SCALES = [1, 1.5, 2]
VERBS = [
    "accept",
    "reject",
    "skip",
    "undo",
    "play",
    "previous",
    "find",
    "accept_rest",
    "continue",
    "finish",
    "convert",
    "export",
]
SESSION = {
    "id": "S", "label": "Riser", "rgb": [0, 158, 115], "searching": False, "progress": 0.0, "open": True, "over": None,
    "paused": False, "deciding": False, "candidate": {"name": "Riser 3", "time": "1:02.345", "percent": 87},
    "reviewed": None, "remaining": 6, "accepted": 4, "rejections": 3, "budget": 10, "answers": 7,
}  # fmt: skip
ASKING = {
    "daemon": "daemon 0.1.0 by udp", "problem": None, "trouble": False, "playing": False,
    "session": SESSION, "hint": None,
    "message": "Riser 3 at 1:02.345 (87 %): accept, reject or skip? 4 accepted",
    "sounds": [{"id": "S", "label": "Riser", "rgb": [0, 158, 115], "accepted": 4, "note": "", "current": True}],
}  # fmt: skip
LONG = "Tür knarrt sehr langsam und lange, äußerst laut und dann wieder leiser, bis sie endlich ins Schloss fällt"


def changed(**session: Any) -> dict[str, Any]:
    return ASKING | {"session": SESSION | session}


def many(count: int, label: str) -> list[dict[str, Any]]:
    one = ASKING["sounds"][0]
    return [one | {"id": str(k), "label": f"{label} {k}", "note": "finished", "current": k == 2} for k in range(count)]


SCENES = {
    "idle": ASKING | {"session": None, "sounds": [], "message": ""},
    "searching": changed(searching=True, progress=0.42, candidate=None) | {"message": "Riser: analysing, 42 %"},
    "asking": ASKING,
    "playing": ASKING | {"playing": True, "hint": "click: ask about 1:02.345 next"},
    "again": changed(reviewed={"name": "Riser 2", "state": "rejected"})
    | {"message": "Riser 2 at 0:12.000 was rejected: " + LONG},
    "deciding": changed(deciding=True),
    "used up": changed(over="budget", candidate=None, rejections=10),
    "done": changed(over="finished", candidate=None),
    "missing": ASKING | {"problem": "daemon not running: start it with `reatrieve serve`"},
    "error": ASKING | {"trouble": True, "message": LONG},
    "a large budget": changed(budget=1000, rejections=999, accepted=3999),
    "long names": changed(label=LONG, candidate={"name": LONG, "time": "12345.1.00 / 10:00:00.000", "percent": 100})
    | {"message": LONG * 3, "sounds": many(3, LONG)},
    "many sounds": ASKING | {"sounds": many(40, "Sound")},
    "one endless word": ASKING | {"trouble": True, "message": "ß" * 400},
}


@cache
def measured(text: str, size: int) -> tuple[int, int]:
    font = ImageFont.load_default(max(size, 4))
    return round(font.getlength(text)), sum(font.getmetrics())


@pytest.fixture(scope="module", params=[lua53, lua54], ids=["5.3", "5.4"])
def of(request: pytest.FixtureRequest) -> Any:
    """``layout.of`` with Python's values in and out."""
    lua = request.param.LuaRuntime()
    lua.execute(f"package.path = {str(LIB / '?.lua')!r}")
    layout = lua.eval('(require("layout"))')

    def table(value: Any) -> Any:
        if isinstance(value, dict):
            return lua.table_from({key: table(one) for key, one in value.items() if one is not None})
        return lua.table_from([table(one) for one in value]) if isinstance(value, list) else value

    def boxes(
        width: float, height: float, scale: float, scene: dict[str, Any]
    ) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        measure = lua.eval("function(w, h) return function(t, s) return w(t, s), h(t, s) end end")(
            lambda text, size: measured(text, size)[0], lambda text, size: measured(text, size)[1]
        )
        one = layout.of(width, height, scale, table(scene), measure, True)
        axis = layout.axis(one, measure, "0:00.000", "12:34.567", "click: ask about 1:02.345 next")
        return [dict(box) for box in (*one.boxes.values(), *axis.values())], dict(one.curve)

    return boxes


def overlap(a: dict[str, Any], b: dict[str, Any]) -> bool:
    return bool(
        min(a["x"] + a["w"], b["x"] + b["w"]) - max(a["x"], b["x"]) > 0.01
        and min(a["y"] + a["h"], b["y"] + b["h"]) - max(a["y"], b["y"]) > 0.01
    )


@pytest.mark.parametrize("scene", SCENES)
def test_everything_is_inside_and_apart_and_no_text_is_too_long(of: Any, scene: str) -> None:
    for (points_w, points_h), scale in itertools.product(SIZES, SCALES):
        width, height = points_w * scale, points_h * scale
        boxes, curve = of(width, height, scale, SCENES[scene])
        where = f"{points_w}x{points_h} at {scale}"
        for box in boxes:
            assert box["x"] >= 0, (where, box)
            assert box["y"] >= 0, (where, box)
            assert box["x"] + box["w"] <= width, (where, box)
            assert box["y"] + box["h"] <= height, (where, box)
            if "text" in box:
                w, h = measured(box["text"], box["size"])
                assert w <= box["w"], (where, box)
                assert h <= box["h"], (where, box)
        for a, b in itertools.combinations(boxes, 2):
            if "curve" in (a.get("over"), b.get("over")) and "curve" in (a["kind"], b["kind"]):
                inner = a if a.get("over") else b
                assert inner["y"] >= curve["y"], (where, inner)
                assert inner["y"] + inner["h"] <= curve["y"] + curve["h"], (where, inner)
            else:
                assert not overlap(a, b), (where, a, b)
        buttons = [box for box in boxes if box["kind"] == "button"]
        assert [box["verb"] for box in buttons] == VERBS, where
        assert len({box["text"] for box in buttons}) == len(VERBS), where
        assert min(box["w"] for box in buttons) >= 16 * scale, where
        assert [box["verb"] for box in boxes if box["kind"] == "menu"] == ["menu"], where
        assert curve["h"] >= 20 * scale, where


def test_a_small_window_says_what_is_asked_and_a_problem_before_all_else(of: Any) -> None:
    def texts(scene: str) -> list[str]:
        return [box["text"] for box in of(200, 120, 1, SCENES[scene])[0] if box["kind"] == "text"]

    assert texts("asking")[:2] == ["3/10 no", "Riser 3  87 %"]
    assert texts("missing")[2].startswith("!")
    assert texts("missing")[3].startswith("daemon not running")
    assert "click: ask about 1:02.345 next" in texts("playing")


def test_a_small_window_cuts_what_is_wrong_and_not_what_to_do(of: Any) -> None:
    sentence = "Riser 3 does not lie on the place that was proposed any more: move it back, or reject it"
    cut = ASKING | {"trouble": True, "message": sentence}
    for (points_w, points_h), scale in itertools.product(SIZES, SCALES):
        boxes, _ = of(points_w * scale, points_h * scale, scale, cut)
        said = " ".join(box["text"] for box in boxes if box["kind"] == "text" and box["ink"] == "alarm")
        assert said.startswith("! Riser 3 does not"), (points_w, points_h, scale)
        assert said.endswith("move it back, or reject it"), (points_w, points_h, scale, said)


def test_what_means_nothing_now_is_told_apart(of: Any) -> None:
    def enabled(scene: str) -> set[str]:
        return {box["verb"] for box in of(480, 320, 1, SCENES[scene])[0] if box["kind"] == "button" and box["enabled"]}

    assert enabled("idle") == {"find"}
    assert enabled("searching") == {"finish"}
    assert enabled("asking") == set(VERBS)
    assert enabled("done") == {"undo", "previous", "find", "continue", "convert", "export"}
