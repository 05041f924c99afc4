"""What comes in from outside: wrong, malformed, unknown, too old; and the buttons of controllers."""

import asyncio
import os
import random
import re
import socket
import subprocess

import pytest
from pythonosc.osc_bundle_builder import OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder

from reatrieve import limits
from reatrieve.bridge import link as links
from reatrieve.bridge import osc
from reatrieve.bridge.messages import (
    PROTOCOL,
    Ack,
    Answer,
    Candidate,
    CommandHeader,
    Event,
    Failed,
    Hello,
    Note,
    Ping,
    Pong,
    Refused,
    Rename,
    Seen,
    Verb,
    Welcome,
    decode_event,
    encode_command,
)
from reatrieve.errors import InputError, ProtocolError
from reatrieve.installation import this_installation
from reatrieve.reported import reported
from reatrieve.service.hub import Hub, Route
from service.program import needs


class Desk:
    """A hub with recorded commands, verbs and answers, and a clock set by hand."""

    def __init__(self, **more):
        self.commands, self.verbs, self.sent = [], [], []
        self.now_s = 0.0
        self.hub = Hub(
            instance="i",
            token="secret",
            on_command=lambda *command: self.commands.append(command),
            on_verb=self.verbs.append,
            clock=lambda: self.now_s,
            **more,
        )
        self.route = Route("udp", self.sent.append)

    def say(self, command, number=0, *, client="c1", token="secret"):
        return self.raw(encode_command(CommandHeader(client, token, number), command))

    def raw(self, packet, route=None):
        """Send one packet; returns the events that came back."""
        del self.sent[:]
        self.hub.receive(packet, route or self.route)
        return self.answers()

    def answers(self) -> list[tuple[int, Event]]:
        events = [decode_event(osc.decode(packet)[0]) for packet in self.sent]
        assert all(header.instance == "i" for header, _ in events)
        return [(header.seq, event) for header, event in events]

    def hello(self, **more):
        return self.say(Hello(PROTOCOL, "0.1.0", "REAPER 7.62", "5.4", "udp"), **more)


def test_hello_is_welcomed_and_pings_need_none():
    desk = Desk()
    assert desk.say(Ping()) == [(0, Pong(0, 0))]
    ((_, welcome),) = desk.hello()
    assert (type(welcome), welcome.protocol, welcome.upto) == (Welcome, PROTOCOL, 0)
    desk.say(Rename("s", "o", "l"), 1)
    desk.hub.handled("c1", 1)
    assert desk.hello()[0][1].upto == 1


def test_acks_come_when_handled_and_each_command_once():
    desk = Desk()
    desk.hello()
    assert desk.say(Rename("s", "o", "l"), 2) == [(0, Ack(0))]
    assert desk.commands == []
    assert desk.say(Rename("s", "o1", "l"), 1) == [(0, Ack(0))]
    assert [number for _, number, _ in desk.commands] == [1, 2]
    del desk.sent[:]
    desk.hub.handled("c1", 2)
    assert desk.answers() == []
    desk.hub.handled("c1", 1)
    assert desk.answers() == [(0, Ack(2))]
    assert desk.say(Rename("s", "o1", "l"), 1) == [(0, Ack(2))]
    assert len(desk.commands) == 2


def test_events_are_numbered_and_sent_again_until_seen():
    desk = Desk()
    desk.hello()
    del desk.sent[:]
    for k in range(3):
        desk.hub.push("c1", Note("s", "n", str(k)))
    assert [seq for seq, _ in desk.answers()] == [1, 2, 3]
    desk.now_s = 0.1
    assert [seq for seq, _ in desk.say(Seen(1))] == [2, 3]
    desk.now_s = 0.2
    assert desk.say(Seen(3)) == []
    desk.hub.push("nobody", Note("s", "n", "lost"))


def test_an_event_that_cannot_be_written_blocks_nothing():
    desk = Desk()
    desk.hello()
    for text in ("x" * 9000, "\udcff.wav"):
        with pytest.raises(ProtocolError):
            desk.hub.push("c1", Note("s", "n", text))
    del desk.sent[:]
    desk.hub.push("c1", Note("s", "n", "fine"))
    assert [seq for seq, _ in desk.answers()] == [1]


def test_wrong_tokens_and_unknown_clients_are_refused():
    desk = Desk()
    ((seq, refused),) = desk.say(Rename("s", "o", "l"), 1, token="guess")
    assert (seq, refused.code) == (0, "token")
    assert desk.hello(token="")[0][1].code == "token"
    assert desk.say(Ping(), token="x")[0][1].code == "token"
    assert desk.say(Rename("s", "o", "l"), 1)[0][1].code == "unknown-client"
    assert desk.say(Seen(1))[0][1].code == "unknown-client"
    assert desk.commands == []


@pytest.mark.parametrize(("theirs", "fix"), [(PROTOCOL - 1, "ReaPack"), (PROTOCOL + 1, this_installation().updating())])
def test_another_protocol_is_refused_with_the_fix(theirs, fix):
    desk = Desk()
    ((_, refused),) = desk.say(Hello(theirs, "9.9.9", "REAPER", "5.4", "udp"), token="whatever")
    assert isinstance(refused, Refused)
    assert refused.code == "version"
    assert all(text in refused.text for text in ("0.1.0", "9.9.9", fix))


def test_malformed_packets_are_counted_and_dropped(caplog):
    desk = Desk()
    rng = random.Random(5)
    for _ in range(500):
        assert desk.raw(rng.randbytes(rng.randrange(64))) == []
    assert desk.raw(encode_command(CommandHeader("c1", "secret", 0), Ping())[:-4]) == []
    assert desk.hub.complaints == {"malformed packet dropped": 501}
    assert len(caplog.records) == 1
    desk.now_s = 10.0
    desk.raw(b"rubbish")
    assert "(and 500 more like it)" in caplog.text
    assert desk.say(Ping()) == [(0, Pong(0, 0))]


def test_a_fault_of_ours_is_logged_and_survived(caplog):
    desk = Desk()
    desk.hello()
    desk.hub._on_command = lambda *command: 1 / 0
    desk.say(Rename("s", "o", "l"), 1)
    assert "ZeroDivisionError" in caplog.text
    assert desk.say(Ping())


def test_a_client_far_behind_or_long_gone_is_forgotten():
    desk = Desk()
    desk.hello()
    for _ in range(5000):
        desk.hub.push("c1", Note("s", "n", "x"))
    assert desk.say(Rename("s", "o", "l"), 1)[0][1].code == "unknown-client"
    desk.hello()
    assert desk.hub.listens("c1")
    desk.now_s = 31.0
    assert not desk.hub.listens("c1")
    desk.hub.forget_the_gone()
    assert desk.say(Seen(0)) == []
    desk.now_s = 25 * 3600.0
    desk.hub.forget_the_gone()
    assert desk.say(Seen(0))[0][1].code == "unknown-client"


def bundle_of(*packets):
    bundle = OscBundleBuilder(0)
    for packet in packets:
        (message,) = osc.decode(packet)
        builder = OscMessageBuilder(address=message.address)
        for tag, value in zip(message.tags, message.values, strict=True):
            builder.add_arg(value, tag)
        bundle.add_content(builder.build())
    return bundle.build().dgram


def test_a_bundle_is_refused_once():
    """Or one datagram with a forged address would make a flood."""
    for token in ("", "guess"):
        desk = Desk()
        packet = encode_command(CommandHeader("c1", token, 1), Rename("s", "o", "l"))
        ((_, refused),) = desk.raw(bundle_of(*(packet for _ in range(500))))
        assert refused.code == "token"
        assert desk.hub.complaints["token"] == 500
    desk = Desk()
    unknown = encode_command(CommandHeader("c1", "secret", 1), Rename("s", "o", "l"))
    assert len(desk.raw(bundle_of(*(unknown for _ in range(9))))) == 1


def test_a_body_that_cannot_be_is_answered_and_acked_in_its_turn():
    desk = Desk()
    desk.hello()
    packets = [osc.encode("/reatrieve/dance", "ssi", ("c1", "secret", number)) for number in (1, 2)]
    assert desk.raw(packets[1]) == [(0, Ack(0))]
    answers = desk.raw(packets[0])
    assert [event.id for _, event in answers if isinstance(event, Failed)] == [1, 2]
    assert answers[-1] == (0, Ack(2))
    assert desk.commands == []


def test_clients_past_the_limit_push_out_the_longest_silent(monkeypatch):
    monkeypatch.setattr(limits, "CLIENTS", 3)
    desk = Desk()
    for k in range(4):
        desk.now_s = float(k)
        desk.hello(client=f"c{k}")
    assert [desk.say(Seen(0), client=f"c{k}") == [] for k in range(4)] == [False, True, True, True]


def is_waited_for_until(desk, notes, end, *, meanwhile=lambda: None):
    """Whether a list waits for its client before ``end``; afterwards it must go out."""

    async def listing():
        pushing = asyncio.create_task(desk.hub.push_all("c1", notes))
        for _ in range(20):
            await asyncio.sleep(0.01)
            meanwhile()
        waited = not pushing.done()
        end()
        await asyncio.wait_for(pushing, 10)
        return waited

    return asyncio.run(listing())


def test_a_long_list_waits_for_the_client_but_not_for_one_that_has_gone_silent(monkeypatch):
    monkeypatch.setattr(links, "MAX_EVENTS", 64)
    desk = Desk()
    desk.hello()
    notes = [Note("s", "n", str(k)) for k in range(50)]

    def silence():
        desk.now_s = 31.0

    assert is_waited_for_until(desk, notes, silence)
    assert desk.say(Ping())[0][1].last_seq == 50


def test_a_client_that_speaks_but_sees_nothing_is_not_waited_for_either(monkeypatch):
    monkeypatch.setattr(links, "MAX_EVENTS", 200)
    desk = Desk()
    desk.hello()
    notes = [Note("s", "n", str(k)) for k in range(150)]

    def speak(after_s):
        desk.now_s += after_s
        desk.say(Ping())

    assert is_waited_for_until(desk, notes, lambda: speak(11.0), meanwhile=lambda: speak(1.0))
    assert desk.say(Ping())[0][1].last_seq == 150


def test_bundles_are_taken_apart():
    desk = Desk()
    desk.hello()
    renames = [Rename("s", f"o{number}", "l") for number in (1, 2)]
    desk.raw(bundle_of(*(encode_command(CommandHeader("c1", "secret", k + 1), one) for k, one in enumerate(renames))))
    assert [number for _, number, _ in desk.commands] == [1, 2]


def press(verb, *arguments):
    builder = OscMessageBuilder(address=f"/reatrieve/{verb}")
    for argument in arguments:
        builder.add_arg(argument)
    return builder.build().dgram


REMOTE = Route("udp", lambda packet: None, local=False)


@pytest.mark.parametrize("verb", ["accept", "reject", "skip", "undo"])
def test_a_controller_with_the_token_presses_a_verb(verb):
    desk = Desk()
    for route in (None, REMOTE):
        desk.raw(press(verb, "secret"), route)
        desk.raw(press(verb, "secret", 1.0), route)
    desk.now_s += 1.0
    desk.raw(press(verb, 1, "secret"))
    assert desk.verbs == 5 * [verb]
    for released in (press(verb, "secret", 0.0), press(verb, "secret", 0), press(verb, "secret", False)):
        desk.raw(released)
    for wrong in (
        press(verb),
        press(verb, "guess"),
        press(verb, 1.0),
        press(verb, "secret", "secret"),
        press("eject", "secret"),
    ):
        desk.raw(wrong)
    assert len(desk.verbs) == 5


def test_a_fader_sweep_and_a_doubled_packet_are_one_press():
    desk = Desk(open_controllers=True)
    other = Route("udp", lambda packet: None, sender="10.0.0.7")
    for step in range(1, 40):
        desk.now_s += 0.05  # longer than the pause, all in all
        desk.raw(press("accept", step / 40))
    assert desk.verbs == ["accept"]
    desk.raw(press("skip", 1.0))  # another address
    desk.raw(press("accept", 1.0), other)  # another sender
    assert desk.verbs == ["accept", "skip", "accept"]
    desk.raw(press("accept", 0.0))
    for value in (0.2, 0.2, 0.9):
        desk.raw(press("accept", value))
    assert desk.verbs[3:] == ["accept"]
    desk.now_s += 0.31
    desk.raw(press("accept", 0.9))
    desk.raw(press("accept"))
    desk.raw(press("accept"))
    assert desk.verbs[3:] == 4 * ["accept"]


def test_open_controllers_need_no_token_on_this_machine():
    desk = Desk(open_controllers=True)
    for packet in (press("accept"), press("accept", 1.0), press("accept", 0.0), press("accept", True)):
        desk.raw(packet)
    assert desk.verbs == 3 * ["accept"]
    desk.raw(press("accept"), REMOTE)
    desk.raw(press("accept", "guess"))
    assert len(desk.verbs) == 3
    assert desk.hub.complaints["controller"] == 2


@pytest.mark.parametrize(
    ("tokens", "why"),
    [(["guess"], "with a wrong token"), ([], "without the token (allow it with --open-controllers)")],
)
def test_a_report_says_why_a_controller_is_not_heard(caplog, tokens, why):
    desk = Desk()
    desk.raw(press("accept", *tokens))
    (record,) = caplog.records
    assert record.getMessage() == reported(record) == f"controller: accept {why}"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (("0.1.0", "REAPER 7.80/linux-x86_64", "5.4"), "script 0.1.0, REAPER 7.80/linux-x86_64, Lua 5.4, by udp"),
        (("Song 1", "REAPER of Song", "Song"), "script <text #>, <text #>, Lua <text #>, by udp"),
    ],
)
def test_a_report_says_of_a_client_only_versions(caplog, said, told):
    """Whoever has the token chooses what a hello holds."""
    caplog.set_level("INFO", logger="reatrieve")
    Desk().say(Hello(PROTOCOL, *said, "udp"))
    (line,) = (reported(one) for one in caplog.records if "client" in one.getMessage())
    assert re.sub(r"\b[0-9a-f]{6}\b", "#", line) == f"client <text #>: {told}"


@pytest.fixture
def at_candidate(daemon, connect, shared):
    client = connect(daemon.home)
    session = "controlled-" + os.urandom(4).hex()
    client.find(session, shared.track, 1.0, 1.5)
    return client, client.wait(Candidate)


def test_a_controller_by_ipv6_is_heard_at_the_same_port(daemon, at_candidate):
    client, candidate = at_candidate
    try:
        controller = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        controller.bind(("::1", 0))
    except OSError as error:
        pytest.skip(f"this machine has no IPv6 loopback: {error}")
    with controller:
        for verb in ("accept", "undo"):
            controller.sendto(press(verb, daemon.info.token), ("::1", daemon.info.port))
            assert client.wait(Verb) == Verb(candidate.session, verb)
        controller.sendto(press("reject", "guess"), ("::1", daemon.info.port))  # the token counts there too
        controller.sendto(press("skip", daemon.info.token), ("::1", daemon.info.port))
        assert client.wait(Verb) == Verb(candidate.session, "skip")


@pytest.mark.peer
def test_oscsend_accepts(daemon, at_candidate, connect, shared):
    """liblo's own program as the controller; the verb goes to the client whose session proposed last."""
    oscsend = needs("oscsend")
    client, candidate = at_candidate
    command = [oscsend, "127.0.0.1", str(daemon.info.port), "/reatrieve/accept"]
    subprocess.run([*command, "s", daemon.info.token], check=True)
    assert client.wait(Verb) == Verb(candidate.session, "accept")
    subprocess.run([*command, "s", "guess"], check=True)
    subprocess.run(command, check=True)
    subprocess.run([*command[:-1], "/reatrieve/undo", "sf", daemon.info.token, "1.0"], check=True)
    assert client.wait(Verb) == Verb(candidate.session, "undo")
    other = connect(daemon.home, "spool")
    other.find("newer", shared.track, 1.0, 1.5)
    newer = other.wait(Candidate)
    subprocess.run([*command[:-1], "/reatrieve/skip", "s", daemon.info.token], check=True)
    assert other.wait(Verb) == Verb("newer", "skip")
    other.answer(newer, "skip")
    other.wait(Candidate)


def test_the_daemon_lives_through_rubbish(daemon, at_candidate):
    client, candidate = at_candidate
    rng = random.Random(1)
    for _ in range(200):
        client.carrier.send(rng.randbytes(rng.randrange(1, 200)))
        client.carrier.send(b"/reatrieve/answer\0\0\0,ssi" + rng.randbytes(40))

    def refused():
        client.send_raw(Answer(candidate.session, "o", 1, "accept", 0.0, 1.0), 1, token="wrong")
        return client.refused

    client.until(refused)
    assert client.refused[-1].code == "token"
    client.answer(candidate, "accept")
    assert client.wait(Candidate, Failed).accepted == 1


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"host": "0.0.0.0"}, "--token"),
        ({"host": "0.0.0.0", "token": "t" * 16, "open_controllers": True}, "let anybody in"),
        ({"host": "no.such.host.invalid", "token": "t" * 16}, "cannot be opened"),
    ],
)
def test_the_network_stays_out_unless_a_token_was_chosen(start, settings, match):
    with pytest.raises(InputError, match=match):
        start(**settings)


def test_with_a_token_of_ones_own_it_listens_everywhere(start, connect):
    daemon = start(host="0.0.0.0", token="one of my own choice")
    client = connect(daemon.home)
    client.until(lambda: client.welcomed)
    assert daemon.info.token == "one of my own choice"


def test_without_udp_the_spool_serves(start, connect, shared):
    daemon = start(udp=False)
    assert daemon.info.port == 0
    client = connect(daemon.home, "spool")
    client.find("s", shared.track, 1.0, 1.5)
    client.wait(Candidate)
