"""Where the scripts look for LuaSocket, and that one made for another Lua is left alone."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

LIB = Path(__file__).parents[2] / "reaper_scripts" / "lib"
CARRIER = """function(lib)
  package.path = lib .. "/?.lua"
  return require("carrier_udp")
end"""


@pytest.fixture(params=["lua53", "lua54"])
def runtime(request: pytest.FixtureRequest) -> Any:
    return importlib.import_module(f"lupa.{request.param}").LuaRuntime(encoding="utf-8")


@pytest.fixture
def mavriq(tmp_path: Path) -> Path:
    """The folder of mavriq's ReaPack package below REAPER's resource path, ``tmp_path``."""
    folder = tmp_path / "Scripts" / "Mavriq ReaScript Repository" / "Various" / "Mavriq-Lua-Sockets" / "socket"
    folder.mkdir(parents=True)
    return folder


def test_mavriqs_package_comes_first(runtime: Any, mavriq: Path, tmp_path: Path) -> None:
    (mavriq / "core.lua").write_text("return { udp = function() end, whose = 'mavriq' }", encoding="utf-8")
    carrier, _ = runtime.eval(f"function(lib, place) return ({CARRIER})(lib).new(place), nil end")(
        str(LIB), str(tmp_path)
    )
    assert carrier["name"] == "udp"
    assert runtime.eval("package.loaded['socket.core'].whose") == "mavriq"


def test_a_library_that_carries_another_lua_is_not_loaded(runtime: Any, mavriq: Path, tmp_path: Path) -> None:
    for ending in ("so", "dll"):
        (mavriq / f"core.{ending}").write_bytes(b"\x7fELF...$LuaVersion: Lua 5.2.4  Copyright ...")
    tried = runtime.eval("{}")
    carrier, reason = runtime.eval(
        f"""function(lib, place, tried)
          local carrier = ({CARRIER})(lib)
          require = function() tried[#tried + 1] = package.path; error("not here") end
          return carrier.new(place)
        end"""
    )(str(LIB), str(tmp_path), tried)
    assert carrier is None
    assert "is not for Lua 5." in reason
    assert not any("Mavriq" in path for path in tried.values())
