"""Mutated packets with their numbers kept in step: the daemon answers pings throughout, and sessions go on.

``--long`` sends 100,000.
"""

import dataclasses
import random
import time

import pytest

from reatrieve.bridge import messages as m
from reatrieve.bridge import osc
from reatrieve.service import loading
from reliability.mutations import mutated
from service.client import make_item

PING_S = 1.0
BATCH = 40

pytestmark = pytest.mark.slow


def samples(session, track):
    """A good packet of every command with a number; of those that could touch files, of no session."""
    item = make_item(session, track, length_s=2.0)
    return [
        item, m.Probe(session, 0, 0, 1, 0.0, 22050, bytes(200)), m.Tempo(session, 0, 0.0, 120.0, 4, 4, 0.0, 0),
        m.Find(session, "kick", "", "{T}", 0.5, 1.0, 10, "", 1), m.Cancel(session), m.Resume(session),
        m.Sessions("/p.rpp"), m.Answer(session, "op", 1, "accept", 0.5, 1.0), m.Undo(session, "op2", 1),
        m.Retract(session, "op3", 1), m.Revise(session, "op4", 1, 0.5, 1.0), m.More(session, "op5", 1),
        m.Rest(session, 0.5), m.Decide(session), m.AcceptRest(session, "op6", 0.9), m.Rename(session, "op7", "snare"),
        m.Finish(session, "op8"), m.Discard("never", "op9"), m.CaughtUp(session), m.Saved(session, "/p.rpp"),
        m.Anchors(session, "start", 0.0, 0), m.Known(session, 0, "accept", 0.5, 1.0),
        m.Prepare(session, 0.5, 1.0, "", 1), m.Reanswer(session, "op10", 1, "reject", 0.5, 1.0),
        m.Ask(session, "op11", 0.7), m.Survey(session, 1),
        m.Export("never", "/nowhere", "json", "source", "", 0.0, "start", 0.0, 0, 0),
    ]  # fmt: skip


ODD = {
    "s": ["", "x" * 3000, "\x1b[2J", "..", "/dev/zero", "\U0001f941", "all", "mutated"],
    "i": [-(2**31), -1, 0, 1, 2, 4001, 100_001, 2**31 - 1],
    "d": [-1e300, -1.0, -0.0, 5e-324, 0.5, 1e7, 1.00001e7, 1e300],
    "b": [b"", b"x", bytes(4000)],
}


def with_odd_values(header, command, rng):
    """The packet of a command, some of its values odd, but all together no longer than a packet may be."""
    tags = m.type_tags(type(command))
    values = [getattr(command, field.name) for field in dataclasses.fields(command)]
    for k in rng.sample(range(len(values)), min(len(values), rng.randint(1, 3))):
        odd = rng.choice(ODD[tags[k]])
        if sum(len(value) for value in [*values[:k], odd, *values[k + 1 :]] if isinstance(value, str | bytes)) < 7000:
            values[k] = odd
    return osc.encode(f"/reatrieve/{command.NAME}", "ssi" + tags, (*header, *values))


def test_mutated_packets(daemon, connect, shared, request):
    n_packets = 100_000 if request.config.getoption("--long") else 4_000
    loading.load()
    rng = random.Random(5)
    client, other = connect(daemon.home), connect(daemon.home)
    client.until(lambda: client.welcomed)
    other.find("kept", shared.track, 1.0, 1.5)
    candidate = other.wait(m.Candidate)
    token = daemon.info.token
    good = samples("mutated", shared.track)
    number = client.link.send(m.Cancel("never"), 0.0)
    client.settle()
    longest_s = 0.0
    for _ in range(0, n_packets, BATCH):
        first = number + 1
        for _ in range(BATCH):
            number += 1
            header, command = m.CommandHeader(client.name, token, number), rng.choice(good)
            if rng.random() < 0.5:
                client.carrier.send(with_odd_values(header, command, rng))
                continue
            packet = m.encode_command(header, command)
            head = packet.index(token.encode()) + len(token) + 8
            whole = rng.random() < 0.1
            client.carrier.send(mutated(packet, rng) if whole else packet[:head] + mutated(packet[head:], rng))
        asked_s = time.monotonic()
        client.send_raw(m.Ping())
        n_pongs = len(client.pongs)
        client.until(lambda n=n_pongs: len(client.pongs) > n)
        longest_s = max(longest_s, time.monotonic() - asked_s)
        while client.pongs[-1].upto < number:  # what was dropped as malformed, or lost: its number is filled
            for missing in range(max(first, client.pongs[-1].upto + 1), number + 1):
                client.send_raw(m.Cancel("never"), missing)
            n_pongs = len(client.pongs)
            client.send_raw(m.Ping())
            client.until(lambda n=n_pongs: len(client.pongs) > n)
        client.link._seen = client.pongs[-1].last_seq
        client.send_raw(m.Seen(client.pongs[-1].last_seq))
        assert not [event for event in client.events if isinstance(event, m.Failed) and event.code == "internal"]
        del client.events[:]
    assert not daemon.service.hub.complaints.get("fault")
    assert longest_s < (PING_S if request.config.getoption("--long") else 5 * PING_S)
    other.answer(candidate, "accept")
    assert other.wait(m.Candidate).accepted == 1
    print(f"{number} packets, longest ping {1000 * longest_s:.0f} ms; dropped: {daemon.service.hub.complaints}")


def test_every_command_is_among_the_samples():
    assert {type(one) for one in samples("s", "t")} == {kind for kind in m.COMMANDS.values() if kind.NUMBERED}


def test_random_bytes(daemon, connect, request):
    rng = random.Random(6)
    client = connect(daemon.home)
    client.until(lambda: client.welcomed)
    for k in range(20_000 if request.config.getoption("--long") else 2_000):
        client.carrier.send(rng.choice((b"/reatrieve/", b"#bundle\0", b"")) + rng.randbytes(rng.randrange(200)))
        if k % 200 == 0:
            client.send_raw(m.Ping())
            n = len(client.pongs)
            client.until(lambda n=n: len(client.pongs) > n)
