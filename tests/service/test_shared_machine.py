"""On a machine with other users: homes, links, rights, tokens, and texts that would act in a terminal."""

import argparse
import errno
import logging
import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from reatrieve import files, limits
from reatrieve.audio.cache import AnalysisCache, own_cache
from reatrieve.audio.hashing import SoundHashes
from reatrieve.audio.trackmap import TrackItem, TrackMap
from reatrieve.bridge import home as homes
from reatrieve.bridge.handover import ask_to_give_way, must_give_way
from reatrieve.bridge.messages import Candidate
from reatrieve.cli import daemon_log, main
from reatrieve.cli.daemon_log import DaemonLog
from reatrieve.cli.evaluate import _unfinished
from reatrieve.errors import InputError, JournalError, ReatrieveError
from reatrieve.files import ForeignFileError, own_folder, read_small
from reatrieve.journal import Header, Journal, JournalFolder
from reatrieve.plain import PlainFormatter, plain
from reatrieve.session.events import Started
from reatrieve.session.retriever import Analysis
from reatrieve.session.spans import Span
from reatrieve.settings import Settings
from reatrieve.setup.remembered import remember
from service.client import make_track

posix = pytest.mark.skipif(not hasattr(os, "getuid"), reason="Windows has other rights")
TOKEN = "f" * 32


@pytest.fixture
def give_away(monkeypatch):
    """Gives a file, link or folder to another user; only root can, for others it looks so."""
    if os.geteuid() == 0:
        return lambda path: os.chown(path, 12345, -1, follow_symlinks=False)
    theirs = set()
    monkeypatch.setattr(files, "is_own", lambda found, **_: found.st_ino not in theirs)
    return lambda path: theirs.add(path.lstat().st_ino)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@posix
def test_a_home_that_others_could_write_is_closed_and_told(tmp_path, caplog):
    home = tmp_path / "home"
    home.mkdir()
    home.chmod(0o777)
    with homes.held(home):
        assert mode(home) == 0o700
    assert "was open to other users; it is closed to them now" in caplog.text
    caplog.clear()
    with homes.held(home):
        assert caplog.text == ""


@posix
def test_a_home_of_somebody_else_is_refused(tmp_path, monkeypatch):
    home = tmp_path / "home"
    home.mkdir()
    uid = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: uid + 1)
    with pytest.raises(InputError, match=r"belongs to another user.*--home"), homes.held(home):
        pass


@posix
@pytest.mark.parametrize("command", [["serve", "--replace"], ["find", "song.wav", "--start", "1", "--end", "2"]])
def test_a_home_of_somebody_else_is_refused_before_anything_in_it_is_read_or_written(
    tmp_path, monkeypatch, capsys, give_away, command
):
    home = tmp_path / "home"
    home.mkdir()
    (home / "settings.txt").write_text(f"logs = {home / 'logs'}\nnonsense\n", encoding="utf-8")
    homes.write_info(home, homes.DaemonInfo(1, "0", "a" * 32, os.getpid() + 1, 0, "t", str(home / "spool")))
    (home / "spool").mkdir()
    before = sorted(home.rglob("*"))
    give_away(home)
    monkeypatch.setenv("REATRIEVE_HOME", str(home))
    assert main(command) == 2
    assert "belongs to another user" in capsys.readouterr().err
    assert sorted(home.rglob("*")) == before


@posix
def test_a_home_that_serve_closes_is_told_in_the_log(tmp_path, monkeypatch):
    monkeypatch.setattr("reatrieve.service.serve", lambda *_, **__: None)
    (tmp_path / "home").mkdir(mode=0o755)
    assert main(["serve", "--home", str(tmp_path / "home"), "--logs", str(tmp_path / "logs")]) == 0
    assert mode(tmp_path / "home") == 0o700
    assert "was open to other users" in (tmp_path / "logs" / "daemon.log").read_text(encoding="utf-8")


@posix
@pytest.mark.timeout(30)
def test_asking_a_daemon_to_give_way_follows_no_link_and_waits_for_no_pipe(tmp_path):
    path, target = tmp_path / "give-way.txt", tmp_path / "target"
    target.write_text("mine", encoding="utf-8")
    info = homes.new_info(version="0", port=1, spool=tmp_path)
    for make in (os.mkfifo, lambda name: name.symlink_to(target)):
        make(path)
        ask_to_give_way(tmp_path, info)
        assert must_give_way(tmp_path, info.instance)
        path.unlink()
    assert target.read_text(encoding="utf-8") == "mine"


@posix
@pytest.mark.parametrize("kind", ["file", "link"])
def test_what_somebody_else_has_put_into_the_home_is_not_believed(tmp_path, caplog, give_away, kind):
    def planted(name, text):
        path = tmp_path / name
        if kind == "link":
            path.symlink_to(tmp_path / f"own {name}")
        path.write_text(text, encoding="utf-8")
        give_away(path)

    planted("token.txt", TOKEN)
    assert homes.private_token(tmp_path) is None
    assert "token.txt holds no token of yours and is not used" in caplog.text
    homes.make_token(tmp_path)
    assert homes.private_token(tmp_path) not in {None, TOKEN}
    planted("daemon.txt", "protocol 2\nversion 0\ninstance a\npid 1\nport 9\ntoken t\nspool /\n")
    assert homes.read_info(tmp_path) is None
    planted("settings.txt", "port = 5\n")
    with pytest.raises(InputError, match=r"settings.txt cannot be read: it belongs to another user \(number \d+\)"):
        Settings.load({"home": tmp_path}, {})


@posix
def test_what_the_administrator_has_put_into_the_home_is_believed(tmp_path, monkeypatch):
    path = tmp_path / "settings.txt"
    path.write_text("port = 5\n", encoding="utf-8")
    if os.geteuid() == 0:
        monkeypatch.setattr(os, "getuid", lambda: 12345)
    else:
        as_it_is = os.lstat
        monkeypatch.setattr(
            os, "lstat", lambda name: os.stat_result([*as_it_is(name)[:4], 0, 0, *as_it_is(name)[6:10]])
        )
    assert not files.is_own(os.lstat(path))
    assert Settings.load({"home": tmp_path}, {}).port == 5


@posix
def test_the_daemon_takes_its_own_token_and_no_planted_one(tmp_path, start, give_away, caplog):
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    path = home / "token.txt"
    path.write_text(TOKEN, encoding="utf-8")
    path.chmod(0o644)
    daemon = start(home=home)
    assert (daemon.info.token, mode(path)) == (TOKEN, 0o600)
    daemon.stop()
    give_away(path)
    assert start(home=home).info.token != TOKEN
    assert "token.txt holds no token of yours and is not used" in caplog.text


@posix
def test_a_token_that_others_can_read_becomes_private(tmp_path, caplog):
    (tmp_path / "token.txt").write_text(TOKEN, encoding="utf-8")
    (tmp_path / "token.txt").chmod(0o644)
    assert homes.kept_token(tmp_path) == TOKEN
    assert mode(tmp_path / "token.txt") == 0o644
    assert homes.private_token(tmp_path) == TOKEN
    assert mode(tmp_path / "token.txt") == 0o600
    assert "token.txt holds the token and others could read it; it is private now" in caplog.text


@posix
def test_a_link_that_somebody_else_made_is_refused(tmp_path, monkeypatch):
    """In a home that was open to all, they may have put one where our journals would go."""
    (tmp_path / "theirs").mkdir()
    link = tmp_path / "journals"
    link.symlink_to(tmp_path / "theirs")
    own_folder(link, "folder of journals", option="--journals")  # one's own link is fine
    monkeypatch.setattr(files, "is_own", lambda found, **_: not stat.S_ISLNK(found.st_mode))
    with pytest.raises(InputError, match="a link that belongs to another user"):
        own_folder(link, "folder of journals", option="--journals")


@posix
@pytest.mark.parametrize("name", ["spool", "journals", "renders", "cache"])
@pytest.mark.parametrize("kind", ["folder", "link"])
def test_no_daemon_starts_with_a_folder_of_somebody_else(tmp_path, start, give_away, name, kind):
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    folder = home / name
    if kind == "link":
        (tmp_path / "theirs").mkdir()
        folder.symlink_to(tmp_path / "theirs")
    else:
        folder.mkdir()
    give_away(folder)
    with pytest.raises(InputError, match="belongs to another user"):
        start(home=home, cache=home / "cache")
    assert list(folder.iterdir()) == []


@posix
@pytest.mark.parametrize("kind", ["folder", "link", "link that leads nowhere"])
@pytest.mark.parametrize("name", ["", "analysis", "hashes"])
def test_nothing_is_kept_where_somebody_else_has_put_something_into_the_cache(
    tmp_path, monkeypatch, capsys, start, give_away, name, kind
):
    """The cache was open to all; what of it others have made is neither read nor written, by no command."""
    monkeypatch.setenv("REATRIEVE_HOME", str(tmp_path / "home"))
    cache, theirs = tmp_path / "cache", tmp_path / "theirs"
    if name:
        cache.mkdir()
        cache.chmod(0o777)
    planted = cache / name
    if kind == "folder":
        planted.mkdir()
    else:
        planted.symlink_to(theirs)
        if kind == "link":
            theirs.mkdir()
    give_away(planted)
    song = make_track(tmp_path / "song.wav")
    with pytest.raises(InputError, match="belongs to another user"):
        start(cache=cache)
    commands = [
        ["find", str(song), "--start", "1", "--end", "1.5", "--cache", str(cache)],
        ["evaluate", str(tmp_path), "--cache", str(cache)],
        ["experiments", str(tmp_path), "--out", str(tmp_path / "o"), "--cache", str(cache)],
    ]
    for command in commands:
        assert main(command) == 2
        assert "another" in capsys.readouterr().err
    assert not theirs.exists() or list(theirs.iterdir()) == []
    assert not planted.exists() or list(planted.iterdir()) == []


@posix
def test_a_cache_of_ones_own_is_closed_and_ones_own_links_are_followed(tmp_path, caplog):
    (tmp_path / "large disk").mkdir()
    (tmp_path / "large disk").chmod(0o777)
    cache = tmp_path / "cache"
    cache.mkdir()
    cache.chmod(0o777)
    (cache / "analysis").symlink_to(tmp_path / "large disk")
    own_cache(cache, make=False)
    assert (mode(cache), mode(tmp_path / "large disk")) == (0o755, 0o755)
    assert caplog.text.count("was open to other users; it is closed to them now") == 2
    own_cache(tmp_path / "none", make=False)
    assert not (tmp_path / "none").exists()


@posix
@pytest.mark.parametrize("kind", ["link", "folder"])
def test_an_analysis_or_hash_that_somebody_else_has_put_into_the_cache_is_not_believed(tmp_path, give_away, kind):
    cache = AnalysisCache(tmp_path / "cache")
    analysis = Analysis(4, {"x": np.arange(4)})
    cache.put("key", analysis)
    entry = cache.folder / "analysis" / "key"
    planted = entry
    if kind == "link":
        planted.rename(tmp_path / "theirs")
        planted.symlink_to(tmp_path / "theirs")
    give_away(planted)
    assert cache.get("key") is None
    assert not os.path.lexists(entry)
    assert np.array_equal(cache.put("key", analysis).arrays["x"], np.arange(4))
    assert cache.get("key") is not None
    if kind == "link":
        assert sorted(path.name for path in (tmp_path / "theirs").iterdir()) == ["0.npy", "index.json"]
    sound = make_track(tmp_path / "a.wav")
    os.utime(sound, (1, 1))
    right = SoundHashes(cache.hashes).of(sound)
    (memo,) = cache.hashes.iterdir()
    memo.write_text(memo.read_text(encoding="utf-8").replace(right, "0" * 40), encoding="utf-8")
    assert SoundHashes(cache.hashes).of(sound) == "0" * 40
    give_away(memo)
    assert SoundHashes(cache.hashes).of(sound) == right


@posix
def test_the_sessions_of_an_evaluation_are_kept_in_no_folder_or_file_of_somebody_else(tmp_path, monkeypatch, give_away):
    monkeypatch.setenv("REATRIEVE_CACHE", str(tmp_path / "cache"))
    args = argparse.Namespace(dataset=tmp_path, retriever="default")
    before = os.umask(0)
    try:
        path = _unfinished(args)
        assert (mode(path), mode(path.parent), mode(tmp_path / "cache")) == (0o600, 0o700, 0o700)
        path.unlink()
        path.symlink_to(tmp_path / "theirs")
        with pytest.raises(ReatrieveError, match="sessions cannot be kept in"):
            _unfinished(args)
        give_away(path.parent)
        with pytest.raises(InputError, match=r"belongs to another user.*--results"):
            _unfinished(args)
    finally:
        os.umask(before)
    assert not (tmp_path / "theirs").exists()


@posix
def test_logs_in_a_folder_of_somebody_else_are_not_written(tmp_path, monkeypatch, give_away, caplog):
    monkeypatch.setattr("reatrieve.service.serve", lambda *_, **__: None)
    logs = tmp_path / "logs"
    logs.mkdir()
    give_away(logs)
    assert main(["serve", "--home", str(tmp_path / "home"), "--logs", str(logs)]) == 0
    assert "no log file in" in caplog.text
    assert list(logs.iterdir()) == []


@posix
def test_no_copy_goes_where_a_link_of_somebody_else_leads(tmp_path, give_away):
    (tmp_path / "theirs").mkdir()
    link = tmp_path / "p.reatrieve"
    link.symlink_to(tmp_path / "theirs")
    header = Header("s-1", TrackMap((TrackItem("/a.wav", 0.0, 1.0),)))
    with Journal.create(tmp_path / "s-1.journal.jsonl", header) as journal:
        give_away(link)
        with pytest.raises(JournalError, match="is a link of another user's; remove it"):
            journal.copy_to(link)
    assert list((tmp_path / "theirs").iterdir()) == []


@posix
@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    ("exchange", "error", "why"),
    [
        (lambda path, secret: path.symlink_to(secret), OSError, "symbolic link"),
        (lambda path, _: os.mkfifo(path), ForeignFileError, "is no plain file any more"),
    ],
    ids=["link", "pipe"],
)
def test_a_file_that_is_exchanged_while_it_is_opened_is_neither_followed_nor_waited_for(
    tmp_path, monkeypatch, exchange, error, why
):
    path, secret = tmp_path / "settings.txt", tmp_path / "secret"
    path.write_text("port = 5\n", encoding="utf-8")
    secret.write_text("secret", encoding="utf-8")
    looked_at = files.demand_regular

    def exchanged(name, **how):
        found = looked_at(name, **how)
        path.unlink()
        exchange(path, secret)
        return found

    monkeypatch.setattr(files, "demand_regular", exchanged)
    with pytest.raises(error, match=why):
        read_small(path, max_bytes=100)


@posix
def test_a_disk_that_cannot_be_closed_is_refused_or_told(tmp_path, monkeypatch, caplog):
    folder = tmp_path / "exfat"
    folder.mkdir()
    folder.chmod(0o777)
    monkeypatch.setattr(Path, "chmod", lambda *_: None)
    with pytest.raises(InputError, match="its disk cannot close it"):
        own_folder(folder, "home folder", option="--home")
    own_folder(folder, "cache", option="--cache", private=False, closed=False)
    assert "cannot close it" in caplog.text


@posix
def test_with_umask_zero_everything_is_still_private(tmp_path, start, connect, shared):
    before = os.umask(0)
    try:
        daemon = start(cache=tmp_path / "new" / "cache")
        client = connect(daemon.home)
        client.find("s", shared.track, 1.0, 1.5)
        client.wait(Candidate)
        info = homes.read_info(daemon.home)
        SoundHashes(tmp_path / "new" / "cache" / "hashes")._remember(
            tmp_path / "new" / "cache" / "hashes" / "0.json", ("/a.wav", 1, 1, "0")
        )
        client.until(lambda: list((tmp_path / "new").rglob("index.json")))
        files_there = {path for path in daemon.home.rglob("*") if path.is_file()}
        assert {path.name for path in files_there} >= {"daemon.txt", "s.journal.jsonl"}
        assert {path: mode(path) for path in files_there if mode(path) != 0o600} == {}
        daemon.stop()
        ask_to_give_way(daemon.home, info)
        remember(daemon.home, daemon.home)
        assert {mode(path) for path in daemon.home.iterdir() if path.is_file()} == {0o600}
    finally:
        os.umask(before)
    inside = [daemon.home / name for name in ("journals", "spool", "renders")]
    made = list((tmp_path / "new").rglob("*"))
    assert {path.suffix for path in made if path.is_file()} == {".json", ".npy"}
    assert {path: mode(path) for path in made if mode(path) != (0o700 if path.is_dir() else 0o600)} == {}
    for folder in (daemon.home, *inside, tmp_path / "new"):
        assert mode(folder) == 0o700, folder


@posix
def test_with_umask_zero_journals_are_private_and_copies_and_exports_as_the_user_has_it(tmp_path):
    folder, header = JournalFolder(tmp_path / "home"), Header("s-1", TrackMap((TrackItem("/a.wav", 0.0, 1.0),)))
    started = Started(Span(0.0, 0.5), "kick", 10, "default")
    before = os.umask(0)
    try:
        with folder.create(header, events=[started]) as journal:
            made = [mode(journal.path)]
            journal.move_to(str(tmp_path / "p.rpp"))
            copy = journal.copy_to(tmp_path / "p.reatrieve").path
            made.append(mode(journal.path))
        folder.path("s-1").write_bytes(folder.path("s-1").read_bytes() + b"{}\n")
        folder.open("s-1").close()  # the damaged one is kept
        made += [mode(path) for path in folder.path("s-1").parent.rglob("*.jsonl*")]
        folder.remove("s-1")
        other = JournalFolder(tmp_path / "other")
        assert other.of_project(str(tmp_path / "p.rpp"))  # taken in from beside the project
        made.append(mode(other.path("s-1")))
        files.write_whole(tmp_path / "export.csv", b"x")
    finally:
        os.umask(before)
    assert made == [0o600] * len(made)
    assert len(made) == 5
    assert (mode(copy), mode(tmp_path / "export.csv")) == (0o666, 0o666)


@posix
@pytest.mark.parametrize("umask", [0o777, 0o277, 0o077, 0])
def test_whatever_the_umask_a_new_folder_is_this_users(tmp_path, umask):
    before = os.umask(umask)
    try:
        files.make_folder(tmp_path / "a" / "b")
    finally:
        os.umask(before)
    assert [stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "a", tmp_path / "a" / "b")] == [0o700, 0o700]


def test_the_log_that_is_begun_when_one_is_full_is_private(tmp_path, monkeypatch):
    monkeypatch.setattr(daemon_log, "LOG_BYTES", 10)
    monkeypatch.setattr(daemon_log, "LOG_COUNT", 1)
    monkeypatch.setattr(daemon_log, "REPORT_BYTES", 10)
    handler = DaemonLog(tmp_path / "daemon.log")
    log = logging.Logger("small")
    log.addHandler(handler)
    for _ in range(3):
        log.warning("a line")
    handler.close()
    assert [stat.S_IMODE(path.stat().st_mode) for path in sorted(tmp_path.iterdir())] == 4 * [0o600]


def test_with_umask_zero_the_log_is_private(tmp_path):
    code = """if True:
        import os, sys
        from pathlib import Path
        from reatrieve.cli.serve import _log_to_file
        from reatrieve.settings import Settings
        os.umask(0)
        _log_to_file(Settings(home=Path(sys.argv[1]), logs=Path(sys.argv[1]) / "logs"))
        """
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, env=env)
    made = [tmp_path / "logs", tmp_path / "logs" / "daemon.log", tmp_path / "logs" / "report.log"]
    assert [mode(path) for path in made] == [0o700, 0o600, 0o600]


@posix
def test_the_token_in_the_settings_becomes_private(tmp_path, caplog):
    path = tmp_path / "settings.txt"
    path.write_text("port = 0\n", encoding="utf-8")
    path.chmod(0o644)
    Settings.load({"home": tmp_path}, {})
    assert mode(path) == 0o644
    path.write_text("token = mine\n", encoding="utf-8")
    assert Settings.load({"home": tmp_path}, {}).token == "mine"
    assert mode(path) == 0o600
    assert "private now" in caplog.text


def test_the_token_is_refused_on_the_command_line(tmp_path, capsys):
    assert main(["serve", "--home", str(tmp_path), "--token", "mine"]) == 2
    said = capsys.readouterr().err
    assert "list of processes" in said
    assert "--token-file" in said


def test_the_token_comes_from_a_file(tmp_path, monkeypatch, capsys):
    taken = []
    monkeypatch.setattr("reatrieve.service.serve", lambda settings, **_: taken.append(settings.token))
    path = tmp_path / "token"
    path.write_text("\ufeffaus einer Datei\r\n", encoding="utf-8")
    command = ["serve", "--home", str(tmp_path / "h"), "--logs", str(tmp_path / "l"), "--token-file"]
    assert main([*command, str(path)]) == 0
    assert taken == ["aus einer Datei"]
    path.write_text("\n", encoding="utf-8")
    for bad in (path, tmp_path / "none", tmp_path):
        assert main([*command, str(bad)]) == 2
        assert "--token-file" in capsys.readouterr().err


@pytest.fixture
def token_of(tmp_path, monkeypatch):
    """What ``serve --token-file`` takes from a file."""
    taken = []
    monkeypatch.setattr("reatrieve.service.serve", lambda settings, **_: taken.append(settings.token))
    command = ["serve", "--home", str(tmp_path / "h"), "--logs", str(tmp_path / "l"), "--token-file"]
    return lambda path: main([*command, str(path)]) or taken.pop()


@posix
@pytest.mark.parametrize(("rights", "becomes"), [(0o600, 0o600), (0o400, 0o400), (0o644, 0o600), (0o666, 0o600)])
@pytest.mark.parametrize("kind", ["file", "link"])
def test_the_file_of_the_token_becomes_private(tmp_path, monkeypatch, token_of, caplog, rights, becomes, kind):
    monkeypatch.setattr(files, "ADMINISTRATOR", -1)  # root may run this
    path = tmp_path / "token"
    path.write_text(TOKEN, encoding="utf-8")
    path.chmod(rights)
    if kind == "link":
        (tmp_path / "link").symlink_to(path)
    assert token_of(tmp_path / "link" if kind == "link" else path) == TOKEN
    assert mode(path) == becomes
    assert ("holds the token and others could read it; it is private now" in caplog.text) == (rights != becomes)
    assert TOKEN not in caplog.text


@posix
@pytest.mark.parametrize("kind", ["file", "link", "own link to their file"])
def test_a_token_that_belongs_to_somebody_else_is_refused(tmp_path, token_of, give_away, capsys, kind):
    path, target = tmp_path / "token", tmp_path / "target"
    (path if kind == "file" else target).write_text(TOKEN, encoding="utf-8")
    if kind != "file":
        path.symlink_to(target)
    theirs = target if kind.startswith("own") else path
    theirs.chmod(0o666)
    give_away(theirs)
    assert token_of(path) == 2
    assert "belongs to another user" in capsys.readouterr().err


@posix
@pytest.mark.parametrize(
    ("rights", "fine"), [(0o400, True), (0o440, True), (0o640, True), (0o444, False), (0o660, False), (0o604, False)]
)
def test_a_token_that_the_administrator_has_put_there_may_be_readable_by_a_group(
    tmp_path, monkeypatch, token_of, capsys, rights, fine
):
    """As systemd and containers mount it, read-only."""
    path = tmp_path / "token"
    path.write_text(TOKEN, encoding="utf-8")
    path.chmod(rights)
    monkeypatch.setattr(files, "ADMINISTRATOR", path.stat().st_uid)

    def read_only(*_):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(Path, "chmod", read_only)
    assert token_of(path) == (TOKEN if fine else 2)
    assert fine or "others can read it; make it private (chmod 600)" in capsys.readouterr().err
    assert mode(path) == rights


@pytest.mark.parametrize(
    ("host", "where"),
    [
        ("127.0.0.1", "127.0.0.1:5"),
        ("localhost", "127.0.0.1:5"),
        ("0.0.0.0", "0.0.0.0:5 (every network of this machine)"),
        ("192.168.1.7", "127.0.0.1:5 and 192.168.1.7:5"),
        ("fe80::1", "127.0.0.1:5 and [fe80::1]:5"),
    ],
)
def test_the_daemon_says_where_it_listens(tmp_path, monkeypatch, capsys, host, where):
    info = homes.DaemonInfo(1, "0", "a" * 32, 1, 5, "t", "/s")
    monkeypatch.setattr("reatrieve.service.serve", lambda _, ready: ready(info))
    assert main(["serve", "--home", str(tmp_path / "h"), "--logs", str(tmp_path / "l"), "--host", host]) == 0
    assert capsys.readouterr().out == f"reatrieve: listening on {where}, spool /s\n"


@pytest.mark.parametrize(
    ("token", "fine"), [("x" * (limits.TOKEN_CHARACTERS - 1), False), ("x" * limits.TOKEN_CHARACTERS, True)]
)
def test_the_network_wants_a_long_token(start, token, fine):
    if fine:
        assert start(host="0.0.0.0", token=token).info.token == token
    else:
        with pytest.raises(InputError, match="16 characters or more"):
            start(host="0.0.0.0", token=token)


@posix
@pytest.mark.timeout(30)
def test_only_small_regular_files_are_read(tmp_path, monkeypatch):
    path, target = tmp_path / "x", tmp_path / "target"
    target.write_bytes(b"12345")
    assert read_small(target, max_bytes=5) == b"12345"
    with pytest.raises(ForeignFileError, match="larger than 4 bytes"):
        read_small(target, max_bytes=4)
    path.symlink_to(target)
    with pytest.raises(ForeignFileError, match="symbolic link"):
        read_small(path, max_bytes=5)
    assert read_small(path, max_bytes=5, own_link=True) == b"12345"
    monkeypatch.setattr(files, "is_own", lambda found, **_: False)
    with pytest.raises(ForeignFileError, match="symbolic link"):
        read_small(path, max_bytes=5, own_link=True)
    for make in (os.mkfifo, os.mkdir, lambda name: name.symlink_to("/dev/zero"), lambda name: name.symlink_to(name)):
        path.unlink()
        make(path)
        with pytest.raises(OSError, match=r"plain file|symbolic link"):
            read_small(path, max_bytes=5)
        if path.is_dir():
            path.rmdir()
            path.touch()


class _Junction:
    """What ``lstat`` says of a Windows junction: no link to Python, but a name for another place."""

    st_mode = stat.S_IFDIR | 0o777
    st_uid = 0
    st_reparse_tag = 0xA0000003


class _CloudFile(_Junction):
    """A file that OneDrive keeps in the cloud: a reparse point, but the file itself."""

    st_mode = stat.S_IFREG | 0o666
    st_reparse_tag = 0x9000001A


def test_windows_junctions_are_links_and_cloud_files_are_not(monkeypatch):
    monkeypatch.setattr(os, "lstat", lambda path: _Junction())
    with pytest.raises(ForeignFileError, match="link"):
        files.demand_regular("C:\\x")
    monkeypatch.setattr(os, "lstat", lambda path: _CloudFile())
    assert files.demand_regular("C:\\x").st_mode & 0o666


@posix
@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("/dev/zero")])
@pytest.mark.timeout(30)
def test_odd_things_in_the_home_are_no_fault(tmp_path, make, capsys):
    for name in ("give-way.txt", "token.txt"):
        home = tmp_path / name
        home.mkdir(mode=0o700)
        make(home / name)
        assert not must_give_way(home, "i")
        assert homes.kept_token(home) is None
    for name in ("daemon.txt", "settings.txt", "daemon.lock"):
        home = tmp_path / name
        home.mkdir(mode=0o700)
        make(home / name)
        if name == "daemon.txt":
            assert homes.read_info(home) is None
            info = homes.new_info(version="0", port=0, spool=home / "spool")
            if (home / name).is_dir():
                with pytest.raises(InputError, match=r"daemon.txt cannot be written"):
                    homes.write_info(home, info)
                assert [path.name for path in home.iterdir()] == [name]
        else:
            assert (
                main(["serve", "--home", str(home), "--logs", str(tmp_path / "l"), "--cache", str(tmp_path / "c")]) == 2
            )
            assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize("port", ["-1", "65536", "1e3", "99999999999999999999"])
def test_a_silly_port_is_no_daemon(tmp_path, port):
    info = homes.new_info(version="0", port=1, spool=tmp_path)
    homes.write_info(tmp_path, info)
    text = (tmp_path / "daemon.txt").read_text(encoding="utf-8").replace("port 1\n", f"port {port}\n")
    text = text.replace(f"pid {os.getpid()}", "pid 1")
    (tmp_path / "daemon.txt").write_text(text, encoding="utf-8")
    assert homes.read_info(tmp_path) is None
    with homes.held(tmp_path):
        pass


def test_a_home_whose_name_is_not_utf8_is_told(tmp_path):
    with pytest.raises(InputError, match=r"not UTF-8.*--home"):
        homes.new_info(version="0", port=0, spool=tmp_path / "h\udcff")


@pytest.mark.parametrize("text", ["\x1b[2Jx", "a\nb", "a\rb", "\x9b31m", "\u202eabc", "a\x00b", "\ud800", "\x7f\x08"])
def test_nothing_from_outside_acts_in_a_log_or_terminal(text, caplog, capsys):
    shown = plain(text)
    assert shown.isprintable()
    shown.encode("utf-8")
    record = logging.LogRecord("x", logging.INFO, "p", 1, "client %s", (text,), None)
    assert PlainFormatter("%(levelname)s %(message)s").format(record) == f"INFO client {shown}"
    try:
        raise ValueError(text)
    except ValueError:
        record.exc_info = sys.exc_info()
    lines = PlainFormatter("%(levelname)s %(message)s").format(record).split("\n")
    assert len([line for line in lines if not line.startswith("    ")]) == 1
    assert all(line.isprintable() for line in lines)
    assert main(["journal", "check", "x" + text.replace("\0", "")]) == 1
    assert all(line.isprintable() for line in capsys.readouterr().out.splitlines())
