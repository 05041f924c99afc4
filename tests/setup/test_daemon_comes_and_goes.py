"""The daemon in the background: it comes up without a terminal, never twice, gives way to a newer one, and ends when no
REAPER needs it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from reatrieve.bridge import handover
from reatrieve.bridge import home as homes
from reatrieve.bridge.handover import ask_to_give_way, is_newer, must_give_way, take_over
from reatrieve.bridge.home import new_info, read_info, write_info
from reatrieve.errors import InputError
from reatrieve.service import run as service_run
from reatrieve.settings import Settings
from setup.background import Background

Start = Callable[..., Background]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    made: list[Background] = []

    def one(*arguments: str, version: str = "") -> Background:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(Background(tmp_path / "hömé", folder, *arguments, version=version))
        return made[-1]

    yield one
    for daemon in made:
        daemon.stop()


def test_a_newer_version_is_newer() -> None:
    assert is_newer("0.1.1", "0.1.0")
    assert is_newer("0.10", "0.9.3")
    assert is_newer("1.0.0rc1", "0.9")
    assert not is_newer("0.1.0", "0.1.0")
    assert not is_newer("0.1.0", "0.1.0.dev3")
    assert not is_newer("", "0.1")


@pytest.mark.slow
def test_it_is_ready_without_a_terminal_and_never_twice(start: Start) -> None:
    first = start()
    info = first.ready()
    second = start()
    assert second.process.wait(30) == 2
    assert "already running" in (second.home / "not-started.txt").read_text(encoding="utf-8")
    assert read_info(first.home) == info
    assert first.process.poll() is None


@pytest.mark.slow
def test_it_says_in_a_file_why_it_cannot_start(start: Start) -> None:
    failed = start("--port", "70000")
    assert failed.process.wait(30) == 2
    assert "port 70000 is outside" in (failed.home / "not-started.txt").read_text(encoding="utf-8")


@pytest.mark.slow
def test_an_older_one_gives_way_and_a_newer_one_does_not(start: Start) -> None:
    old = start(version="0.0.9")
    assert old.ready().version == "0.0.9"
    new = start()
    assert new.ready().version == "0.1.0"
    assert old.process.wait(20) == 0
    older_again = start(version="0.0.9")
    assert older_again.process.wait(30) == 2
    replacing = start("--replace", version="0.0.9")
    assert replacing.ready().version == "0.0.9"
    assert new.process.wait(20) == 0


def test_only_the_instance_that_is_meant_gives_way(tmp_path: Path) -> None:
    info = SimpleNamespace(instance="a" * 32)
    assert not must_give_way(tmp_path, "a" * 32)
    ask_to_give_way(tmp_path, info)
    assert must_give_way(tmp_path, "a" * 32)
    assert not must_give_way(tmp_path, "b" * 32)


def test_one_that_is_dead_or_as_new_is_not_waited_for(tmp_path: Path) -> None:
    assert take_over(tmp_path, "9.9") is None
    write_info(tmp_path, new_info(version="0.0.1", port=9, spool=tmp_path / "spool"))
    started_s = time.monotonic()
    assert take_over(tmp_path, "9.9") is None
    assert time.monotonic() - started_s < 10.0


def test_another_one_that_came_first_is_not_said_to_hang(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def start(version: str) -> None:
        write_info(tmp_path, new_info(version=version, port=9, spool=tmp_path / "spool"))

    start("0.0.1")
    monkeypatch.setattr(handover, "answers_ping", lambda _info: True)
    monkeypatch.setattr(handover, "ask_to_give_way", lambda *_: start("0.0.2"))
    with homes.held(tmp_path), pytest.raises(InputError, match=r"was started in .* meanwhile; use that one"):
        take_over(tmp_path, "9.9", always=True)


def test_idle_minutes(tmp_path: Path) -> None:
    assert Settings(home=tmp_path).idle_s == float("inf")
    assert Settings(home=tmp_path, background=True).idle_s == 1800.0
    assert Settings(home=tmp_path, background=True, idle_minutes=0).idle_s == float("inf")
    (tmp_path / "settings.txt").write_text("idle_minutes = 5\n")
    assert Settings.load({"home": tmp_path, "background": True}, {}).idle_s == 300.0
    with pytest.raises(InputError, match="idle_minutes"):
        Settings(home=tmp_path, idle_minutes=-1)


@pytest.mark.parametrize(
    ("silent_s", "idle", "ends"), [(1801.0, True, True), (1801.0, False, False), (9.0, True, False)]
)
def test_it_ends_when_no_reaper_has_spoken_for_long_and_nothing_is_left_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, silent_s: float, idle: bool, ends: bool
) -> None:
    looks = 0

    async def looked(_: float) -> None:
        nonlocal looks
        looks += 1
        if looks > 3:
            raise asyncio.CancelledError

    monkeypatch.setattr(service_run.asyncio, "sleep", looked)
    service = SimpleNamespace(
        settings=Settings(home=tmp_path, background=True),
        info=new_info(version="0.1.0", port=0, spool=tmp_path / "spool"),
        hub=SimpleNamespace(silent_s=silent_s),
        is_idle=idle,
    )

    async def watched() -> bool:
        stop, home = asyncio.Event(), service_run._Home(tmp_path, service.info)
        with contextlib.suppress(asyncio.CancelledError):
            await service_run._until_not_needed(service, home, stop)
        return stop.is_set()

    assert asyncio.run(watched()) is ends
