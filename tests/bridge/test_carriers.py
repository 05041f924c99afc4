"""The two carriers on real sockets and folders."""

import asyncio
import itertools
import os
import stat
import sys
import time

import pytest

from faults import files_of_at_most
from reatrieve import limits
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
    yield carrier
    carrier.close()


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
    spool.poll()
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
    spool.poll()


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


def test_only_earlier_instances_that_ended_are_swept(tmp_path):
    """A folder with our marker whose lock is free: nothing that a user keeps there, and no living daemon's."""
    carriers = {name: SpoolCarrier(tmp_path / (name * 32), lambda *_: None, time.monotonic) for name in "abc"}
    for name in "abc":
        make_client(tmp_path / (name * 32))
    carriers["a"].close()
    carriers["b"].close()
    notes = tmp_path / ("d" * 32)
    notes.mkdir()
    (notes / "thesis.txt").write_text("years of work", encoding="utf-8")
    other = tmp_path / ("e" * 32)
    other.mkdir()
    (other / spools.MARKER).write_text("somebody else's", encoding="utf-8")
    (tmp_path / "my notes").mkdir()
    sweep(tmp_path, "b" * 32)
    assert sorted(path.name for path in tmp_path.iterdir()) == [*(name * 32 for name in "bcde"), "my notes"]
    carriers["c"].close()
    sweep(tmp_path / "nowhere", "x")


def test_a_sweep_that_is_stopped_leaves_the_rest_to_the_next(tmp_path):
    """Wherever it is stopped, what is left is still known as a folder of ours; what links in it lead to stays."""
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "mine.txt").touch()

    def make():
        SpoolCarrier(tmp_path / ("a" * 32), lambda *_: None, time.monotonic).close()
        for number in range(3):
            put(make_client(tmp_path / ("a" * 32), f"client-{number}"), 1, b"x")
        (tmp_path / ("a" * 32) / "link").symlink_to(kept)

    asked, allowed = [0], [0]

    def stopped():
        asked[0] += 1
        return asked[0] > allowed[0]

    while True:
        make()
        asked[0] = 0
        sweep(tmp_path, "x", stopped=stopped)
        if not (tmp_path / ("a" * 32)).exists():
            break
        assert asked[0] == allowed[0] + 1
        assert (tmp_path / ("a" * 32) / spools.MARKER).exists()
        sweep(tmp_path, "x")
        assert [path.name for path in tmp_path.iterdir()] == ["kept"]
        allowed[0] += 1
    assert allowed[0] > 12
    assert [path.name for path in kept.iterdir()] == ["mine.txt"]


def test_a_dead_client_with_many_files_goes_in_steps(spool, monkeypatch):
    monkeypatch.setattr(spools, "TURN_DELETED", 5)
    folder = make_client(spool.folder)
    put(folder, 1, b"x")
    spool.poll(list_clients=True)
    for number in range(12):
        (folder / "to_script" / f"{number}").touch()
    other = make_client(spool.folder, "other")
    spool.clock.now_s = spools.DEAD_AFTER_S + 1
    put(other, 1, b"here")
    n_left = []
    while folder.exists():
        _, more = spool._turn(True)
        assert more or not folder.exists()
        n_left.append(sum(1 for _ in folder.rglob("*")))
    assert len(n_left) > 2
    assert all(before - after <= 5 for before, after in itertools.pairwise(n_left))
    assert other.exists()


def test_a_daemon_that_just_starts_is_not_swept_by_another(tmp_path, monkeypatch):
    """Whatever step of making the folder another daemon with the same --spool looks at."""
    lock, looked = spools.try_lock, []

    def locking(file, **more):
        if not more:  # ours
            sweep(tmp_path, "x")
        locked = lock(file, **more)
        looked.append((tmp_path / ("a" * 32) / spools.MARKER).exists())
        return locked

    monkeypatch.setattr(spools, "try_lock", locking)
    SpoolCarrier(tmp_path / ("a" * 32), lambda *_: None, time.monotonic).close()
    assert looked[-1]


def test_on_a_disk_without_locks_nothing_is_swept(tmp_path, monkeypatch):
    SpoolCarrier(tmp_path / ("a" * 32), lambda *_: None, time.monotonic).close()
    monkeypatch.setattr(spools, "try_lock", lambda file, otherwise=True: otherwise)
    sweep(tmp_path, "x")
    assert (tmp_path / ("a" * 32)).exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names")
@pytest.mark.timeout(60)
def test_pipes_devices_links_and_giants_are_dropped(spool, tmp_path, caplog):
    client = make_client(spool.folder)
    inbox = client / "to_daemon"
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    os.mkfifo(inbox / "00000001.osc")
    (inbox / "00000002.osc").symlink_to("/dev/zero")
    (inbox / "00000003.osc").symlink_to(secret)
    with (inbox / "00000004.osc").open("wb") as file:
        file.truncate(limits.SPOOL_BYTES + 1)
    (inbox / "00000005.osc").mkdir()
    put(client, 6, b"x" * limits.SPOOL_BYTES)
    spool.poll(list_clients=True)
    assert [packet for _, packet in spool.got] == [*5 * [b"?"], b"x" * limits.SPOOL_BYTES]
    assert secret.read_bytes() == b"secret"
    assert [path.name for path in inbox.iterdir()] == ["00000005.osc"]


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="Windows lets few users make links")
@pytest.mark.parametrize("name", ["", "to_daemon", "to_script"])
def test_a_client_whose_folders_are_links_is_not_heard(spool, tmp_path, name):
    elsewhere = make_client(tmp_path / "elsewhere")
    put(elsewhere, 1, b"x")
    link = spool.folder / "client-1"
    if name:
        make_client(spool.folder)
        put(link, 1, b"x")
        (link / name).rename(tmp_path / "moved")
    (link / name).symlink_to(elsewhere / name)
    spool.poll(list_clients=True)
    spool.send("client-1", b"answer")
    spool.poll()
    assert spool.got == []
    assert list((elsewhere / "to_script").iterdir()) == []
    assert [path.name for path in (elsewhere / "to_daemon").iterdir()] == ["00000001.osc"]


def test_many_files_of_one_client_hold_up_neither_others_nor_the_loop(tmp_path):
    """4,000 ready files: the turns leave the loop free."""
    got, longest_s = [], [0.0]
    carrier = SpoolCarrier(tmp_path / "spool", lambda name, packet: got.append(name), time.monotonic)
    many, few = make_client(carrier.folder, "many"), make_client(carrier.folder, "few")
    for number in range(1, 4001):
        (many / "to_daemon" / f"{number:08d}.osc").write_bytes(b"x")
    put(few, 1, b"x")

    async def scene():
        task = asyncio.create_task(carrier.run())
        last_s = time.monotonic()
        while len(got) < 4001:
            await asyncio.sleep(0.001)
            longest_s[0], last_s = max(longest_s[0], time.monotonic() - last_s), time.monotonic()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(asyncio.wait_for(scene(), 60))
    assert got.index("few") <= 2 * spools.TURN_FILES
    assert longest_s[0] < 1.0


def test_a_turn_reads_so_many_files_of_a_client_and_of_all_and_the_next_begins_with_the_others(spool):
    for name in ("a", "b", "c"):
        inbox = make_client(spool.folder, name) / "to_daemon"
        for number in range(1, 501):
            (inbox / f"{number:08d}.osc").write_bytes(b"x")
    seen = set()
    for _ in range(2):
        packets, more = spool._turn(True)
        names = [name for name, _ in packets]
        assert len(names) == spools.TURN_FILES
        assert max(names.count(name) for name in names) <= spools.CLIENT_FILES
        assert more
        seen |= set(names)
    assert seen == {"a", "b", "c"}


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="Windows has other rights")
def test_with_umask_zero_what_is_sent_is_for_this_user_alone(spool):
    outbox = make_client(spool.folder) / "to_script"
    spool.poll(list_clients=True)
    spool.send("client-1", b"x")
    before = os.umask(0)
    try:
        spool.poll()
    finally:
        os.umask(before)
    assert [stat.S_IMODE(path.stat().st_mode) for path in outbox.iterdir()] == [0o600]


def test_a_turn_writes_so_many_files(spool):
    outbox = make_client(spool.folder) / "to_script"
    spool.poll(list_clients=True)
    for _ in range(spools.TURN_FILES + 1):
        spool.send("client-1", b"x")
    spool.poll()
    assert len(list(outbox.iterdir())) == spools.TURN_FILES
    spool.poll()
    assert len(list(outbox.iterdir())) == spools.TURN_FILES + 1


def test_thousands_of_folders_are_listed_in_steps_and_too_many_clients_are_not_heard(spool, monkeypatch, caplog):
    monkeypatch.setattr(limits, "CLIENTS", 20)
    for k in range(1500):
        make_client(spool.folder, f"c{k}")
    turns = 0
    spool.poll(list_clients=True)
    while spool._scan is not None:
        assert len(spool._scanned) <= (turns + 1) * spools.TURN_ENTRIES
        turns += 1
        spool.poll()
    assert turns >= 2
    assert len(spool._clients) == 20
    assert caplog.text.count("further ones are not heard") == 1


def test_a_folder_that_is_away_for_a_while_goes_on_with_its_numbers(spool, tmp_path):
    client = make_client(spool.folder)
    for number in (1, 2):
        put(client, number, b"x")
    spool.poll(list_clients=True)
    spool.send("client-1", b"one")
    spool.poll()
    client.rename(tmp_path / "away")
    spool.poll(list_clients=True)
    assert spool._clients == {}
    (tmp_path / "away").rename(client)
    put(client, 3, b"back")
    spool.poll(list_clients=True)
    spool.send("client-1", b"two")
    spool.poll()
    assert [packet for _, packet in spool.got] == [b"x", b"x", b"back"]
    assert (client / "to_script" / "00000002.osc").read_bytes() == b"two"


def test_a_folder_that_goes_between_reading_and_deleting_goes_on_with_its_numbers(spool, tmp_path, monkeypatch):
    client = make_client(spool.folder)
    put(client, 1, b"one")
    read = spools.read_small

    def read_and_away(path, **how):
        packet = read(path, **how)
        client.rename(tmp_path / "away")
        return packet

    with monkeypatch.context() as patch:
        patch.setattr(spools, "read_small", read_and_away)
        spool.poll(list_clients=True)
    assert spool.got == [("client-1", b"one")]
    spool.poll(list_clients=True)  # it is forgotten
    (tmp_path / "away").rename(client)
    assert (client / "to_daemon" / "00000001.osc").exists()
    put(client, 2, b"two")
    for _ in range(2):
        spool.poll(list_clients=True)
    assert spool.got == [("client-1", b"one"), ("client-1", b"two")]
    assert list((client / "to_daemon").iterdir()) == []


def test_files_late_doubled_half_written_and_out_of_order(spool):
    """What a reader sees of a slow drive; the link above mends what is lost by it."""
    client = make_client(spool.folder)
    inbox = client / "to_daemon"
    put(client, 3, b"three")
    put(client, 2, b"two")
    spool.poll(list_clients=True)
    assert spool.got == []
    (inbox / "00000001.osc").touch()  # begun, nothing in it yet
    spool.poll()
    (inbox / "00000001.osc").write_bytes(b"o")  # half of it
    spool.poll()
    (inbox / "00000001.osc").write_bytes(b"one")  # whole, too late: it stays, and nobody reads it again
    put(client, 2, b"two, once more")
    put(client, 4, b"four")
    spool.poll()
    assert [packet for _, packet in spool.got] == [b"o", b"two", b"three", b"four"]


def test_without_file_events_the_spool_is_polled(tmp_path, monkeypatch, caplog):
    def none_left():
        raise OSError(24, "inotify instance limit reached")

    monkeypatch.setattr(spools, "Observer", none_left)

    async def scene():
        arrived = asyncio.Queue()
        carrier = SpoolCarrier(tmp_path, lambda name, packet: arrived.put_nowait(packet), time.monotonic)
        task = asyncio.create_task(carrier.run())
        put(make_client(tmp_path), 1, b"x")
        assert await asyncio.wait_for(arrived.get(), 5) == b"x"
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(scene())
    assert caplog.text.count("only polled") == 1


def test_a_spool_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="--spool"):
        SpoolCarrier(tmp_path / "file" / "spool", lambda name, packet: None, time.monotonic)


@pytest.mark.skipif(sys.platform == "win32", reason="a limit on the size of files stands for the full disk")
def test_a_spool_that_cannot_be_marked_leaves_nothing(tmp_path):
    with files_of_at_most(0), pytest.raises(InputError, match=r"cannot be written .*--spool"):
        SpoolCarrier(tmp_path / "new" / ("a" * 32), lambda *_: None, time.monotonic)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_client_whose_folders_become_links_is_neither_read_nor_written(spool, tmp_path, caplog):
    client = make_client(spool.folder)
    put(client, 1, b"x")
    spool.poll(list_clients=True)
    for name in ("to_daemon", "to_script"):
        (client / name).rename(tmp_path / name)
        (tmp_path / f"other {name}").mkdir()
        (client / name).symlink_to(tmp_path / f"other {name}")
    theirs = tmp_path / "other to_daemon" / "00000002.osc"
    theirs.write_bytes(b"not for us")
    spool.send("client-1", b"event")
    spool.poll(list_clients=True)
    assert spool.got == [("client-1", b"x")]
    assert theirs.read_bytes() == b"not for us"
    assert list((tmp_path / "other to_script").iterdir()) == []
    assert "is no folder any more" in caplog.text


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
