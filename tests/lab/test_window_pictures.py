"""The guide's pictures are drawn by a command from a real session; those that the guide shows are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image

from reatrieve.lab.pictures.held import SHARE
from reatrieve.lab.pictures.scenes import SCENES, SIZES, THEMES, played

DOCS = Path(__file__).resolve().parents[2] / "docs"
SMALL = (200, 120)


def bar_share(image: Image.Image) -> float:
    """How far the bar of a search is filled: the last run of one colour inside its frame is what is left."""
    row = [image.convert("RGB").getpixel((x, 36)) for x in range(image.width - 10)]
    left = next(x for x in range(len(row) - 1, -1, -1) if row[x] != row[-1])
    filled = next(x for x in range(left, -1, -1) if row[x] != row[left])
    return (left - filled) / (len(row) - 1 - filled)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("size", [size for size in SIZES if size != SMALL])
def test_a_search_stands_at_the_same_share_in_every_picture(size: tuple[int, int], theme: str) -> None:
    with Image.open(DOCS / "pictures" / "window" / f"searching-{size[0]}x{size[1]}-{theme}.png") as image:
        assert bar_share(image) == pytest.approx(SHARE, abs=0.01)


@pytest.mark.slow
def test_a_session_is_drawn_in_every_size() -> None:
    drawn = {
        (one.scene, one.size): one.image
        for one in played("light", scenes=("idle", "searching", "asking"), sizes=(SMALL, (400, 300)))
    }
    assert set(drawn) == {
        ("idle", SMALL),
        ("idle", (400, 300)),
        ("searching", SMALL),
        ("searching", (400, 300)),
        ("asking", SMALL),
        ("asking", (400, 300)),
        ("asking", (0, 0)),
    }
    for (_, size), image in drawn.items():
        assert size in (image.size, (0, 0))
        assert len(image.getcolors(1 << 20) or []) > 20
    assert drawn["idle", SMALL].tobytes() != drawn["asking", SMALL].tobytes()
    assert drawn["searching", SMALL].tobytes() != drawn["asking", SMALL].tobytes()
    assert bar_share(drawn["searching", (400, 300)]) == pytest.approx(SHARE, abs=0.01)
    assert drawn["asking", SMALL].getpixel((1, 1)) == (232, 232, 232)  # REAPER's own ground
    assert drawn["asking", (0, 0)].height > 500


def test_every_scene_size_and_theme_has_its_picture() -> None:
    wanted = {
        f"{scene}-{width}x{height}-{theme}.png" for scene in SCENES for width, height in SIZES for theme in THEMES
    }
    folder = DOCS / "pictures" / "window"
    assert {path.name for path in folder.iterdir()} == wanted
    for name in wanted:
        with Image.open(folder / name) as image:
            assert "{}x{}".format(*image.size) in name


def test_the_guide_shows_pictures_that_are_there_and_names_every_key() -> None:
    page = (DOCS / "guide" / "window.md").read_text(encoding="utf-8")
    shown = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", page)
    assert len(shown) > 15
    for path in shown:
        assert (DOCS / "guide" / path).is_file(), path
    library = DOCS.parent / "reaper_scripts" / "lib"
    buttons = (library / "buttons.lua").read_text(encoding="utf-8")
    for key in re.findall(r'key = "(.)"', buttons):
        assert f"`{key}`" in page, key
