"""The two carriers on real sockets and folders."""

import asyncio
import os
import time

import pytest

from reatrieve.bridge import spool as spools
from reatrieve.bridge.spool import SpoolCarrier, sweep
from reatrieve.bridge.udp import UdpCarrier, is_loopback
from reatrieve.errors import InputError


class Clock:
    def __init__(self):
        self.now_s = 0.0

    def __call__(self):
        return self.now_s


def make_client(folder, name="client-1"):
    for way in ("to_daemon", "to_script"):
        (folder / name / way).mkdir(parents=True)
    return folder / name


def put(client, number, packet):
    temporary = client / "to_daemon" / f"{number:08d}.tmp"
    temporary.write_bytes(packet)
    temporary.rename(temporary.with_suffix(".osc"))


@pytest.fixture
def spool(tmp_path):
    got = []
    clock = Clock()
    carrier = SpoolCarrier(tmp_path / "spööl dir", lambda name, packet: got.append((name, packet)), clock)
    carrier.got, carrier.clock = got, clock
    return carrier


def test_files_are_read_in_the_order_of_their_numbers(spool):
    client = make_client(spool.folder)
    for number in (3, 1, 2, 5):
        put(client, number, b"packet %d" % number)
    spool.poll(list_clients=True)
    assert spool.got == [("client-1", b"packet %d" % number) for number in (1, 2, 3)]
    assert [path.name for path in (client / "to_daemon").iterdir()] == ["00000005.osc"]
    put(client, 4, b"packet 4")
    spool.poll()
    assert [packet for _, packet in spool.got[3:]] == [b"packet 4", b"packet 5"]


def test_an_empty_file_is_not_yet(spool):
    client = make_client(spool.folder)
    path = client / "to_daemon" / "00000001.osc"
    path.touch()
    spool.poll(list_clients=True)
    assert spool.got == []
    path.write_bytes(b"now")
    spool.poll()
    assert spool.got == [("client-1", b"now")]


def test_events_are_numbered_without_gaps_and_appear_whole(spool):
    client = make_client(spool.folder)
    put(client, 1, b"hello")
    spool.poll(list_clients=True)
    for k in range(3):
        spool.send("client-1", b"event %d" % k)
    spool.send("nobody", b"lost")
    names = sorted(path.name for path in (client / "to_script").iterdir())
    assert names == ["00000001.osc", "00000002.osc", "00000003.osc"]
    assert (client / "to_script" / "00000002.osc").read_bytes() == b"event 1"


def test_odd_folders_are_no_clients(spool):
    make_client(spool.folder, "näme")
    (spool.folder / "half" / "to_daemon").mkdir(parents=True)
    (spool.folder / "file").write_text("x", encoding="utf-8")
    put(make_client(spool.folder, "good"), 1, b"x")
    spool.poll(list_clients=True)
    assert spool.got == [("good", b"x")]
    spool.send("half", b"x")


def test_polling_is_quick_while_a_client_talks_and_slow_after(spool):
    assert spool.poll_s == spools.IDLE_POLL_S
    client = make_client(spool.folder)
    put(client, 1, b"x")
    spool.poll(list_clients=True)
    assert spool.poll_s == spools.ACTIVE_POLL_S
    spool.clock.now_s = spools.ACTIVE_FOR_S + 1
    assert spool.poll_s == spools.IDLE_POLL_S


def test_clients_that_went_are_forgotten(spool):
    client = make_client(spool.folder)
    put(client, 1, b"x")
    spool.poll(list_clients=True)
    spool.clock.now_s = spools.DEAD_AFTER_S + 1
    spool.poll()
    assert not client.exists()
    spool.send("client-1", b"lost")
    put(make_client(spool.folder), 1, b"again")
    spool.clock.now_s += 1
    spool.poll()
    assert spool.got[-1] == ("client-1", b"again")


def test_only_earlier_instances_are_swept(tmp_path):
    for name in ("a" * 32, "b" * 32, "my notes"):
        (tmp_path / name / "client").mkdir(parents=True)
    sweep(tmp_path, "b" * 32)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b" * 32, "my notes"]
    sweep(tmp_path / "nowhere", "x")


def test_a_spool_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="--spool"):
        SpoolCarrier(tmp_path / "file" / "spool", lambda name, packet: None, time.monotonic)


def test_file_events_wake_the_reader(tmp_path):
    async def scene():
        arrived = asyncio.Queue()
        carrier = SpoolCarrier(tmp_path, lambda name, packet: arrived.put_nowait(packet), time.monotonic)
        task = asyncio.create_task(carrier.run())
        try:
            client = make_client(tmp_path)
            for number in range(1, 6):
                put(client, number, os.urandom(16))
                await asyncio.wait_for(arrived.get(), 5)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(scene())


def test_datagrams_cross_both_ways():
    async def scene():
        asked, answered = asyncio.Queue(), asyncio.Queue()
        server = await UdpCarrier.open("127.0.0.1", 0, lambda *arrived: asked.put_nowait(arrived))
        client = await UdpCarrier.open("127.0.0.1", 0, lambda *arrived: answered.put_nowait(arrived))
        client.send(b"ping" * 2000, ("127.0.0.1", server.port))
        packet, address = await asyncio.wait_for(asked.get(), 5)
        assert packet == b"ping" * 2000
        server.send(b"pong", address)
        assert (await asyncio.wait_for(answered.get(), 5))[0] == b"pong"
        with pytest.raises(InputError, match="--port"):
            await UdpCarrier.open("127.0.0.1", server.port, lambda *arrived: None)
        client.close()
        server.send(b"nobody", address)
        server.close()
        server.send(b"closed", address)
        await asyncio.sleep(0)

    asyncio.run(scene())


def test_which_hosts_only_this_machine_reaches():
    assert all(map(is_loopback, ("127.0.0.1", "127.1.2.3", "::1", "localhost")))
    assert not any(map(is_loopback, ("0.0.0.0", "192.168.1.2", "::", "studio", "")))
