"""Random use of two sets of scripts side by side: the same regions and the same journals after each step.

    python tests/actions/compare_scripts.py OTHER_FOLDER --minutes 60

Each seed presses the same keys and edits the same regions in two simulated REAPERs, one with the shipped scripts, one
with those of ``OTHER_FOLDER`` (an earlier version, say). Lua walks its tables in another order in each run, so where a
seed differs the other scripts are played again: if they differ from themselves as well, it is counted apart.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import rig as rigs
from fake_daemon import FakeDaemon
from rig import Rig
from test_random_use import PAUSES, SPANS, USES, Hand

from reatrieve.bridge import messages as m
from reatrieve.bridge import osc
from reatrieve.headless import scripts_folder

ALL_USES = {
    **USES,
    "all at once": sorted({what for use in USES.values() for what in use if what != "reopen"}, key=str),
    "several sounds": [
        "accept",
        "accept",
        "reject",
        "undo",
        "next",
        "another",
        "clear",
        "rename",
        "continue",
        "convert",
    ],
}
LOSSES = (0.0, 0.0, 0.0, 0.2)


class EarlierDaemon(FakeDaemon):
    """Speaks protocol 1 besides, whose ``welcome`` had one argument more."""

    def _send(self, client: str, event: m.Event, seq: int = 0) -> None:
        if isinstance(event, m.Welcome):
            values = (self.info.instance, 0, 1, event.version, "", event.upto)
            packet = osc.encode("/reatrieve/welcome", "siissi", values)
            if self.random.random() >= self.loss:
                self.delayed.append((packet, self.addresses[client]))
        else:
            super()._send(client, event, seq)


class CompareHand(Hand):
    """Also works on several sounds."""

    def do(self, what: str | int) -> None:
        rig = self.rig
        if what == "another":
            start_s = self.random.uniform(0.0, 100.0)
            rig.project.select_time(start_s, start_s + 1.0)
            rig.run("find")
            rig.tick(6)
        elif what == "rename":
            rig.reaper.answer([f"Name {self.random.randint(0, 99)}"])
            rig.run("rename")
            rig.tick()
            rig.reaper.host.dialogs.waiting.clear()
        elif what in ("next", "clear", "convert"):
            rig.run(str(what))
        else:
            super().do(what)


def _protocol(scripts: Path) -> int:
    found = re.search(r"PROTOCOL = (\d+)", (scripts / "lib" / "messages.lua").read_text(encoding="utf-8"))
    assert found
    return int(found[1])


def _seen(rig: Rig) -> tuple[Any, ...]:
    """What the user sees and what the journals hold."""
    regions = [(one.name, one.start_s, one.end_s, one.color) for one in rig.project.regions]
    markers = [(one.name, one.start_s) for one in rig.project.markers]
    journals = [[repr(event) for event in session.events] for session in rig.daemon.sessions.values()]
    return sorted(regions), sorted(markers), journals


def play(scripts: Path, use: str, seed: int) -> list[tuple[str, tuple[Any, ...]]]:
    """What stands after each step of one seed."""
    rigs.FakeDaemon = EarlierDaemon if _protocol(scripts) == 1 else FakeDaemon  # type: ignore[misc]
    steps = []
    version = ("7.72", "6.83")[seed % 2]
    with tempfile.TemporaryDirectory() as folder, Rig(Path(folder), version, spans=SPANS, scripts=scripts) as rig:
        rig.track.items[0].set(D_LENGTH=200.0)
        rig.project.save(rig.folder / "song.rpp")
        rig.find()
        hand = CompareHand(rig, seed)
        rig.daemon.random.seed(seed)
        rig.daemon.loss = LOSSES[seed // 2 % len(LOSSES)] if use in ("keys", "mouse", "whole lists") else 0.0
        for _ in range(hand.random.randint(5, 40)):
            what = hand.random.choice(ALL_USES[use])
            hand.do(what)
            rig.tick(hand.random.choice(PAUSES))
            steps.append((str(what), _seen(rig)))
            rig.check()
        if hand.down:
            rig.daemon.start()
        rig.tick(300)
        steps.append(("the end", _seen(rig)))
        rig.reaper.host.dialogs.waiting.clear()
    return steps


def _difference(one: list[tuple[str, Any]], other: list[tuple[str, Any]]) -> str:
    """The first step that differs, "" if none does."""
    for number, (ours, theirs) in enumerate(zip(one, other, strict=False)):
        if ours != theirs:
            return f"step {number} ({ours[0]}), of {len(one)}:\n  {ours[1]}\n  {theirs[1]}"
    return "" if len(one) == len(other) else "another number of steps"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", type=Path, help="folder of the other scripts")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--use", choices=sorted(ALL_USES), help="this use only")
    args = parser.parse_args()
    until = time.monotonic() + 60.0 * args.minutes
    seeds = steps = different = by_chance = failed = 0
    seed = args.first
    while time.monotonic() < until:
        for use in [args.use] if args.use else ALL_USES:
            try:
                ours = play(scripts_folder(), use, seed)
                theirs = play(args.other, use, seed)
            except Exception as exc:
                failed += 1
                print(f"seed {seed}, {use}: failed: {type(exc).__name__}: {exc}", flush=True)
                continue
            seeds += 1
            steps += len(ours)
            said = _difference(ours, theirs)
            if said and any(_difference(theirs, play(args.other, use, seed)) for _ in range(3)):
                by_chance += 1
            elif said:
                different += 1
                print(f"seed {seed}, {use}: {said}", flush=True)
        seed += 1
        print(
            f"{seed - args.first} seeds, {seeds} played, {steps} steps: {different} different, "
            f"{by_chance} that the other scripts do not repeat themselves, {failed} failed",
            flush=True,
        )
    return 1 if different or failed else 0


if __name__ == "__main__":
    sys.exit(main())
