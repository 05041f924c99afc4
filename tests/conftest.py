"""What all tests share: one Hypothesis profile, workers only where they pay, the benchmark audio where it is there."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

os.environ.pop("COLUMNS", None)  # workers are given 80; a test that is about a terminal's width says which

settings.register_profile("project", deadline=None, derandomize=True)  # a busy machine is no fault of the code
settings.load_profile("project")


@pytest.hookimpl(wrapper=True)
def pytest_xdist_auto_num_workers(config: pytest.Config):
    """One process for a few files or single tests: workers take longer to start than those take to run. Else one more
    than there are cores, since many tests wait for a process or a socket."""
    cores = yield
    single = [one for one in config.args if "::" in one or one.endswith(".py")]
    return 0 if len(single) == len(config.args) and len(single) <= 3 else cores + 1


@pytest.fixture(autouse=True, scope="session")
def _programs_hear_ctrl_c() -> Iterator[None]:
    """They inherit that it is ignored where a shell has started the tests in the background."""
    before = signal.getsignal(signal.SIGINT)
    if before != signal.SIG_IGN:
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def bench() -> Path:
    """The benchmark's folder; tests that need it are skipped, saying so, where it is absent."""
    folder = Path(os.environ.get("REATRIEVE_BENCH", Path(__file__).parents[2] / "shared" / "bench"))
    if not (folder / "excerpts" / "annotations.csv").is_file():
        pytest.skip(f"the benchmark audio is not at {folder} (set REATRIEVE_BENCH)")
    return folder


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options for what is too long for every run."""
    parser.addoption(
        "--long",
        action="store_true",
        default=os.environ.get("REATRIEVE_LONG") == "1",
        help="the tests of docs/reliability.md in their full length, where CI runs a part",
    )
    parser.addoption(
        "--every-version",
        action="store_true",
        default=os.environ.get("REATRIEVE_EVERY_VERSION") == "1",
        help="the scripts' tests under every version of REAPER, with every pair of Lua and carrier and all seeds of "
        "random use, where otherwise one or two stand for all",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What is long on purpose may take three hours; further versions of REAPER wait until they are asked for. Workers
    begin with the files that hold slow tests, so that all end together."""
    if config.getoption("--long"):
        for item in items:
            item.add_marker(pytest.mark.timeout(3 * 3600), append=False)  # before one of its own
    if not config.getoption("--every-version"):
        further = [item for item in items if item.get_closest_marker("version")]
        config.hook.pytest_deselected(items=further)
        items[:] = [item for item in items if not item.get_closest_marker("version")]
    if hasattr(config, "workerinput"):
        slow = {item.path for item in items if item.get_closest_marker("slow")}
        items.sort(key=lambda item: item.path not in slow)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport():
    """What a test logged may hold a lone surrogate, on purpose; a worker of pytest-xdist dies of sending one."""
    report = yield
    report.sections = [(name, text.encode("utf-8", "backslashreplace").decode()) for name, text in report.sections]
    return report
