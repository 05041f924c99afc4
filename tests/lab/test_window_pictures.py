"""The guide's pictures are drawn by a command from a real session; those that the guide shows are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image

from reatrieve.lab.pictures.scenes import SCENES, SIZES, THEMES, played

DOCS = Path(__file__).resolve().parents[2] / "docs"
SMALL = (200, 120)


@pytest.mark.slow
def test_a_session_is_drawn_in_every_size() -> None:
    drawn = {
        (one.scene, one.size): one.image
        for one in played("light", scenes=("idle", "asking"), sizes=(SMALL, (400, 300)))
    }
    assert set(drawn) == {
        ("idle", SMALL),
        ("idle", (400, 300)),
        ("asking", SMALL),
        ("asking", (400, 300)),
        ("asking", (0, 0)),
    }
    for (_, size), image in drawn.items():
        assert size in (image.size, (0, 0))
        assert len(image.getcolors(1 << 20) or []) > 20
    assert drawn["idle", SMALL].tobytes() != drawn["asking", SMALL].tobytes()
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


def test_the_guide_shows_pictures_that_are_there_and_names_every_setting_and_key() -> None:
    page = (DOCS / "guide" / "window.md").read_text(encoding="utf-8")
    shown = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", page)
    assert len(shown) > 15
    for path in shown:
        assert (DOCS / "guide" / path).is_file(), path
    library = DOCS.parent / "reaper_scripts" / "lib"
    settings = re.findall(
        r'group = "([^"]+)", caption = "([^"]+)"', (library / "settings.lua").read_text(encoding="utf-8")
    )
    assert len(settings) > 15
    for group, caption in settings:
        assert f"| {caption.split(' (')[0]}" in page, caption
        assert f"| {group} |" in page, group
    buttons = (library / "buttons.lua").read_text(encoding="utf-8")
    for key in re.findall(r'key = "(.)"', buttons):
        assert f"`{key}`" in page, key
