"""Scripts into REAPER's resource folder and out again, with everything that a user may have done there meanwhile."""

from __future__ import annotations

import errno
import json
import shutil
import sqlite3
import sys
import zlib
from pathlib import Path

import pytest

from reatrieve import files
from reatrieve.bridge.home import kept_token, new_info
from reatrieve.cli import main
from reatrieve.errors import InputError
from reatrieve.installation import MARKER, scripts_folder
from reatrieve.setup import install as setup_install
from reatrieve.setup.changes import read_manifest
from reatrieve.setup.install import shipped_scripts
from reatrieve.setup.places import known_folders, resources_at, resources_found
from reatrieve.setup.remembered import remembered
from reatrieve.setup.where import read_where


class Machine:
    """A user's home with one REAPER in it."""

    def __init__(self, folder: Path, name: str = "REAPER ö") -> None:
        self.home = folder / "hömé" / "ReaTrieve"
        self.reaper = folder / name
        self.reaper.mkdir()
        (self.reaper / "reaper.ini").write_text("[REAPER]\n")
        (self.reaper / "reaper-install-rev.txt").write_bytes(b"7.22/x64\0")

    def run(self, command: str, *arguments: str) -> int:
        if command == "install":
            arguments = ("--home", str(self.home), *arguments)
        return main([command, "--resource-path", str(self.reaper), *arguments])

    def files(self) -> dict[str, bytes]:
        return {p.relative_to(self.reaper).as_posix(): p.read_bytes() for p in self.reaper.rglob("*") if p.is_file()}

    @property
    def scripts(self) -> Path:
        return self.reaper / "Scripts" / "ReaTrieve"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_install_puts_there_what_both_sides_need(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    assert machine.run("install") == 0
    said = capsys.readouterr().out
    assert "REAPER 7.22" in said
    assert "link     through files (this REAPER has no LuaSocket, and needs none)" in said
    assert "ReaTrieve_Setup.lua" in said
    for path, content in shipped_scripts().items():
        assert (machine.scripts / path).read_bytes() == content
    where = read_where(machine.reaper / "ReaTrieve")
    assert where is not None
    assert Path(where.home) == machine.home.resolve()
    assert (where.python, where.version) == (sys.executable, "0.1.0")
    assert Path(where.argument).is_file()
    token = kept_token(machine.home)
    assert token is not None
    assert len(token) == 32
    if sys.platform != "win32":
        assert (machine.home / "token.txt").stat().st_mode & 0o077 == 0
        assert machine.home.stat().st_mode & 0o077 == 0


def test_a_dry_run_says_the_same_and_changes_nothing(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    before = machine.files()
    assert machine.run("install", "--dry-run") == 0
    dry = capsys.readouterr().out
    assert machine.files() == before
    assert not machine.home.exists()
    machine.run("install")
    assert [line for line in capsys.readouterr().out.splitlines() if line.startswith("  added")] == [
        line for line in dry.splitlines() if line.startswith("  added")
    ]
    installed = machine.files()
    assert machine.run("uninstall", "--dry-run") == 0
    assert machine.files() == installed


def test_again_changes_nothing_and_keeps_the_token(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    machine.run("install")
    before, token = machine.files(), kept_token(machine.home)
    capsys.readouterr()
    machine.run("install")
    assert machine.files() == before
    assert kept_token(machine.home) == token
    assert "all as they should be" in capsys.readouterr().out


def test_an_update_says_what_changed_and_removes_what_is_stale(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    older = tmp_path / "older"
    shutil.copytree(scripts_folder(), older)
    (older / "lib" / "osc.lua").write_text("-- as it was\n")
    (older / "lib" / "gone.lua").write_text("-- no longer needed\n")
    (older / "lib" / "gone_too.lua").write_text("-- no longer needed\n")
    (older / "ReaTrieve_Skip candidate.lua").unlink()
    with monkeypatch.context() as patch:
        patch.setattr("reatrieve.setup.install.scripts_folder", lambda: older)
        machine.run("install")
    (machine.scripts / "lib" / "gone_too.lua").write_text("-- mine\n")
    (machine.scripts / "lib" / "link.lua").write_text("-- mine as well\n")
    (machine.scripts / "my notes.txt").write_text("not ReaTrieve's\n")
    capsys.readouterr()
    machine.run("install")
    said = capsys.readouterr().out
    assert "updated  Scripts/ReaTrieve/lib/osc.lua" in said
    assert "added    Scripts/ReaTrieve/ReaTrieve_Skip candidate.lua" in said
    assert "removed  Scripts/ReaTrieve/lib/gone.lua" in said
    for name, text in (("gone_too", "-- mine\n"), ("link", "-- mine as well\n")):
        (kept,) = (machine.reaper / "ReaTrieve").glob(f"kept */Scripts/ReaTrieve/lib/{name}.lua")
        assert kept.read_text() == text
        assert kept.relative_to(machine.reaper).as_posix() in said
    assert not (machine.scripts / "lib" / "gone_too.lua").exists()
    for path, content in shipped_scripts().items():
        assert (machine.scripts / path).read_bytes() == content
    assert (machine.scripts / "my notes.txt").is_file()


def test_uninstall_takes_away_exactly_what_was_put_there(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    (machine.reaper / "Scripts").mkdir()
    (machine.reaper / "Scripts" / "other.lua").write_text("-- another's\n")
    before = machine.files()
    machine.run("install")
    machine.run("install")
    setup = machine.reaper / "KeyMaps" / "ReaTrieve.ReaperKeyMap"
    setup.parent.mkdir()
    setup.write_text("KEY 1 65 0 0\n")
    listed = f"{zlib.adler32(setup.read_bytes()):08x} KeyMaps/ReaTrieve.ReaperKeyMap\n0000abcd ../outside.txt\n"
    (machine.reaper / "ReaTrieve" / "setup-files.txt").write_text(listed)
    outside = machine.reaper.parent / "outside.txt"
    outside.write_text("not ours\n")
    assert machine.run("uninstall") == 0
    assert machine.files() == before
    assert {p.name for p in machine.reaper.iterdir() if p.is_dir()} == {"Scripts", "KeyMaps"}
    assert outside.is_file()
    assert not machine.home.exists()
    capsys.readouterr()
    assert machine.run("uninstall") == 0
    assert "nothing of ReaTrieve's" in capsys.readouterr().out


def test_a_portable_reaper_is_remembered_until_it_is_uninstalled(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("HOME", "USERPROFILE", "APPDATA", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(machine.home.parent))
    monkeypatch.setenv("REATRIEVE_HOME", str(machine.home))
    machine.run("install")
    capsys.readouterr()
    main(["doctor", "--home", str(machine.home)])
    assert "REAPER 7.22 (portable)" in capsys.readouterr().out
    assert main(["uninstall"]) == 0
    assert "removed" in capsys.readouterr().out
    assert not machine.home.exists()
    for words in ([], ["--dry-run"]):
        assert main(["uninstall", *words]) == 2
        error = " ".join(capsys.readouterr().err.split())
        assert "nothing of ReaTrieve's is known to be installed (looked in " in error
        assert "name its resource folder by --resource-path" in error
        assert "start REAPER" not in error


def test_what_is_told_fits_60_columns(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    for command in ("install", "uninstall"):
        assert machine.run(command) == 0
        long = [line for line in capsys.readouterr().out.splitlines() if len(line) > 60]
        assert all(str(machine.home.parent.parent) in line for line in long), long


def test_uninstall_leaves_what_the_user_has_changed(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    machine.run("install")
    mine = machine.scripts / "lib" / "osc.lua"
    mine.write_text("-- mine\n")
    (machine.home / "journals").mkdir()
    capsys.readouterr()
    machine.run("uninstall")
    said = capsys.readouterr().out
    assert mine.read_text() == "-- mine\n"
    assert "left     Scripts/ReaTrieve/lib/osc.lua" in said
    assert [p.name for p in machine.scripts.rglob("*") if p.is_file()] == ["osc.lua"]
    assert (machine.home / "journals").is_dir()
    assert str(machine.home) in said
    assert f"left     {machine.scripts}: it holds what was left" in said


@pytest.mark.parametrize("sessions", [False, True])
def test_a_dry_run_of_uninstall_says_all_that_uninstall_says(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], sessions: bool
) -> None:
    asked = []
    info = new_info(version="0.1.0", port=1, spool=machine.home)
    monkeypatch.setattr(setup_install, "read_info", lambda _home: info)
    monkeypatch.setattr(setup_install, "answers_ping", lambda _info: True)
    monkeypatch.setattr(setup_install, "ask_to_give_way", lambda home, _info: asked.append(home))
    machine.run("install")
    environment = machine.reaper / "ReaTrieve" / "environment"
    environment.mkdir()
    (environment / MARKER).write_text("")
    if sessions:
        (machine.home / "journals").mkdir()
    token = machine.home / "token.txt"
    told = []
    for words in (["--dry-run"], []):
        assert token.is_file()
        assert not asked
        capsys.readouterr()
        assert machine.run("uninstall", *words) == 0
        told.append([line for line in capsys.readouterr().out.splitlines() if line.startswith("  ")])
    assert told[0] == told[1]
    said = "\n".join(told[0])
    assert f"removed  {token}" in said
    assert "stopped  the daemon" in said
    assert (f"left     {machine.home}: " in said) is sessions
    assert asked == [machine.home.resolve()]
    assert not token.exists()


def test_a_dry_run_over_two_reapers_knows_that_the_last_one_takes_the_token(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REATRIEVE_HOME", str(machine.home))
    other = Machine(tmp_path, "second")
    machine.run("install")
    other.run("install")
    told = []
    for words in (["--dry-run"], []):
        capsys.readouterr()
        both = [word for one in (other, machine) for word in ("--resource-path", str(one.reaper))]
        assert main(["uninstall", *both, *words]) == 0
        told.append([line for line in capsys.readouterr().out.splitlines() if line.startswith("  ")])
    assert told[0] == told[1]
    assert f"removed  {machine.home / 'token.txt'}" in "\n".join(told[0])


def test_a_folder_called_environment_that_is_not_ours_is_told(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.run("install")
    mine = machine.reaper / "ReaTrieve" / "environment" / "mine.txt"
    mine.parent.mkdir()
    mine.write_text("mine\n")
    for words in (["--dry-run"], []):
        capsys.readouterr()
        assert machine.run("uninstall", *words) == 0
        said = capsys.readouterr().out
        assert "left     ReaTrieve/environment/mine.txt: install has not put it there" in said
        assert f"left     {machine.reaper / 'ReaTrieve'}: it holds what was left" in said
    assert mine.is_file()


@pytest.mark.parametrize("count", [1, 7, 9])
def test_uninstall_names_files_of_the_users_own_and_the_folders_that_stay_with_them(
    machine: Machine, capsys: pytest.CaptureFixture[str], count: int
) -> None:
    machine.run("install")
    for number in range(count):
        (machine.scripts / "lib" / f"mine {number}.lua").write_text("-- mine\n")
    (machine.reaper / "ReaTrieve" / "notes.txt").write_text("mine\n")
    (machine.home / "journals").mkdir()
    told = []
    for words in (["--dry-run"], []):
        capsys.readouterr()
        assert machine.run("uninstall", *words) == 0
        told.append([line for line in capsys.readouterr().out.splitlines() if line.startswith("  left  ")])
    assert told[0] == told[1]
    said = "\n".join(told[0])
    assert "left     Scripts/ReaTrieve/lib/mine 0.lua: install has not put it there" in said
    assert "left     ReaTrieve/notes.txt: install has not put it there" in said
    assert ("3 more files in Scripts/ReaTrieve that install has not put there" in said) is (count == 9)
    assert ("left     1 more file in Scripts/ReaTrieve that install has not put there" in said) is (count == 7)
    for folder in (machine.scripts, machine.reaper / "ReaTrieve"):
        assert f"left     {folder}: it holds what was left; delete it if you need nothing of it" in said
        assert folder.is_dir()
    assert len(told[0]) == min(count, 6) + (count > 6) + 1 + 2 + 1  # the home, too


def test_scripts_of_reapack_stay_where_they_are(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    theirs = machine.reaper / "Scripts" / "ReaTrieve scripts" / "Markers"
    shutil.copytree(scripts_folder(), theirs)
    (machine.reaper / "ReaPack").mkdir()
    with sqlite3.connect(machine.reaper / "ReaPack" / "registry.db") as database:
        database.execute("CREATE TABLE files (id INTEGER PRIMARY KEY, entry INTEGER, path TEXT, main INTEGER)")
        path = (theirs / "ReaTrieve_Client.lua").relative_to(machine.reaper).as_posix()
        database.execute("INSERT INTO files (entry, path, main) VALUES (1, ?, 1)", (path,))
    database.close()
    assert machine.run("install") == 0
    assert "kept up to date by ReaPack" in capsys.readouterr().out
    assert not machine.scripts.exists()
    assert read_where(machine.reaper / "ReaTrieve") is not None


def test_a_copy_made_by_hand_is_named(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(scripts_folder(), machine.reaper / "Scripts" / "reaper_scripts")
    machine.run("install")
    said = capsys.readouterr().out
    assert f"another copy of the scripts is in {machine.reaper / 'Scripts' / 'reaper_scripts'}" in said


def test_luasocket_is_held_against_the_lua_of_this_reaper(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    place = machine.reaper / "Scripts" / "Mavriq ReaScript Repository" / "Various" / "Mavriq-Lua-Sockets" / "socket"
    place.mkdir(parents=True)
    (place / "core.so").write_bytes(b"\x7fELF $LuaVersion: Lua 5.3.6 $")
    machine.run("install")
    assert "through files: LuaSocket is for Lua 5.3, this REAPER has Lua 5.4; update" in capsys.readouterr().out
    (place / "core.so").write_bytes(b"\x7fELF $LuaVersion: Lua 5.4.6 $")
    machine.run("install")
    assert "LuaSocket is there" in capsys.readouterr().out


@pytest.mark.parametrize(
    "content",
    [
        "not json", '{"format": 2}', '{"format": 1, "version": "1", "files": {"../x": "0"}, "folders": []}',
        "[" * 100_000, "9" * 5000,
    ],
    ids=lambda content: content[:60],
)  # fmt: skip
def test_a_damaged_manifest_is_one_sentence(machine: Machine, content: str, capsys: pytest.CaptureFixture[str]) -> None:
    machine.run("install")
    (machine.reaper / "ReaTrieve" / "manifest.json").write_text(content)
    capsys.readouterr()
    assert machine.run("install") == 2
    assert "manifest.json" in capsys.readouterr().err


def test_a_folder_that_is_no_reaper_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["install", "--resource-path", str(tmp_path), "--home", str(tmp_path / "h")]) == 2
    assert "no reaper.ini" in capsys.readouterr().err
    (tmp_path / "file").write_text("x")
    assert main(["install", "--resource-path", str(tmp_path / "file"), "--home", str(tmp_path / "h")]) == 2
    assert "it is a file" in capsys.readouterr().err
    assert main(["uninstall", "--resource-path", str(tmp_path / "missing")]) == 2
    assert "no such folder" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="rights of Unix")
def test_a_home_that_was_open_to_others_is_closed_and_its_token_too(
    machine: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    machine.run("install")
    token = kept_token(machine.home)
    machine.home.chmod(0o777)
    (machine.home / "token.txt").chmod(0o644)
    assert machine.run("install") == 0
    assert "was open to other users; it is closed to them now" in caplog.text
    assert "holds the token and others could read it; it is private now" in caplog.text
    assert [path.stat().st_mode & 0o777 for path in (machine.home, machine.home / "token.txt")] == [0o700, 0o600]
    assert kept_token(machine.home) == token


@pytest.mark.skipif(sys.platform == "win32", reason="rights of Unix")
def test_what_belongs_to_another_user_in_the_home_or_is_it(
    machine: Machine,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A token is replaced, a list of REAPERs is not read, a home is refused."""
    machine.home.mkdir(parents=True)
    (machine.home / "token.txt").write_text(32 * "f")
    (machine.home / "reapers.txt").write_text(f"{machine.reaper}\n")
    theirs = {(machine.home / name).stat().st_ino for name in ("token.txt", "reapers.txt")}
    monkeypatch.setattr(files, "is_own", lambda found, **_: found.st_ino not in theirs)
    assert remembered(machine.home) == []
    assert machine.run("install") == 0
    assert "holds no token of yours and is not used; reatrieve install makes a new one" in caplog.text
    assert kept_token(machine.home) not in {None, 32 * "f"}
    theirs.add(machine.home.stat().st_ino)
    (machine.home / "token.txt").unlink()
    assert machine.run("install") == 2
    assert "belongs to another user" in capsys.readouterr().err
    assert not (machine.home / "token.txt").exists()


@pytest.mark.skipif(sys.platform == "win32" or not hasattr(__import__("os"), "geteuid"), reason="rights of Unix")
def test_a_folder_that_cannot_be_written_is_one_sentence(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(machine.scripts / "lib" / "osc.lua"))

    monkeypatch.setattr(Path, "write_bytes", refused)
    assert machine.run("install") == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "(Permission denied); correct the folder's rights or close what uses it, and try again" in said
    assert "make room" not in said


def test_a_file_that_cannot_be_removed_says_what_to_do(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.run("install")

    def refused(path: Path, missing_ok: bool = False) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("reatrieve.setup.changes.Path.unlink", refused)
    monkeypatch.setattr("reatrieve.setup.install._names_of_setup", lambda: [])
    assert machine.run("uninstall") == 1
    assert "(Permission denied); correct the folder's rights" in capsys.readouterr().err


def test_no_folder_of_an_install_that_was_stopped_stays_empty(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(_home: Path) -> None:
        assert machine.home.is_dir()
        raise KeyboardInterrupt

    monkeypatch.setattr(setup_install, "make_token", stop)
    assert machine.run("install") == 130
    assert not machine.home.parent.exists()


def test_known_folders_of_each_platform(tmp_path: Path) -> None:
    assert known_folders({"APPDATA": "/a"}, "win32") == [(Path("/a/REAPER"), "standard")]
    assert known_folders({"HOME": "/h"}, "darwin") == [(Path("/h/Library/Application Support/REAPER"), "standard")]
    linux = known_folders({"HOME": "/h", "XDG_CONFIG_HOME": "/x"}, "linux")
    assert linux[:3] == [
        (Path("/x/REAPER"), "standard"),
        (Path("/h/.config/REAPER"), "standard"),
        (Path("/h/.var/app/fm.reaper.Reaper/config/REAPER"), "flatpak"),
    ]
    flatpak = tmp_path / ".var/app/fm.reaper.Reaper/config/REAPER"
    flatpak.mkdir(parents=True)
    environ = {"HOME": str(tmp_path)}
    assert resources_found(environ, "linux") == []
    (flatpak / "reaper.ini").touch()
    (found,) = resources_found(environ, "linux")
    assert (found.path, found.kind, found.version, found.lua) == (flatpak, "flatpak", "", "")


@pytest.mark.parametrize(("text", "lua"), [("6.83/linux-x86_64", "5.3"), ("7.0", "5.4"), ("v5.965 rev 1\n", "5.3")])
def test_the_lua_of_each_version(tmp_path: Path, text: str, lua: str) -> None:
    machine = Machine(tmp_path)
    (machine.reaper / "reaper-install-rev.txt").write_text(text)
    assert resources_at(machine.reaper).lua == lua


def test_a_manifest_of_an_interrupted_install_names_all_that_is_there(machine: Machine) -> None:
    machine.run("install")
    manifest = read_manifest(machine.reaper / "ReaTrieve" / "manifest.json")
    there = {path for path in machine.files() if path.startswith(("Scripts/ReaTrieve/", "ReaTrieve/"))}
    assert there - {"ReaTrieve/manifest.json"} == set(manifest.files)
    content = json.loads((machine.reaper / "ReaTrieve" / "manifest.json").read_text(encoding="utf-8"))
    assert content["format"] == 1


@pytest.mark.parametrize("and_then", ["install", "uninstall"])
def test_an_update_that_a_full_disk_cuts_short_calls_nothing_the_users(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], and_then: str
) -> None:
    current = shipped_scripts()
    monkeypatch.setattr(setup_install, "shipped_scripts", lambda: dict.fromkeys(current, b"-- older"))
    assert machine.run("install") == 0
    monkeypatch.undo()
    written, real = [], Path.write_bytes

    def full_after_five(path: Path, content: bytes) -> int:
        written.append(path)
        if len(written) % 6 == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full_after_five)
        for _ in range(2):
            assert machine.run("install") == 1
    said = capsys.readouterr().err
    assert "(No space left on device); close what uses it or make room on its disk, and try again" in said
    contents = {path.read_bytes() for path in machine.scripts.rglob("*") if path.is_file()}
    assert b"-- older" in contents
    assert len(contents) > 2
    assert machine.run(and_then) == 0
    said = capsys.readouterr().out
    assert "kept in" not in said
    assert "you have changed" not in said
    assert not list((machine.reaper / "ReaTrieve").glob("kept *"))
    if and_then == "install":
        assert {path: (machine.scripts / path).read_bytes() for path in current} == current
        assert read_manifest(machine.reaper / "ReaTrieve" / "manifest.json").replaced == {}
    else:
        assert not machine.scripts.exists()


def test_where_holds_no_line_break(tmp_path: Path) -> None:
    from reatrieve.setup.where import where_of

    with pytest.raises(InputError, match="line break"):
        where_of(tmp_path / "a\nb", tmp_path, version="1").text()


def test_uninstall_leaves_a_token_of_the_users_own_and_every_other_file(machine: Machine, tmp_path: Path) -> None:
    machine.run("install")
    (machine.home / "token.txt").write_text("my-own-long-token-0123456789\n")
    precious = tmp_path / "precious.txt"
    precious.write_text("mine")
    manifest = machine.reaper / "ReaTrieve" / "manifest.json"
    content = json.loads(manifest.read_text(encoding="utf-8"))
    (tmp_path / "empty").mkdir()
    content["further"] |= {"token": str(precious), "home": str(tmp_path / "empty")}
    manifest.write_text(json.dumps(content), encoding="utf-8")
    assert machine.run("uninstall") == 0
    assert kept_token(machine.home) == "my-own-long-token-0123456789"
    assert precious.read_text() == "mine"
    assert (tmp_path / "empty").is_dir()


def test_a_home_that_the_user_made_stays_also_as_the_current_folder(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.home.mkdir(parents=True)
    monkeypatch.chdir(machine.home)
    machine.run("install")
    machine.run("uninstall")
    assert machine.home.is_dir()


def test_the_token_stays_while_another_reaper_uses_the_home(machine: Machine, tmp_path: Path) -> None:
    other = Machine(tmp_path, "second")
    machine.run("install")
    other.run("install")
    token = kept_token(machine.home)
    machine.run("uninstall")
    assert token is not None
    assert kept_token(machine.home) == token
