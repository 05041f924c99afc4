"""Each thing that can be wrong is named, with what to do; and nothing of the user's leaves with a bug report."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from reatrieve.bridge.home import kept_token, new_info, write_info
from reatrieve.cli import main
from reatrieve.installation import scripts_folder
from reatrieve.settings import Settings
from reatrieve.setup import doctor
from reatrieve.setup.bundle import Mask
from reatrieve.setup.places import resources_at
from setup.background import Background
from setup.test_install import Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    one = Machine(tmp_path)
    one.run("install")
    return one


def settings_of(machine: Machine, **more: object) -> Settings:
    folder = machine.home.parent
    return Settings(home=machine.home, cache=folder / "cache", logs=folder / "logs", **more)


def to_do(machine: Machine, **more: object) -> dict[str, str]:
    """What each check that is not OK says."""
    settings = settings_of(machine, **more)
    found = [*doctor.checks(settings), *doctor.checks_of(resources_at(machine.reaper), settings)]
    return {check.name: check.text for check in found if not check.ok}


def test_all_is_well_after_install(machine: Machine) -> None:
    assert to_do(machine) == {}


def test_the_command_says_so_and_its_status_too(
    machine: Machine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)  # as in a pipe: each line whole
    arguments = ["doctor", "--resource-path", str(machine.reaper), "--home", str(machine.home)]
    assert main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if not line.startswith("OK  ")] == []
    assert len(lines) > 12
    shutil.rmtree(machine.scripts)
    assert main(arguments) == 1
    (line,) = [line for line in capsys.readouterr().out.splitlines() if not line.startswith("OK ")]
    assert line.startswith("DO  REAPER 7.22 (portable): the scripts are not installed; run reatrieve install --res")


@pytest.mark.skipif(sys.platform == "win32", reason="rights of Unix")
def test_no_reaper_is_no_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("HOME", "USERPROFILE", "APPDATA", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.delenv("COLUMNS", raising=False)
    assert main(["doctor", "--home", str(tmp_path / "home")]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if not line.startswith("OK ")]
    assert line.startswith("--  REAPER: no REAPER was found")
    assert line.endswith("reatrieve find needs no REAPER.")


@pytest.mark.skipif(sys.platform == "win32", reason="rights of Unix")
def test_rights_that_let_others_in(machine: Machine) -> None:
    machine.home.chmod(0o755)
    (machine.home / "token.txt").chmod(0o644)
    found = to_do(machine)
    assert "chmod 700" in found["home"]
    assert "chmod 600" in found["token"]


@pytest.mark.parametrize("below", ["", "home"])
@pytest.mark.parametrize("kind", ["file", "pipe"])
def test_something_else_in_the_place_of_the_home_folder(
    machine: Machine, tmp_path: Path, kind: str, below: str
) -> None:
    taken = tmp_path / "taken"
    if kind == "file":
        taken.touch()
    elif hasattr(os, "mkfifo"):
        os.mkfifo(taken)
    else:
        pytest.skip("no pipes with names")
    machine.home = taken / below
    found = to_do(machine)
    assert found["home folder"] == found["home"]
    assert found["home"] == f"{taken} is no folder; move it away, or choose another --home"


@pytest.mark.parametrize("is_there", [True, False])
def test_folders_that_cannot_be_written(machine: Machine, monkeypatch: pytest.MonkeyPatch, is_there: bool) -> None:
    if not is_there:
        shutil.rmtree(machine.home)
    monkeypatch.setattr(doctor, "_unwritable", lambda _: "Permission denied")
    found = to_do(machine)
    where = machine.home if is_there else machine.home.parent
    wrong = f"{machine.home} cannot be " + ("written" if is_there else f"made in {where}")
    assert found["home"] == found["home folder"]
    assert found["home"] == (
        f"{wrong} (Permission denied); correct the folder's rights, or set REATRIEVE_HOME to another folder"
    )
    assert found["cache folder"].endswith(
        "correct the folder's rights, or name another in settings.txt (cache = FOLDER)"
    )
    assert found["logs folder"].endswith("correct the folder's rights, or name another in settings.txt (logs = FOLDER)")
    said = [check for check in doctor.checks(settings_of(machine)) if check.name == "home"]
    assert [check.ok for check in said] == [False]


def test_a_folder_whose_drive_is_away(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Path("/away/drive/home")
    away = {home, *home.parents}
    for what in ("is_dir", "exists"):
        found = getattr(Path, what)
        monkeypatch.setattr(Path, what, lambda self, found=found: self not in away and found(self))
    told = {
        (check.ok, check.text)
        for check in doctor.checks(Settings(home=home, cache=machine.home, logs=machine.home))
        if check.name in ("home", "home folder")
    }
    wanted = f"the drive of {home} is not there; connect it, or set REATRIEVE_HOME to another folder"
    assert told == {(False, wanted)}


def test_a_token_that_is_none(machine: Machine) -> None:
    (machine.home / "token.txt").write_text("two words\n")
    assert "holds no token" in to_do(machine)["token"]


def test_what_keeps_the_daemon_from_starting(machine: Machine) -> None:
    (machine.home / "not-started.txt").write_text("Traceback\n  ...\nImportError: no numpy\n")
    assert "ImportError: no numpy" in to_do(machine)["daemon"]
    (machine.home / "daemon.txt").write_text("rubbish")
    assert "cannot be understood" in to_do(machine)["daemon"]


def test_a_daemon_that_is_gone_is_no_fault(machine: Machine) -> None:
    info = new_info(version="0.1.0", port=9, spool=machine.home / "spool")
    Path(info.spool).mkdir(parents=True)
    write_info(machine.home, info)
    assert to_do(machine) == {}


@pytest.mark.slow
def test_a_daemon_of_another_version_is_named(machine: Machine, tmp_path: Path) -> None:
    older = Background(machine.home, tmp_path, version="0.0.9")
    try:
        older.ready()
        assert "serve --replace" in to_do(machine)["daemon"]
    finally:
        older.stop()


def test_scripts_that_are_stale_doubled_or_strange(machine: Machine) -> None:
    shutil.copytree(scripts_folder(), machine.reaper / "Scripts" / "older")
    (machine.scripts / "lib" / "osc.lua").write_text("-- changed\n")
    settings = settings_of(machine)
    texts = [check.text for check in doctor.checks_of(resources_at(machine.reaper), settings) if not check.ok]
    assert any("2 times" in text for text in texts)
    assert any(text.startswith("lib/osc.lua in") and "reatrieve install" in text for text in texts)
    assert any(f"in {machine.scripts} is not that of this version: " in text for text in texts)
    (machine.scripts / "lib" / "accessor.lua").write_text("-- changed\n")
    found = doctor.checks_of(resources_at(machine.reaper), settings)
    assert any(" and 1 more in " in check.text and " are not those of this version: " in check.text for check in found)
    shutil.rmtree(machine.reaper / "Scripts" / "older")
    machine.run("install")
    (machine.scripts / "lib" / "mine.lua").write_text("-- mine\n")
    assert "not part of ReaTrieve" in to_do(machine)["REAPER 7.22 (portable)"]


def test_scripts_of_another_version(machine: Machine) -> None:
    client = machine.scripts / "ReaTrieve_Client.lua"
    client.write_text(client.read_text(encoding="utf-8").replace("@version 0.1.0", "@version 0.0.9"), encoding="utf-8")
    assert "scripts 0.0.9" in to_do(machine)["REAPER 7.22 (portable)"]


def test_homes_that_differ(machine: Machine, tmp_path: Path) -> None:
    machine.home = tmp_path / "another"
    machine.home.mkdir(mode=0o700)
    said = to_do(machine)["REAPER 7.22 (portable)"]
    assert f"this one lives in {machine.home}" in said
    assert "reatrieve install" in said


def test_a_python_that_is_gone(machine: Machine) -> None:
    where = machine.reaper / "ReaTrieve" / "where.txt"
    where.write_text(where.read_text(encoding="utf-8").replace(f"program {sys.executable}", "program /gone/python"))
    assert "/gone/python, which starts the daemon, is gone" in to_do(machine)["REAPER 7.22 (portable)"]


def test_a_reaper_that_is_too_old(machine: Machine) -> None:
    (machine.reaper / "reaper-install-rev.txt").write_text("6.02/x64")
    assert "REAPER 6.02 (portable)" not in to_do(machine)
    (machine.reaper / "reaper-install-rev.txt").write_text("6.01/x64")
    scripts = (Path(__file__).parents[2] / "reaper_scripts" / "lib" / "capabilities.lua").read_text(encoding="utf-8")
    oldest = scripts.split('capabilities.OLDEST = "')[1].split('"')[0]
    assert f"needs REAPER {oldest} or newer" in to_do(machine)["REAPER 6.01 (portable)"]


class Deaf(threading.Event):
    """An event that nobody ever sees set."""

    def wait(self, timeout: float | None = None) -> bool:
        return False


def test_codecs_disk_udp_and_file_events(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    import soundfile

    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("unknown format")

    def no_socket(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    with monkeypatch.context() as patch:
        patch.setattr(soundfile, "write", refuse)
        assert "cannot read WAV" in to_do(machine)["codecs"]
    with monkeypatch.context() as patch:
        patch.setattr(doctor.socket, "socket", no_socket)
        assert "through files" in to_do(machine)["UDP"]
    with monkeypatch.context() as patch:
        patch.setattr(doctor, "FREE_BYTES", 1 << 80)
        assert "make room" in to_do(machine)["cache folder"]
    with monkeypatch.context() as patch:
        # Only the doctor's own event is deaf: every thread that starts waits for one of its own.
        patch.setattr(doctor, "threading", SimpleNamespace(Event=Deaf))
        assert "local disk" in to_do(machine)["file events"]


@pytest.mark.parametrize(
    ("said", "ok"),
    [
        ("[Context]\nshared=network;\nfilesystems=host;xdg-run/pipewire-0;\n", True),
        ("[Context]\nfilesystems=home:ro;\n", True),
        ("[Context]\nfilesystems=xdg-music;\n", False),
    ],
)
def test_flatpak(monkeypatch: pytest.MonkeyPatch, said: str, ok: bool) -> None:
    done = subprocess.CompletedProcess([], 0, said, "")
    monkeypatch.setattr(doctor.subprocess, "run", lambda *_, **__: done)
    check = doctor._flatpak(Path("/home/ann/.local/share/ReaTrieve"))
    assert check.ok is ok
    assert ok or "flatpak override --user --filesystem=/home/ann" in check.text


@pytest.mark.skipif(sys.platform == "win32", reason="has no pipes among its files")
@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "name",
    ["ReaTrieve/manifest.json", "ReaTrieve/where.txt", "ReaTrieve/setup-files.txt", "reaper-install-rev.txt",
     "reaper-kb.ini", "Scripts/ReaTrieve/ReaTrieve_Client.lua",
     "Scripts/Mavriq ReaScript Repository/Various/Mavriq-Lua-Sockets/socket/core.so"],
)  # fmt: skip
def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(machine: Machine, name: str) -> None:
    path = machine.reaper / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    for words in (["doctor", "--home", str(machine.home)], ["install"], ["uninstall"]):
        assert machine.run(*words) in (0, 1, 2)
    assert not path.exists() or path.is_fifo()


# bundle --------------------------------------------------------------------------------------------------------------


def test_a_bundle_holds_no_audio_no_paths_of_the_user_and_no_secret(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = kept_token(machine.home)
    assert token is not None
    logs = tmp_path / "lögs"
    logs.mkdir()
    music = "/home/ann/My Music/Geheime Sache/Kick Drum.wav"
    (logs / "daemon.log").write_text(f"{music} is here by its name")
    (logs / "report.log").write_text(
        f"2026-11-26 INFO reatrieve.service: client abc: script 0.1.0, token {token}\n"
        f"2026-11-26 WARNING reatrieve.audio: {music}: cannot be read (Permission denied)\n"
        "2026-11-26 INFO reatrieve: C:\\Users\\Ann Example\\Projects\\Boss Fight.rpp saved, '/mnt/x/a b/c.flac' too\n"
        f'  File "{Path(doctor.__file__)}", line 3, in _codecs\n',
        encoding="utf-8",
    )
    (machine.home / "settings.txt").write_text(
        "# for Geheim\ntoken = my-own-secret\n  port = 9001\nretriever=Boss Fight\n"
        f"spool = {tmp_path / 'Ann, Geheim.x y'}\n"
    )
    journals = machine.home / "journals"
    journals.mkdir()
    (journals / "one.journal.jsonl").write_text('{"label": "Geheim"}\n')
    monkeypatch.setenv("REATRIEVE_LOGS", str(logs))
    monkeypatch.setenv("REATRIEVE_CACHE", str(tmp_path / "cache"))
    target = tmp_path / "report.zip"
    arguments = ["doctor", "--resource-path", str(machine.reaper), "--home", str(machine.home)]
    assert main([*arguments, "--bundle", str(target)]) == 0
    with zipfile.ZipFile(target) as bundle:
        assert set(bundle.namelist()) == {"doctor.txt", "settings.txt", "report.log", "reaper-1.txt", "sizes.txt"}
        texts = {name: bundle.read(name).decode("utf-8") for name in bundle.namelist()}
    everything = "\n".join(texts.values())
    for secret in (
        token,
        "my-own-secret",
        "/ann",
        "Ann",
        "Geheim",
        "Kick",
        "Boss",
        "My Music",
        "Users",
        "/mnt",
        "c.flac",
    ):
        assert secret not in everything.replace("scanned", ""), secret
    assert str(tmp_path) not in everything
    said = re.sub("[0-9a-f]{6}>", ">", texts["settings.txt"]).splitlines()
    assert said == ["<line>", "token = <secret>", "port = 9001", "retriever = <path >", "spool = <spool>"]
    assert "cannot be read (Permission denied)" in texts["report.log"]
    assert "reatrieve/setup/doctor.py" in texts["report.log"].replace("\\", "/")
    assert ".wav>" in texts["report.log"]
    assert "journals: 1 files" in texts["sizes.txt"]


def test_masking_keeps_what_is_no_path() -> None:
    mask = Mask(secrets=["s3cret"], names=["ann"], own=[])
    for text in ("2026-11-26 1/2 and/or 4:4, 12.5 s, 3 / 4", "POST /", "{pattern}_{n:2}", "channel annual"):
        assert mask(text) == text
    assert mask("x=s3cret y") == "x=<secret> y"
    home = Mask(secrets=[], names=["home", "daemon"], own=[])
    assert home("home folder: 5 GB free; the daemon runs") == "home folder: 5 GB free; the daemon runs"
    assert home("x/home/y and ..\\daemon") == "x/<name>/y and ..\\<name>"
    assert mask("Ann and ann's, ann2, x_ann_") == "<name> and <name>'s, <name>2, x_<name>_"
    assert mask("token: abc def") == "token: <secret>" or "abc" not in mask("token = abc def")
    same = mask("/a/b.wav\n/a/b.wav").split("\n")
    assert same[0] == same[1] != "/a/b.wav"


NO_NAME_IN_WINDOWS = pytest.mark.skipif(sys.platform == "win32", reason="characters that names have on Unix")


@pytest.mark.parametrize(
    "name",
    [
        *("REAPER Erika Geheim", "Erika, Otto (Geheim)", "Erika.Geheim", "Erika's Geheim; ü", "x.wav Erika Geheim.lua"),
        *(
            pytest.param(one, marks=NO_NAME_IN_WINDOWS)
            for one in ("Erika: Geheim", '"Erika" Geheim', "C:Erika\\Geheim")
        ),
    ],
)
def test_a_bundle_holds_no_part_of_a_folder_with_blanks(tmp_path: Path, name: str) -> None:
    machine = Machine(tmp_path, name)
    target = tmp_path / "report.zip"
    assert machine.run("doctor", "--home", str(machine.home), "--bundle", str(target)) == 1  # with advice
    machine.run("install")
    (machine.scripts / "lib" / f"{name.replace(':', '').replace(chr(92), '')}.lua Geheim.lua").write_text("-- mine\n")
    shutil.copytree(scripts_folder(), machine.reaper / "Scripts" / "Geheim and more")
    machine.run("doctor", "--home", str(machine.home), "--bundle", str(tmp_path / "again.zip"))
    for file in (target, tmp_path / "again.zip"):
        with zipfile.ZipFile(file) as bundle:
            texts = {one: bundle.read(one).decode("utf-8") for one in bundle.namelist()}
        everything = "\n".join(texts.values())
        assert "Erika" not in everything
        assert "Geheim" not in everything
        assert ('install --resource-path "<path ' in everything) is (file == target)
        assert "REAPER 7.22 (portable): " in texts["doctor.txt"]


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("copied /mnt/Erika Geheim: no such folder", "copied <>: no such folder"),
        ("in /mnt/Erika Geheim (Permission denied); see", "in <> (Permission denied); see"),
        ("cannot list /mnt/Erika (Geheim) Foto, 5 GB free", "cannot list <>, 5 GB free"),
        ("cannot list /mnt/Erika (Geheim): no", "cannot list <>: no"),
        ("/mnt/Erika (Geheim) is not watched: no events", "<> is not watched: no events"),
        ("at C:\\Erika Geheim\\x y z; it", "at <>; it"),
        ("'/mnt/Erika's Geheim', \"/mnt/Erika, Geheim\"", "'<>', \"<>\""),
        ("cannot write /mnt/Song v1.2 Geheim.wav: full", "cannot write <.wav>: full"),
        ("cannot write /mnt/x.Geheim: full", "cannot write <>: full"),
        ("see /mnt/Take 3: Erika/Geheim.flac", "see <.flac>"),
        ("see /mnt/0123456789abcdef0123456789abcdef Geheim/x y", "see <>"),
        ("line 3: 'Erika's Geheim' is not", "line 3: '<text>' is not"),
        ("unknown: \"Erika's Geheim\"; use 'port'", "unknown: \"<text>\"; use '<text>'"),
        ("of /known: x/Erika, (Geheim) and more", "of <> and more"),
        ("/own/ReaTrieve2 Geheim, /own/ReaTrieve/log", "<>, <home>/log"),
    ],
)
def test_masking_takes_a_path_whole(text: str, masked: str) -> None:
    mask = Mask(
        secrets=[], names=[], own=[(Path("/own/ReaTrieve"), "<home>")], folders=[Path("/known: x/Erika, (Geheim)")]
    )
    assert re.sub(r"<path [0-9a-f]{6}", "<", mask(text)) == masked


def test_a_bundle_that_cannot_be_written_is_one_sentence(
    machine: Machine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["doctor", "--resource-path", str(machine.reaper), "--home", str(machine.home), "--bundle"]
    assert main([*arguments, str(tmp_path)]) == 2
    capsys.readouterr()
    assert main([*arguments, str(tmp_path / "missing" / "x.zip")]) == 1
    out, err = capsys.readouterr()
    assert "cannot be written" in err
    assert out == "", "it is said before anything is checked"


def test_a_mistake_in_the_settings_is_one_check_and_the_others_follow(
    machine: Machine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setenv("REATRIEVE_UDP", "perhaps")
    (machine.home / "settings.txt").write_text("nonsense\nport = 70000\nprot = 1\njournals = /j\n", encoding="utf-8")
    assert main(["doctor", "--resource-path", str(machine.reaper), "--home", str(machine.home)]) == 1
    lines = capsys.readouterr().out.splitlines()
    wrong = [line for line in lines if not line.startswith("OK ")]
    assert [line[:14] for line in wrong] == ["DO  settings: "] * 4
    for line, part in zip(
        wrong,
        ("line 1: 'nonsense' is not", "port 70000 is outside", "did you mean 'port'", "REATRIEVE_UDP"),
        strict=True,
    ):
        assert part in line
    assert len(lines) > 15
    (machine.home / "settings.txt").write_bytes(b"port = 5\xff\n")
    assert main(["doctor", "--resource-path", str(machine.reaper), "--home", str(machine.home)]) == 1
    assert "are not UTF-8" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("bug", "bug.zip"),
        ("bug v1.2", "bug v1.2.zip"),
        ("bug.", "bug.zip"),
        ("a.b.txt", "a.b.txt.zip"),
        ("a.ZIP", "a.ZIP"),
    ],
)
def test_a_bundle_that_is_not_called_so_is_a_zip_file(
    machine: Machine, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, made: str
) -> None:
    words = ("doctor", "--home", str(machine.home), "--bundle", str(tmp_path / name))
    assert machine.run(*words) == 0
    assert f"{tmp_path / made}: doctor.txt" in capsys.readouterr().out
    assert zipfile.is_zipfile(tmp_path / made)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == [made]
    assert machine.run(*words) == 2
    assert f"{tmp_path / made} is there already" in capsys.readouterr().err


def test_a_bundle_replaces_nothing(machine: Machine, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    notes = tmp_path / "notes.zip"
    notes.write_text("mine", encoding="utf-8")
    assert machine.run("doctor", "--home", str(machine.home), "--bundle", str(notes)) == 2
    assert "is there already; name a new file" in capsys.readouterr().err
    assert notes.read_text(encoding="utf-8") == "mine"


def test_a_bundle_that_a_full_disk_does_not_take_leaves_nothing(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    bundle = tmp_path / "a.zip"
    words = ("doctor", "--home", str(machine.home), "--bundle", str(bundle))
    with monkeypatch.context() as patch:
        patch.setattr(zipfile.ZipFile, "writestr", full)
        assert machine.run(*words) == 1
    assert "No space left on device" in capsys.readouterr().err
    assert not [path for path in tmp_path.iterdir() if path.is_file()]
    machine.run(*words)
    assert zipfile.is_zipfile(bundle)
