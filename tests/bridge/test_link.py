"""The reliability layer in a simulated network: whatever is lost, doubled or reordered, both ends see the same as
without."""

import heapq
import itertools
import random

import pytest

from client_link import ClientLink
from reatrieve.bridge import link as links
from reatrieve.bridge.link import DaemonLink
from reatrieve.bridge.messages import Ack, Note, Rename, Seen


class Network:
    """Carries packets with seeded loss, doubling and delays, in virtual time."""

    def __init__(self, seed, fault):
        self.random = random.Random(seed)
        self.fault = fault
        self.now_s = 0.0
        self.queue = []
        self.count = 0

    def send(self, to, packet):
        copies = 1
        if self.random.random() < self.fault:
            copies = 0
        elif self.random.random() < self.fault:
            copies = 2
        for _ in range(copies):
            delay_s = 0.001 + (self.random.random() * 0.3 if self.random.random() < self.fault else 0.0)
            self.count += 1
            heapq.heappush(self.queue, (self.now_s + delay_s, self.count, to, packet))

    def arrived(self, to):
        packets = []
        while self.queue and self.queue[0][0] <= self.now_s:
            packets.append(heapq.heappop(self.queue)[2:])
        mine = [packet for whom, packet in packets if whom == to]
        for whom, packet in packets:
            if whom != to:
                heapq.heappush(self.queue, (self.now_s, self.count, whom, packet))
                self.count += 1
        return mine


def conversation(seed, fault, *, n_commands=60, hold_s=0.0):
    """Client sends renames at random times, the daemon answers each with three notes; returns what each end handled."""
    net = Network(seed, fault)
    chance = random.Random(seed + 1)
    daemon, client = DaemonLink(0.0), ClientLink()
    handled, notes, holding = [], [], []
    sent = 0
    next_seen_s = 0.0
    for _ in range(60000):
        net.now_s += 0.005
        now_s = net.now_s
        if sent < n_commands and chance.random() < 0.1:
            sent += 1
            client.send(Rename("s", str(sent), f"label {sent}"), now_s)
        for number, command in client.due(now_s):
            net.send("daemon", (number, command))
        for number, message in net.arrived("daemon"):
            daemon.hear(now_s)
            if isinstance(message, Seen):
                daemon.seen(message.upto)
                continue
            for ready, command in daemon.receive(number, message):
                handled.append(command.label)
                for k in range(3):
                    daemon.push(Note("s", command.label, str(k)))
                holding.append((now_s + hold_s, ready))
            net.send("client", (0, Ack(daemon.upto)))
        while holding and holding[0][0] <= now_s:
            daemon.handled(holding.pop(0)[1])
        for seq, event in daemon.due(now_s):
            net.send("client", (seq, event))
        arrived = net.arrived("client")
        for seq, event in arrived:
            if seq == 0:
                client.ack(event.upto)
            else:
                notes += [(note.code, note.text) for note in client.receive(seq, event)]
        if arrived or now_s >= next_seen_s:
            net.send("daemon", (0, Seen(client.seen_upto)))
            next_seen_s = now_s + 0.25
        if sent == n_commands and not client.unacked and len(notes) == 3 * n_commands:
            return handled, notes
    raise AssertionError(f"not settled: {len(handled)} handled, {len(notes)} notes, {len(client.unacked)} unacked")


@pytest.mark.parametrize("seed", range(12))
def test_thirty_percent_faults_end_as_none(seed):
    clean = conversation(seed, 0.0)
    assert conversation(seed, 0.3) == clean
    assert clean[0] == [f"label {k}" for k in range(1, 61)]


def test_sixty_percent_faults_too():
    assert conversation(5, 0.6, n_commands=25) == conversation(5, 0.0, n_commands=25)


def test_acks_wait_for_the_journal():
    assert conversation(3, 0.3, hold_s=0.3) == conversation(3, 0.0)
    daemon = DaemonLink(0.0)
    daemon.receive(1, Rename("s", "a", "x"))
    daemon.receive(2, Rename("s", "b", "x"))
    assert daemon.upto == 0
    daemon.handled(2)
    assert daemon.upto == 0
    daemon.handled(1)
    assert daemon.upto == 2


def test_gap_buffers_are_bounded():
    daemon, client = DaemonLink(0.0), ClientLink()
    for number in range(2, 5000):
        assert daemon.receive(number, Rename("s", "a", "x")) == []
        assert client.receive(number, Note("s", "a", "x")) == []
    assert len(daemon.receive(1, Rename("s", "a", "x"))) == links.MAX_GAP
    assert len(client.receive(1, Note("s", "a", "x"))) == links.MAX_GAP


def test_only_a_window_is_under_way():
    daemon = DaemonLink(0.0)
    for k in range(200):
        daemon.push(Note("s", "n", str(k)))
    first = daemon.due(0.0)
    assert [seq for seq, _ in first] == list(range(1, links.WINDOW + 1))
    assert daemon.due(0.01) == []
    daemon.seen(10)
    assert [seq for seq, _ in daemon.due(0.02)] == list(range(links.WINDOW + 1, links.WINDOW + 11))
    daemon.seen(10)
    assert [seq for seq, _ in daemon.due(0.06)] == list(range(11, links.WINDOW + 1))


def test_without_seen_nothing_is_sent_again():
    daemon = DaemonLink(0.0)
    daemon.push(Note("s", "n", "x"))
    assert len(daemon.due(0.0)) == 1
    assert daemon.due(10.0) == []
    daemon.seen(0)
    assert len(daemon.due(10.0)) == 1


def test_a_silent_client_gets_nothing_until_it_speaks():
    daemon = DaemonLink(0.0)
    daemon.push(Note("s", "n", "x"))
    assert daemon.due(31.0) == []
    daemon.hear(40.0)
    assert len(daemon.due(40.0)) == 1


def test_overflow_is_told():
    daemon = DaemonLink(0.0)
    for _ in range(links.MAX_EVENTS + 1):
        daemon.push(Note("s", "n", "x"))
    assert daemon.overflowed


def test_old_and_bogus_seen_change_nothing():
    daemon = DaemonLink(0.0)
    for k in range(3):
        daemon.push(Note("s", "n", str(k)))
    daemon.due(0.0)
    daemon.seen(2)
    daemon.seen(1)
    daemon.seen(-5)
    assert [seq for seq, _ in daemon.due(1.0)] == [3]
    daemon.seen(10**6)
    daemon.push(Note("s", "n", "new"))
    assert [seq for seq, _ in daemon.due(2.0)] == [4]


def test_repeats_back_off_to_a_second():
    client = ClientLink()
    client.send(Rename("s", "a", "x"), 0.0)
    times = [k / 64 for k in range(500) if client.due(k / 64)]
    assert times[:5] == pytest.approx([0.0, 0.1, 0.3, 0.7, 1.5], abs=4 / 64)
    assert all(b - a == pytest.approx(1.0, abs=2 / 64) for a, b in itertools.pairwise(times[4:]))


def test_begin_again_gives_back_what_was_not_acked():
    client = ClientLink()
    for k in range(3):
        client.send(Rename("s", str(k), "x"), 0.0)
    client.ack(1)
    client.receive(1, Note("s", "n", "x"))
    assert [command.op for command in client.begin_again()] == ["1", "2"]
    assert client.seen_upto == 0
    assert client.send(Rename("s", "1", "x"), 0.0) == 1
