"""A daemon in this process for the tests of the service, and clients that are closed after each test."""

import asyncio
import threading
from types import SimpleNamespace

import pytest

from reatrieve.service import running
from reatrieve.settings import Settings
from service.client import Client, make_track


class Daemon:
    """A service running in a thread of its own, on any free port."""

    def __init__(self, folder, **settings):
        self.home = folder / "hömé dir"
        values = {"home": self.home, "cache": folder / "cache", "logs": folder / "logs"} | settings
        self.settings = Settings(**values)
        self.started = threading.Event()
        self.error = None
        self.thread = threading.Thread(target=self.run)
        self.thread.start()
        assert self.started.wait(30)
        if self.error is not None:
            self.thread.join()
            raise self.error

    def run(self):
        async def main():
            async with running(self.settings) as self.service:
                self.loop, self.stopping = asyncio.get_running_loop(), asyncio.Event()
                self.started.set()
                await self.stopping.wait()

        try:
            asyncio.run(main())
        except Exception as error:
            self.error = error
            self.started.set()

    @property
    def info(self):
        return self.service.info

    def stop(self):
        self.loop.call_soon_threadsafe(self.stopping.set)
        self.thread.join(30)
        assert not self.thread.is_alive()
        if self.error is not None:
            raise self.error


@pytest.fixture(scope="session")
def shared(tmp_path_factory):
    """A folder with one short track, and a cache that all tests of this area share."""
    folder = tmp_path_factory.mktemp("service")
    return SimpleNamespace(folder=folder, track=make_track(folder / "müsik dir" / "träck.wav"), cache=folder / "cache")


@pytest.fixture(scope="module")
def daemon(shared, tmp_path_factory):
    one = Daemon(tmp_path_factory.mktemp("daemon"), cache=shared.cache)
    yield one
    one.stop()


@pytest.fixture
def start(shared, tmp_path):
    """Start further daemons, with settings of their own."""
    made = []

    def begin(**settings):
        one = Daemon(tmp_path, **{"cache": shared.cache, **settings})
        made.append(one)
        return one

    yield begin
    for one in made:
        if one.thread.is_alive():
            one.stop()


@pytest.fixture
def connect():
    """Make clients; they are closed at the end."""
    made = []

    def make(home, carrier="udp", **more):
        made.append(Client(home, carrier, **more))
        return made[-1]

    yield make
    for client in made:
        client.close()
