"""From an empty machine to exported markers, following only what is written: README's commands, what `install` prints,
and what REAPER's window says. Commands and clicks are counted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from reatrieve.headless import Reaper
from setup.test_start_at_find import ROOT, Desk, candidate, song

pytestmark = pytest.mark.slow
MOST_COMMANDS = 2
MOST_CLICKS = 10
"""Up to the first candidate."""


@dataclass
class Hands:
    """What the newcomer does."""

    commands: list[str] = field(default_factory=list)
    clicks: list[str] = field(default_factory=list)

    def click(self, *what: str) -> None:
        self.clicks += what


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    one = Desk(tmp_path, monkeypatch)
    yield one
    one.stop()


def read_in(text: str, pattern: str) -> str:
    found = re.search(pattern, text)
    assert found, pattern
    return found[1]


def test_from_an_empty_machine_to_exported_markers(desk: Desk) -> None:
    hands = Hands()
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    block = read_in(readme.split("## Get it going in REAPER")[1], r"\n\n((?: {7}.+\n)+)")
    hands.commands += [line.strip() for line in block.splitlines() if line.strip().startswith(("pip ", "reatrieve "))]
    assert hands.commands == ['pip install ".[headless]"', "reatrieve install"]  # the desk has done both
    printed = desk.printed
    steps = read_in(printed, r"1\. (Actions > [^:]*):")
    script = read_in(printed, r"Load ReaScript: (.*\.lua)")
    environment: dict[str, str | None] = {
        "REATRIEVE_HOME": None,
        "XDG_DATA_HOME": None,
        "HOME": str(desk.folder / "nobody"),
    }
    with Reaper(
        "7.72", home=desk.resources, scripts=desk.folder, environment=environment, sockets="none"
    ) as reaper:  # its action list holds nothing of ours
        project = reaper.project
        project.add_track("music").add_item(song(desk.folder / "Lied.wav"))
        hands.click(*steps.split(" > "), "choose the file")
        hands.click("run it")
        reaper.run(Path(script))
        reaper.until(lambda: "ReaTrieve is ready" in reaper.status.help_line, 120)
        said = reaper.status.help_line
        assert "mark one sound with the time selection and run Find" in said
        reaper.tick(3)
        hands.click("Close")
        reaper.focus()
        reaper.press("enter")
        reaper.tick(3)
        assert reaper.windows == []
        reaper.set_ext_state("ReaTrieve", "audition", "no", persist=True)

        hands.click("drag the time selection")
        project.select_time(1.0, 1.5)
        hands.click("run Find")
        reaper.run(desk.resources / "Scripts" / "ReaTrieve" / "ReaTrieve_Find sounds like the time selection.lua")
        reaper.until(lambda: candidate(reaper), 60)
        assert len(hands.commands) <= MOST_COMMANDS
        assert len(hands.clicks) <= MOST_CLICKS, hands.clicks
        assert reaper.dialogs == []  # Setup has asked already

        for _ in range(3):
            shown: Any = candidate(reaper)
            right = any(abs(shown.start_s - start_s) < 0.25 for start_s in (3.5, 6.0, 8.25))
            reaper.run("Accept candidate" if right else "Reject candidate")
            reaper.until(lambda: candidate(reaper) is None or candidate(reaper).guid != shown.guid, 60)  # noqa: B023
        kept = [region for region in project.regions if not region.name.startswith("? ")]
        assert len(kept) == 4
        reaper.run("Convert accepted regions to sync markers")
        reaper.until(lambda: len(project.markers) == 4, 60)
        out = desk.folder / "out"
        reaper.answer([str(out), "json", "source", "", "0", "no"])
        reaper.run("Export sync files")
        reaper.until(lambda: list(out.glob("*.sync.json")), 60)
        assert reaper.errors == []
