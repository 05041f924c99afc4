"""A client of the daemon for tests: speaks docs/protocol.md over UDP or the spool, and a proxy that loses, doubles
and reorders."""

import contextlib
import heapq
import random
import secrets
import socket
import threading
import time
from collections import Counter
from pathlib import Path

import numpy as np
import soundfile

from client_link import ClientLink
from reatrieve.bridge import osc
from reatrieve.bridge.home import read_info
from reatrieve.bridge.messages import (
    PROTOCOL,
    UNKNOWN,
    Ack,
    Answer,
    Candidate,
    CommandHeader,
    Done,
    Failed,
    Find,
    Hello,
    Item,
    Pong,
    Progress,
    Refused,
    Resume,
    Seen,
    Welcome,
    decode_event,
    encode_command,
)

RATE_HZ = 22050


class UdpCarrier:
    """Datagrams to ``port``, or to a proxy in front of it."""

    def __init__(self, info, port=None):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(0.005)
        self.target = ("127.0.0.1", port or info.port)

    def send(self, packet):
        self.socket.sendto(packet, self.target)

    def receive(self):
        packets = []
        try:
            while True:
                packets.append(self.socket.recv(65536))
                self.socket.settimeout(0.0)
        except (TimeoutError, BlockingIOError, ConnectionError):
            pass
        self.socket.settimeout(0.005)
        return packets

    def close(self):
        self.socket.close()


class SpoolCarrier:
    """Files, as the Lua client writes and reads them."""

    def __init__(self, info, client):
        self.out = Path(info.spool) / client / "to_daemon"
        self.inbox = Path(info.spool) / client / "to_script"
        for folder in (self.out, self.inbox):
            folder.mkdir(parents=True)
        self.next_out = self.next_in = 1

    def send(self, packet):
        temporary = self.out / f"{self.next_out:08d}.tmp"
        temporary.write_bytes(packet)
        temporary.rename(temporary.with_suffix(".osc"))
        self.next_out += 1

    def receive(self):
        packets = []
        while True:
            path = self.inbox / f"{self.next_in:08d}.osc"
            packet = path.read_bytes() if path.exists() else b""
            if not packet:
                break
            path.unlink()
            self.next_in += 1
            packets.append(packet)
        if not packets:
            threading.Event().wait(0.003)
        return packets

    def close(self):
        pass


class VanishingSpool(SpoolCarrier):
    """The folder is away for a moment, again and again, as on a network: what is sent meanwhile is lost. ``times``
    counts how often."""

    def __init__(self, info, client, *, every=7, away_s=0.1):
        super().__init__(info, client)
        self.folder = self.out.parent
        self.elsewhere = Path(info.spool).parent / f"away-{client}"
        self.every, self.away_s = every, away_s
        self.sent, self.times, self.back_s = 0, 0, None

    def send(self, packet):
        self.sent += 1
        if self.back_s is None and self.sent % self.every == 0:
            with contextlib.suppress(PermissionError):  # Windows: the daemon has it open
                self.folder.rename(self.elsewhere)
                self.times, self.back_s = self.times + 1, time.monotonic() + self.away_s
        if self.back_s is None:
            super().send(packet)

    def receive(self):
        if self.back_s is None:
            return super().receive()
        if time.monotonic() >= self.back_s:
            self.elsewhere.rename(self.folder)
            self.back_s = None
        return []


class FaultySpool(SpoolCarrier):
    """Files that come late (and so out of order), twice, and at first only half, as a folder that is synchronised over
    a network shows them; of some halves the rest never comes. Seeded; ``faults`` counts what was done.
    """

    def __init__(self, info, client, *, seed, fault=0.3, delay_s=0.03):
        super().__init__(info, client)
        self.random, self.fault, self.delay_s = random.Random(seed), fault, delay_s
        self.faults = Counter()
        self.held = []
        self.taken = []
        self.count = 0

    def send(self, packet):
        for _ in range(2 if self.happens("doubled") else 1):
            path = self.out / f"{self.next_out:08d}.osc"
            self.next_out += 1
            late_s = self.late_s()
            if self.happens("half"):
                half = packet[: self.random.randrange(1, len(packet))]
                self.hold(late_s, lambda path=path, half=half: path.write_bytes(half))
                late_s += self.random.random() * self.delay_s
                if self.random.random() < 0.5:
                    continue  # its writer has died
            self.hold(late_s, lambda path=path: self.write(path, packet))
        self.do_what_is_due()

    def write(self, path, packet):
        temporary = path.with_suffix(".tmp")
        temporary.write_bytes(packet)
        with contextlib.suppress(PermissionError):  # Windows: the daemon reads the half of it just now
            temporary.replace(path)

    def receive(self):
        for packet in super().receive():
            if self.happens("half back"):
                continue  # what a script does with what is no message
            for _ in range(2 if self.happens("doubled back") else 1):
                self.hold(self.late_s(), lambda packet=packet: self.taken.append(packet))
        self.do_what_is_due()
        taken, self.taken = self.taken, []
        return taken

    def happens(self, what):
        happens = self.random.random() < self.fault
        self.faults[what] += happens
        return happens

    def late_s(self):
        return self.random.random() * self.delay_s if self.happens("late") else 0.0

    def hold(self, late_s, act):
        self.count += 1
        heapq.heappush(self.held, (time.monotonic() + late_s, self.count, act))

    def do_what_is_due(self):
        while self.held and self.held[0][0] <= time.monotonic():
            heapq.heappop(self.held)[2]()


class Client:
    """One client script. Blocking: ``wait`` pumps until an event has come.

    After a new instance of the daemon it does what the page asks of a client: hello, resume, unacked commands again.
    ``spool`` makes another carrier of files than ``SpoolCarrier``, over which lost commands come again sooner.
    """

    def __init__(self, home, carrier="udp", *, port=None, spool=None):
        self.home, self.kind, self.port = home, carrier, port
        self.name = secrets.token_hex(8)
        self.events = []
        self.taken = 0
        self.sessions = []
        self.refused = []
        self.pongs = []
        self.spool = spool or SpoolCarrier
        self.link = ClientLink() if carrier == "udp" or spool else ClientLink(resend_after_s=2.0, resend_max_s=2.0)
        self.info = None
        self.carrier = None
        self.welcomed = False
        self.hello_s = self.seen_s = self.looked_s = 0.0
        self.connect()

    def connect(self):
        self.info = read_info(self.home)
        if self.carrier:
            self.carrier.close()
        if self.kind == "udp":
            self.carrier = UdpCarrier(self.info, self.port)
        else:
            self.carrier = self.spool(self.info, self.name)
        self.welcomed = False
        self.hello_s = 0.0
        self.looked_s = time.monotonic()

    def close(self):
        self.carrier.close()

    def send_raw(self, command, number=0, token=None):
        token = self.info.token if token is None else token
        self.carrier.send(encode_command(CommandHeader(self.name, token, number), command))

    def send(self, command):
        return self.link.send(command, time.monotonic())

    def pump(self):
        now_s = time.monotonic()
        if now_s - self.looked_s > 0.2:
            self.looked_s = now_s
            info = read_info(self.home)
            if info is not None and info.instance != self.info.instance:
                unacked = self.link.begin_again()
                self.connect()
                for session in self.sessions:
                    self.send(Resume(session))
                for command in unacked:
                    self.send(command)
        if not self.welcomed:
            if now_s - self.hello_s > 0.1:
                self.hello_s = now_s
                self.send_raw(Hello(PROTOCOL, "0.1.0", "test", "5.4", self.kind))
        else:
            for number, command in self.link.due(now_s):
                self.send_raw(command, number)
        packets = self.carrier.receive()
        for packet in packets:
            (message,) = osc.decode(packet)
            header, event = decode_event(message)
            if header.instance != self.info.instance:
                continue
            self.take(header.seq, event)
        if self.welcomed and (packets or now_s - self.seen_s > 0.25):
            self.seen_s = now_s
            self.send_raw(Seen(self.link.seen_upto))

    def take(self, seq, event):
        if seq:
            self.events += self.link.receive(seq, event)
        elif isinstance(event, Welcome):
            self.welcomed = True
        elif isinstance(event, Ack):
            self.link.ack(event.upto)
        elif isinstance(event, Pong):
            self.pongs.append(event)
        elif isinstance(event, Refused):
            self.refused.append(event)
            if event.code == "unknown-client":
                self.welcomed = False

    def until(self, condition, timeout_s=60.0):
        end_s = time.monotonic() + timeout_s
        while not (value := condition()):
            if time.monotonic() > end_s:
                raise AssertionError(
                    f"nothing came in {timeout_s} s; last events: {self.events[-5:]}, refused: {self.refused[-3:]}"
                )
            self.pump()
        return value

    def wait(self, *kinds, timeout_s=60.0):
        """The next event of one of these kinds (those before it are passed over, and candidates that come again with
        what follows them); a ``Failed`` is an error unless asked for."""

        def look():
            while self.taken < len(self.events):
                event = self.events[self.taken]
                self.taken += 1
                early = isinstance(event, Candidate) and event.accept_valid == UNKNOWN
                if isinstance(event, kinds) and not early:
                    return event
                assert not isinstance(event, Failed), event
            return None

        return self.until(look, timeout_s)

    def settle(self):
        self.until(lambda: self.welcomed and not self.link.unacked)

    def find(self, session, path, start_s, end_s, *, label="sound", project="", budget=10, position_s=0.0, **item):
        self.sessions.append(session)
        self.send(make_item(session, path, position_s=position_s, **item))
        return self.send(Find(session, label, project, "{T}", start_s, end_s, budget, "", 1))

    def answer(self, candidate, verdict, *, op=None, start_s=None, end_s=None):
        start_s = candidate.start_s if start_s is None else start_s
        end_s = candidate.end_s if end_s is None else end_s
        op = op or secrets.token_hex(6)
        return self.send(Answer(candidate.session, op, candidate.number, verdict, start_s, end_s))

    def play(self, truth, *, first=None, n_answers=1000):
        """Answer by the truth (starts of the occurrences) until done; returns what was said and the ``Done``."""
        said = []
        event = first or self.wait(Candidate, Done)
        while isinstance(event, Candidate) and len(said) < n_answers:
            verdict = verdict_on(event, truth)
            said.append((event.number, round(event.start_s, 3), verdict))
            self.answer(event, verdict)
            event = self.wait_past(event)
        return said, event

    def wait_past(self, event):
        """What follows an answered candidate: the next one, or ``Done``; those that come again are passed over."""
        number = event.number
        while isinstance(event, Candidate) and event.number <= number:
            event = self.wait(Candidate, Done)
        return event


def verdict_on(candidate, truth):
    """The right answer, where the sound happens at these starts."""
    return "accept" if any(abs(candidate.start_s - start_s) < 0.1 for start_s in truth) else "reject"


def make_item(session, path, *, index=0, position_s=0.0, length_s=None, **more):
    length_s = soundfile.info(str(path)).duration if length_s is None else length_s
    fields = {
        "offset_s": 0.0, "rate": 1.0, "section_start_s": 0.0, "section_length_s": 0.0, "reverse": 0, "loop": 0,
        "channel_mode": 0, "gain": 1.0, "pan": 0.0, "fade_in_s": 0.0, "fade_out_s": 0.0, "fade_in_shape": 0,
        "fade_out_shape": 0, "accessor": 0,
    } | more  # fmt: skip
    return Item(session, index, "{I}", str(path), position_s, length_s, *fields.values())


class FaultyProxy:
    """A UDP relay in front of the daemon that loses, doubles and delays a share of the datagrams each way, seeded."""

    def __init__(self, port, *, fault=0.3, seed=1, delay_s=0.05):
        self.server, self.fault, self.delay_s = ("127.0.0.1", port), fault, delay_s
        self.random = random.Random(seed)
        self.front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.back = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for one in (self.front, self.back):
            one.bind(("127.0.0.1", 0))
            one.setblocking(False)
        self.port = self.front.getsockname()[1]
        self.client = None
        self.held = []
        self.count = 0
        self.dropped = 0
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.thread.join()
        self.front.close()
        self.back.close()

    def run(self):
        while not self.stopped.wait(0.001):
            for one, way in ((self.front, "in"), (self.back, "out")):
                try:
                    while True:
                        packet, address = one.recvfrom(65536)
                        if way == "in":
                            self.client = address
                        self.hold(way, packet)
                except (BlockingIOError, ConnectionError):  # noqa: PERF203 - nothing more has come
                    pass
            now_s = time.monotonic()
            while self.held and self.held[0][0] <= now_s:
                _, _, way, packet = heapq.heappop(self.held)
                if way == "in":
                    self.back.sendto(packet, self.server)
                elif self.client:
                    self.front.sendto(packet, self.client)

    def hold(self, way, packet):
        if self.random.random() < self.fault:
            self.dropped += 1
            return
        for _ in range(2 if self.random.random() < self.fault else 1):
            late_s = self.random.random() * self.delay_s if self.random.random() < self.fault else 0.0
            self.count += 1
            heapq.heappush(self.held, (time.monotonic() + late_s, self.count, way, packet))


def make_track(path, *, starts_s=(1.0, 3.5, 6.0, 9.25, 12.0), duration_s=15.0, seed=3, decoys_s=(2.2, 4.8, 7.7, 10.6)):
    """A track in which one chirp happens at ``starts_s`` (0.5 s long) over noise, and another sound at ``decoys_s``."""
    rng = np.random.default_rng(seed)
    n = round(duration_s * RATE_HZ)
    y = 0.01 * rng.standard_normal(n)
    t = np.arange(round(0.5 * RATE_HZ)) / RATE_HZ
    chirp = 0.5 * np.sin(2 * np.pi * (300 * t + 1500 * t**2)) * np.exp(-4 * t)
    other = 0.5 * np.sign(np.sin(2 * np.pi * 110 * t)) * np.exp(-6 * t)
    for sound, places in ((chirp, starts_s), (other, decoys_s)):
        for start_s in places:
            k = round(start_s * RATE_HZ)
            y[k : k + len(sound)] += sound[: n - k]
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(str(path), y.astype(np.float32), RATE_HZ, subtype="FLOAT")
    return path


TRUTH = (1.0, 3.5, 6.0, 9.25, 12.0)

__all__ = ["TRUTH", "Client", "FaultyProxy", "FaultySpool", "Progress", "make_item", "make_track"]
