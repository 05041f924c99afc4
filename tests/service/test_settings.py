"""Settings: defaults < file < environment < flags, and clear words for what cannot be."""

from pathlib import Path

import pytest

from reatrieve import limits
from reatrieve.errors import InputError
from reatrieve.settings import Settings, default_home


@pytest.mark.parametrize(
    ("platform", "environ", "expected"),
    [
        ("linux", {"HOME": "/h"}, "/h/.local/share/ReaTrieve"),
        ("linux", {"HOME": "/h", "XDG_DATA_HOME": "/x y"}, "/x y/ReaTrieve"),
        ("darwin", {"HOME": "/h", "XDG_DATA_HOME": "/x"}, "/h/Library/Application Support/ReaTrieve"),
        ("win32", {"LOCALAPPDATA": "/l"}, "/l/ReaTrieve"),
        ("win32", {"USERPROFILE": "/u"}, "/u/AppData/Local/ReaTrieve"),
        ("linux", {"HOME": "/h", "REATRIEVE_HOME": "/r"}, "/r"),
    ],
)
def test_the_home_of_each_platform(platform, environ, expected):
    assert default_home(environ, platform).as_posix() == expected


def test_flags_beat_environment_beats_file_beats_defaults(tmp_path):
    (tmp_path / "settings.txt").write_text(
        "# mine\nport = 1\nretriever = mfcc-nn\n\nudp = no\ncache = /c d\n", encoding="utf-8"
    )
    environ = {"REATRIEVE_HOME": str(tmp_path), "REATRIEVE_PORT": "2", "REATRIEVE_UDP": "on", "REATRIEVE_BENCH": "/x"}
    settings = Settings.load({"port": 3, "host": None, "open_controllers": True}, environ)
    assert (settings.home, settings.port, settings.udp, settings.retriever) == (tmp_path, 3, True, "mfcc-nn")
    assert settings.cache == Path("/c d")
    assert settings.open_controllers
    assert settings.host == "127.0.0.1"
    assert Settings.load({}, environ).port == 2
    assert settings.spool_folder == tmp_path / "spool"
    assert settings.journals_folder == tmp_path / "journals"


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("prot = 1", "line 1: unknown setting 'prot'; did you mean 'port'"),
        ("foo = 1", "line 1: unknown setting 'foo'; known: home, host, port, udp, spool, token, .*, verbose$"),
        ("\nport", "line 2: 'port' is not 'key = value'"),
        ("port = many", "port is 'many'; give a whole number"),
        ("udp = perhaps", "say yes or no"),
        ("port = 70000", "outside 0..65535"),
        ("home = /x", "--home"),
        ("cache_size_mb = -1", "0 or more"),
    ],
)
def test_mistakes_in_the_file_are_named(tmp_path, text, match):
    (tmp_path / "settings.txt").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=match):
        Settings.load({"home": tmp_path}, {})


def test_settings_of_windows_editors_are_read(tmp_path):
    """They begin with a byte order mark and end their lines with carriage returns."""
    (tmp_path / "settings.txt").write_bytes("\ufeffport = 5\r\nretriever = mfcc-nn\r\n".encode())
    settings = Settings.load({"home": tmp_path}, {})
    assert (settings.port, settings.retriever) == (5, "mfcc-nn")
    (tmp_path / "settings.txt").write_bytes("port = 5\n".encode("utf-16"))
    with pytest.raises(InputError, match="save them as UTF-8"):
        Settings.load({"home": tmp_path}, {})


def test_settings_may_be_a_link_of_ones_own(tmp_path):
    (tmp_path / "dotfiles.txt").write_text("port = 5\n", encoding="utf-8")
    home = tmp_path / "home"
    home.mkdir()
    try:
        (home / "settings.txt").symlink_to(tmp_path / "dotfiles.txt")
    except OSError:
        pytest.skip("no right to make links")
    assert Settings.load({"home": home}, {}).port == 5


def test_impossible_values_are_named(tmp_path):
    for flags, match in (
        ({"cache": "~no-such-user-here/x"}, "no such user"),
        ({"spool": "a\0b"}, "spool holds a NUL"),
        ({"token": "x" * (limits.TEXT_BYTES + 1)}, "the token is longer than 512 bytes; choose a shorter one"),
        ({"token": "ö" * (limits.TEXT_BYTES // 2) + "x"}, "longer than 512 bytes"),
    ):
        with pytest.raises(InputError, match=match):
            Settings.load({"home": tmp_path, **flags}, {})
    (tmp_path / "settings.txt").write_text("# " + 70_000 * "x", encoding="utf-8")
    with pytest.raises(InputError, match="larger than"):
        Settings.load({"home": tmp_path}, {})


def test_a_token_at_its_limit_is_taken(tmp_path):
    for token in ("x" * limits.TEXT_BYTES, "ö" * (limits.TEXT_BYTES // 2)):
        assert Settings.load({"home": tmp_path, "token": token}, {}).token == token


def test_mistakes_elsewhere_are_named(tmp_path):
    with pytest.raises(InputError, match="REATRIEVE_PORT"):
        Settings.load({"home": tmp_path}, {"REATRIEVE_PORT": "x"})
    with pytest.raises(InputError, match="did you mean 'verbose'"):
        Settings.load({"home": tmp_path, "verbse": True}, {})
    with pytest.raises(InputError, match="line break"):
        Settings.load({"home": tmp_path, "token": "a\nb"}, {})


def test_relative_folders_become_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = Settings.load({"home": "h", "spool": "s"}, {"REATRIEVE_CACHE": "c", "REATRIEVE_HOME": "other"})
    assert (settings.home, settings.spool, settings.cache) == (tmp_path / "h", tmp_path / "s", tmp_path / "c")


@pytest.mark.parametrize("key", ["spool", "cache", "journals", "logs"])
@pytest.mark.parametrize(("value", "text"), [("", "is empty; name a folder"), ("/a" * 600, "more than 500 folders")])
def test_a_folder_that_is_none_is_not_taken_for_the_current_one(tmp_path, key, value, text):
    (tmp_path / "settings.txt").write_text(f"{key} = {value}\n", encoding="utf-8")
    with pytest.raises(InputError, match=f"{key} .*{text}"):
        Settings.load({"home": tmp_path})


def test_a_home_elsewhere_has_its_own_log(tmp_path):
    """Two daemons cannot rotate one file."""
    user = {"HOME": str(tmp_path), "LOCALAPPDATA": str(tmp_path), "USERPROFILE": str(tmp_path)}
    usual = default_home(user)
    common = Settings.load({}, user).logs
    assert common == Settings.load({"home": usual}, user).logs == Settings().logs
    assert Settings.load({}, {**user, "REATRIEVE_HOME": str(usual)}).logs == common
    for settings in (
        Settings.load({"home": tmp_path / "a"}, user),
        Settings.load({}, {**user, "REATRIEVE_HOME": str(tmp_path / "a")}),
    ):
        assert settings.logs == tmp_path / "a" / "logs"
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "settings.txt").write_text(f"logs = {tmp_path / 'l'}\n", encoding="utf-8")
    assert Settings.load({"home": tmp_path / "a"}, user).logs == tmp_path / "l"
    assert (
        Settings.load({"home": tmp_path / "a"}, {**user, "REATRIEVE_LOGS": str(tmp_path / "m")}).logs == tmp_path / "m"
    )


def test_mistakes_may_be_told_and_left_out(tmp_path):
    (tmp_path / "settings.txt").write_text("port = 70000\nfoo\nidle_minutes = 5\n", encoding="utf-8")
    told = []
    settings = Settings.load({"home": tmp_path}, {"REATRIEVE_UDP": "x", "REATRIEVE_PORT": "9"}, on_mistake=told.append)
    assert len(told) == 3
    assert (settings.port, settings.idle_minutes, settings.udp) == (9, 5, True)
