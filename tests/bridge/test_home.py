"""The home folder: where it lies, daemon.txt whole and private, one living daemon a home."""

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from reatrieve.bridge import home as homes
from reatrieve.bridge import osc
from reatrieve.bridge.messages import EventHeader, Ping, Pong, decode_command, encode_event
from reatrieve.errors import InputError
from reatrieve.settings import Settings


def test_daemon_txt_is_as_the_page_says(tmp_path):
    info = homes.new_info(version="0.1.0", port=51234, spool=tmp_path / "spöol dir")
    homes.write_info(tmp_path, info)
    lines = (tmp_path / "daemon.txt").read_text(encoding="utf-8").splitlines()
    assert [line.split(" ", 1)[0] for line in lines] == [
        "protocol",
        "version",
        "instance",
        "pid",
        "port",
        "token",
        "spool",
    ]
    assert lines[0] == "protocol 2"
    assert lines[4] == "port 51234"
    assert lines[6] == f"spool {tmp_path / 'spöol dir' / info.instance}"
    assert homes.read_info(tmp_path) == info
    if sys.platform != "win32":
        assert (tmp_path / "daemon.txt").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["daemon.txt"]


def test_every_start_has_its_own_instance_and_token(tmp_path):
    one, two = (homes.new_info(version="0", port=0, spool=tmp_path) for _ in range(2))
    assert one.instance != two.instance
    assert one.token != two.token
    assert homes.new_info(version="0", port=0, spool=tmp_path, token="mine").token == "mine"


def test_only_ones_own_file_is_removed(tmp_path):
    old, new = (homes.new_info(version="0", port=0, spool=tmp_path) for _ in range(2))
    homes.write_info(tmp_path, new)
    homes.remove_info(tmp_path, old.instance)
    assert homes.read_info(tmp_path) == new
    homes.remove_info(tmp_path, new.instance)
    assert homes.read_info(tmp_path) is None
    homes.remove_info(tmp_path, new.instance)


@pytest.mark.parametrize("text", ["", "protocol x\n", "protocol 1\nversion 0\n", "\xff\xfe", "rubbish"])
def test_rubbish_in_daemon_txt_is_no_daemon(tmp_path, text):
    (tmp_path / "daemon.txt").write_bytes(text.encode("latin-1"))
    assert homes.read_info(tmp_path) is None
    with homes.held(tmp_path):
        pass


def test_a_dead_daemons_file_is_stale(tmp_path):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    info = homes.DaemonInfo(1, "0", "a" * 32, os.getpid() + 1, port, "t", str(tmp_path / "spool"))
    homes.write_info(tmp_path, info)
    assert not homes.answers_ping(info, timeout_s=0.2)
    with homes.held(tmp_path):
        pass


def test_a_dead_daemon_without_udp_is_stale(tmp_path):
    info = homes.DaemonInfo(1, "0", "a" * 32, os.getpid() + 1, 0, "t", str(tmp_path / "gone"))
    assert not homes.answers_ping(info, timeout_s=0.2)


def test_a_living_daemon_keeps_its_home(tmp_path):
    """One that answers pings, though no lock says so (a home on a file system without locks)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        info = homes.DaemonInfo(1, "0", "a" * 32, os.getpid() + 1, sock.getsockname()[1], "t", str(tmp_path))
        homes.write_info(tmp_path, info)

        def answer():
            packet, address = sock.recvfrom(8000)
            header, ping = decode_command(osc.decode(packet)[0])
            assert (header.token, ping) == ("t", Ping())
            sock.sendto(encode_event(EventHeader("a" * 32, 0), Pong(0, 0)), address)

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(InputError, match=f"already running.*port {info.port}.*--home"), homes.held(tmp_path):
            pass
        thread.join()


def test_another_process_with_the_lock_keeps_its_home(tmp_path):
    code = (
        "import sys, pathlib\nfrom reatrieve.bridge.home import held\n"
        "with held(pathlib.Path(sys.argv[1])):\n print('held', flush=True)\n sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout.readline().strip() == b"held"
        with pytest.raises(InputError, match="already running"), homes.held(tmp_path):
            pass
        other.communicate(b"")
    with homes.held(tmp_path):
        pass


def test_a_home_that_cannot_be_made_is_told(tmp_path):
    file = tmp_path / "file"
    file.write_text("x", encoding="utf-8")
    for home, why in ((file, "it is a file"), (file / "home", "Not a directory|No such file")):
        given = Settings.load({"home": home})  # what is wrong with its settings.txt is not the point
        told = f"cannot be used: ({why}); choose another with --home$"
        with pytest.raises(InputError, match=told), homes.held(given.home):
            pass


def test_on_windows_the_file_is_made_private_by_its_rights(tmp_path, monkeypatch):
    """What mode 0600 is elsewhere; a disk without rights (FAT) is refused, and nothing readable is left."""
    asked = []
    monkeypatch.setattr(homes.sys, "platform", "win32")
    monkeypatch.setattr(homes.getpass, "getuser", lambda: "ann")
    monkeypatch.setattr(homes.subprocess, "run", lambda command, **_: asked.append(command))
    info = homes.new_info(version="0", port=1, spool=tmp_path)
    homes.write_info(tmp_path, info)
    ((program, path, *rights),) = asked
    assert (program, path.endswith(".tmp"), rights) == ("icacls", True, ["/inheritance:r", "/grant:r", "ann:F"])

    def refused(command, **_):
        raise subprocess.CalledProcessError(5, command)

    monkeypatch.setattr(homes.subprocess, "run", refused)
    with pytest.raises(InputError, match="cannot be made private"):
        homes.write_info(tmp_path, info)
    assert [path.name for path in tmp_path.iterdir()] == ["daemon.txt"]


def test_on_windows_the_token_is_made_private_by_its_rights_too(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(homes.sys, "platform", "win32")
    monkeypatch.setattr(homes.getpass, "getuser", lambda: "ann")
    monkeypatch.setattr(homes.subprocess, "run", lambda command, **_: asked.append(command[1:]))
    homes.make_token(tmp_path)
    assert homes.private_token(tmp_path) == homes.kept_token(tmp_path)
    rights = ["/inheritance:r", "/grant:r", "ann:F"]
    made, kept = asked
    assert (made[0].endswith(".tmp"), made[1:]) == (True, rights)
    assert kept == [str(tmp_path / "token.txt"), *rights]


def test_on_windows_a_file_that_is_being_read_is_replaced_a_little_later(tmp_path, monkeypatch):
    monkeypatch.setattr(homes.sys, "platform", "win32")
    monkeypatch.setattr(homes, "_only_this_user", lambda path: None)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    real, refusals = Path.replace, [PermissionError(13, "open elsewhere")] * 3

    def replace(path, target):
        if refusals:
            raise refusals.pop()
        return real(path, target)

    monkeypatch.setattr(Path, "replace", replace)
    info = homes.new_info(version="0", port=1, spool=tmp_path)
    homes.write_info(tmp_path, info)
    assert homes.read_info(tmp_path) == info


def test_a_line_break_in_the_path_is_refused():
    with pytest.raises(InputError, match="line break"):
        homes.new_info(version="0", port=0, spool=Path("a\nb"))
