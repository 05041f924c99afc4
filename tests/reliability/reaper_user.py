"""One REAPER with a user who answers, a process of its own.

    python reaper_user.py HOME FOLDER TRACK SECONDS PAUSE_S

The scripts run on the headless host in real time. The user finds, answers a candidate every PAUSE_S seconds, takes all
back after some, listens, and goes on. What is printed is JSON: ``latencies_s`` from each key to the next candidate's
region, ``lost``: what keys, project and journal do not say alike in the end.
"""

from __future__ import annotations

import json
import random
import sys
import time
from pathlib import Path

from reatrieve.headless import Reaper, Region
from reatrieve.journal import read_journal
from reatrieve.session.state import fold

TRUTH_S = (1.0, 3.5, 6.0, 9.25, 12.0)
LENGTH_S = 0.5
MOST_ANSWERS = range(8, 16)
"""Taken back at a time: another number for each user, or all would do so in the same second."""
PATIENCE_S = 120.0


class User:
    """Presses keys and waits for what they bring."""

    def __init__(self, reaper: Reaper, journals: Path) -> None:
        self.reaper = reaper
        self.latencies_s: list[float] = []
        self._journals = journals
        self._track = ""

    @property
    def candidate(self) -> Region | None:
        return next((region for region in self.reaper.project.regions if region.name.startswith("? ")), None)

    @property
    def accepted(self) -> list[float]:
        return sorted(region.start_s for region in self.reaper.project.regions if not region.name.startswith("? "))

    def find(self, track: Path) -> None:
        ours = self.reaper.project.add_track("sound")
        ours.add_item(track)
        self._track = ours.guid
        self.reaper.project.select_time(TRUTH_S[0], TRUTH_S[0] + LENGTH_S)
        self.reaper.run("Find sounds like the time selection")
        self.reaper.until(lambda: self.candidate, PATIENCE_S)

    def answer(self) -> None:
        region = self.candidate
        assert region is not None
        right = any(abs(region.start_s - start_s) < 0.1 for start_s in TRUTH_S)
        begin_s = time.monotonic()
        self.reaper.run("Accept candidate" if right else "Reject candidate")
        self.reaper.until(lambda: self.candidate is not None and self.candidate.guid != region.guid, PATIENCE_S)
        self.latencies_s.append(time.monotonic() - begin_s)

    def take_back(self, count: int) -> None:
        """Undo answers, each once the one before has its region back."""
        for _ in range(count):
            before = [region.guid for region in self.reaper.project.regions]
            self.reaper.run("Undo last answer")
            self.reaper.until(lambda: [r.guid for r in self.reaper.project.regions] != before, PATIENCE_S)  # noqa: B023

    def lost(self, given: int) -> list[str]:
        """What keys (``given`` answers that stand), project and journal do not say alike once all is quiet."""

        def journalled() -> tuple[int, list[float]]:
            for path in self._journals.glob("*.jsonl"):
                header, lines = read_journal(path)
                if header.track == self._track:
                    state = fold(line.event for line in lines)
                    starts_s = [span.start_s + header.origin_s for _, span in state.accepted_regions]
                    return len(state.verdicts), sorted(starts_s)
            return 0, []

        def alike() -> bool:
            (n, theirs), ours = journalled(), self.accepted
            return (
                n == given
                and len(theirs) == len(ours)
                and all(abs(a - b) < 0.001 for a, b in zip(theirs, ours, strict=True))
            )

        try:
            self.reaper.until(alike, 20.0)
        except TimeoutError:
            return [f"keys {given}, project {self.accepted}, journal {journalled()}"]
        return []


def main() -> None:
    """The command."""
    home, folder, track = (Path(word) for word in sys.argv[1:4])
    seconds, pause_s = float(sys.argv[4]), float(sys.argv[5])
    with Reaper(home=folder, environment={"REATRIEVE_HOME": str(home)}) as reaper:
        for name, value in (("audition", "no"), ("budget", "100")):
            reaper.set_ext_state("ReaTrieve", name, value, persist=True)
        user = User(reaper, home / "journals")
        user.find(track)
        print("ready", flush=True)
        sys.stdin.readline()  # all begin together
        whim = random.Random(folder.name)
        begin_s, most = time.monotonic() + whim.uniform(0.0, pause_s), whim.choice(MOST_ANSWERS)  # nobody keeps step
        reaper.until(lambda: time.monotonic() >= begin_s, PATIENCE_S)
        end_s, given = time.monotonic() + seconds, 0
        while time.monotonic() < end_s:
            next_s = time.monotonic() + pause_s
            user.answer()
            given += 1
            if given == most:
                user.take_back(given)
                given, next_s = 0, time.monotonic() + pause_s
            reaper.until(lambda: time.monotonic() >= next_s, PATIENCE_S)  # noqa: B023
        print(json.dumps({"latencies_s": user.latencies_s, "lost": user.lost(given)}), flush=True)


if __name__ == "__main__":
    main()
