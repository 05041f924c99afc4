"""``python -m reatrieve.lab.pictures FOLDER``: draw every picture of the window into a folder, ``window`` in it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from reatrieve.lab.command import status_of
from reatrieve.lab.pictures.scenes import SCENES, THEMES, played


def main() -> int:
    """Draw the scenes asked for in both themes; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m reatrieve.lab.pictures", description=__doc__)
    parser.add_argument("folder", type=Path, help="docs/pictures")
    parser.add_argument("--scene", action="append", choices=SCENES, help="only this one (again for more)")
    parser.add_argument("--theme", action="append", choices=THEMES, help="only this one")
    args = parser.parse_args()
    return status_of(lambda: _draw(args))


def _draw(args: argparse.Namespace) -> None:
    folder = args.folder / "window"
    folder.mkdir(parents=True, exist_ok=True)
    for theme in args.theme or THEMES:
        for drawn in played(theme, scenes=tuple(args.scene or SCENES)):
            width, height = drawn.size
            name = f"window/{drawn.scene}-{width}x{height}-{theme}" if width else f"reaper-{theme}"
            drawn.image.save(args.folder / f"{name}.png", optimize=True)


if __name__ == "__main__":
    sys.exit(main())
