"""UDP from inside Lua: the host's stand-in for LuaSocket, and the real thing in real interpreters."""

from __future__ import annotations

import os
import shutil
import socket

import pytest

ECHO = """
    {load}
    local udp = assert(core.udp())
    udp:settimeout(0)
    assert(udp:setsockname("127.0.0.1", 0) == 1)
    assert(udp:setpeername("127.0.0.1", {port}) == 1)
    local data, why = udp:receive()
    assert(data == nil and why == "timeout", why)
    local payload = string.pack(">dd", 1/3, -2.5) .. "\\0\\255é"
    assert(udp:send(payload) == #payload)
    local function loop()
      local answer, problem = udp:receive()
      if not answer then
        assert(problem == "timeout", problem)
        return reaper.defer(loop)
      end
      assert(answer == payload .. payload)
      local host, port = udp:getsockname()
      udp:close()
      assert(select(2, udp:send("x")) == "refused")
      reaper.SetExtState("test", "echo", host .. " " .. _VERSION, false)
    end
    reaper.defer(loop)
"""
DEBIAN = """
    local version = _VERSION:match("%d%.%d")
    package.path = "/usr/share/lua/" .. version .. "/?.lua;" .. package.path
    for _, machine in ipairs { "x86_64", "aarch64" } do
      package.cpath = "/usr/lib/" .. machine .. "-linux-gnu/lua/" .. version .. "/?.so;" .. package.cpath
    end
    local core = require("socket")
    assert(core._VERSION:match("^LuaSocket") and not core._VERSION:match("host"))
"""


@pytest.fixture
def peer():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.bind(("127.0.0.1", 0))
        made.settimeout(5)
        yield made


def echo(host, peer, load):
    host.reaper.run(host.write(ECHO.format(load=load, port=peer.getsockname()[1])))
    data, address = peer.recvfrom(1000)
    assert data.endswith(b"\0\xff\xc3\xa9")
    peer.sendto(data + data, address)
    host.reaper.until(lambda: host.reaper.ext_state("test", "echo"), timeout_s=5)
    assert host.reaper.ext_state("test", "echo").startswith("127.0.0.1 Lua 5.")


def test_datagrams_leave_and_arrive_through_the_host_s_sockets(host, peer):
    echo(host, peer, 'local core = require("socket.core")')


def test_stock_reaper_has_no_sockets(make_host):
    host = make_host(sockets="none")
    host.lua("""
        for _, name in ipairs { "socket", "socket.core" } do
          local ok, why = pcall(require, name)
          assert(not ok and why:match("stock REAPER"), why)
        end""")


def interpreter(version):
    if shutil.which(f"lua{version}") is None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"CI needs lua{version}")
        pytest.skip(f"no lua{version} on this machine")
    return f"lua{version}"


@pytest.mark.peer
@pytest.mark.parametrize(("version", "lua"), [("6.83", "5.3"), ("7.72", "5.4")])
def test_real_interpreters_load_the_real_luasocket(make_host, peer, version, lua):
    host = make_host(version, engine=interpreter(lua), sockets="machine")
    echo(host, peer, DEBIAN)


@pytest.mark.peer
@pytest.mark.parametrize(("version", "lua"), [("6.83", "5.3"), ("7.72", "5.4")])
def test_real_interpreters_see_the_same_reaper(make_host, version, lua):
    host = make_host(version, engine=interpreter(lua), environment={"REATRIEVE_HOME": 'é "x"\\'}, strict=False)
    host.reaper.project.add_track("a")
    host.lua(f"""
        assert(_VERSION == "Lua {lua}" and os.getenv("REATRIEVE_HOME") == 'é "x"\\\\')
        local track = reaper.GetTrack(0, 0)
        assert(type(track) == "userdata" and track == reaper.GetTrack(0, 0))
        print("to nobody") io.write("not between the frames\\n")
        local array = reaper.new_array(4)
        array[1] = 2.5
        assert(array.table()[1] == 2.5 and reaper.AddProjectMarker2(0, true, 1, 2, "x y", -1, 0) == 1)
        gfx.init("w", 30, 30)
        gfx.rect(1, 1, 5, 5)
        local n = 0
        local function loop()
          n = n + 1
          reaper.SetExtState("test", "n", tostring(n), false)
          reaper.defer(loop)
        end
        reaper.atexit(function() reaper.SetExtState("test", "end", "yes", false) end)
        reaper.defer(loop)""")
    host.reaper.tick(4)
    assert host.reaper.errors == []
    assert host.reaper.ext_state("test", "n") == "4"
    assert host.reaper.gfx_picture().getpixel((2, 2)) == (255, 255, 255)
    other = host.write("reaper.SetExtState('test', 'nested', 'yes', false)")
    host.lua(f"reaper.Main_OnCommand(reaper.AddRemoveReaScript(true, 0, [[{other}]], true), 0)")
    assert host.reaper.ext_state("test", "nested") == "yes"
    host.lua("local x = nil + 1")
    assert "arithmetic on a nil value" in host.reaper.errors[0].message
    host.reaper.close()
    assert host.reaper.ext_state("test", "end") == "yes"
