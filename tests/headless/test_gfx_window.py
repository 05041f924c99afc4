"""The gfx window: what is drawn can be looked at; keys go to it only when it has the focus."""

from __future__ import annotations

import pytest
from PIL import Image, ImageDraw

from reatrieve.errors import InputError
from reatrieve.headless.gfx import draw_text, drawable, text_width


def test_a_window_is_a_picture(host):
    host.lua("""
        gfx.init("Panel", 120, 60, 0, 10, 20)
        gfx.clear = 0x302010  -- red 16, green 32, blue 48
        local function loop()
          gfx.set(1, 0.5, 0)
          gfx.rect(10, 10, 20, 20)
          gfx.r, gfx.g, gfx.b = 0, 0, 1
          gfx.rect(50, 10, 20, 20, 0)
          gfx.line(0, 59, 119, 59)
          gfx.circle(90, 20, 8, 1)
          gfx.setfont(1, "Arial", 16)
          gfx.set(1)
          gfx.x, gfx.y = 5, 36
          gfx.drawstr("Hello")
          local w, h = gfx.measurestr("Hello")
          assert(math.abs(gfx.x - (5 + w)) <= 1 and gfx.texth == h and w > 20 and h > 10)
          gfx.update()
          if gfx.getchar() >= 0 then reaper.defer(loop) end
        end
        assert(gfx.w == 120 and gfx.h == 60)
        loop()""")
    host.reaper.tick(2)
    picture = host.reaper.gfx_picture("Panel")
    assert picture.size == (120, 60)
    assert picture.getpixel((2, 2)) == (16, 32, 48)
    assert picture.getpixel((20, 20)) == (255, 128, 0)
    assert picture.getpixel((50, 15)) == (0, 0, 255)
    assert picture.getpixel((60, 20)) == (16, 32, 48)
    assert picture.getpixel((90, 20)) == (0, 0, 255)
    assert any(picture.getpixel((x, y)) == (255, 255, 255) for x in range(5, 60) for y in range(36, 56))
    host.reaper.close_window("Panel")
    host.reaper.tick(2)
    assert host.reaper.running == []
    with pytest.raises(InputError, match="no gfx window"):
        host.reaper.gfx_picture()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Größe 1 Äther.wav", "Grosse 1 Ather.wav"),
        ("Cafe\u0301 Łódź – Ærø", "Cafe Lodz - AEro"),
        ("a\u00a0b\u200b… “x” · y", "a b… “x” · y"),
        ("音 \udcff\t", "? ??"),
    ],
)
def test_text_is_drawn_in_characters_that_the_face_has(text, shown):
    assert drawable(text) == shown
    assert text_width(text, 16) == text_width(shown, 16)
    pictures = [Image.new("RGB", (300, 30)) for _ in range(2)]
    for picture, one in zip(pictures, (text, shown), strict=True):
        draw_text(ImageDraw.Draw(picture), (2, 2), one, 16, (255, 255, 255))
    assert pictures[0].tobytes() == pictures[1].tobytes()


KEYS = """
    gfx.init("Keys", 50, 50)
    local got = ""
    local function loop()
      local char = gfx.getchar()
      if char > 0 then got = got .. string.char(char); reaper.SetExtState("test", "keys", got, false) end
      reaper.SetExtState("test", "focus", tostring(gfx.getchar(65536) & 2), false)
      if char >= 0 and char ~= 27 then reaper.defer(loop) end
    end
    loop()"""


def test_keys_go_where_the_focus_is(make_host):
    host = make_host()
    action = host.write("reaper.SetExtState('test', 'action', 'ran', false)", "act.lua")
    host.reaper.run(host.write(KEYS))
    host.reaper.bind("a", action)
    host.reaper.unfocus()
    host.reaper.press("a")
    assert host.reaper.ext_state("test", "action") == "ran"
    host.reaper.focus("Keys")
    host.reaper.press("a")
    host.reaper.press("b")
    host.reaper.tick(3)
    assert host.reaper.ext_state("test", "keys") == "ab"
    assert host.reaper.ext_state("test", "focus") == "2"
    host.reaper.unfocus()
    with pytest.raises(InputError):
        host.reaper.press("b")
    host.reaper.focus()
    host.reaper.press("escape")
    host.reaper.tick(2)
    assert host.reaper.running == []


def test_the_mouse_and_menus(make_host):
    host = make_host()
    host.reaper.run(
        host.write("""
        gfx.init("Mouse", 50, 50)
        local function loop()
          gfx.update()
          if gfx.mouse_cap == 1 and gfx.mouse_x > 10 then
            local choice = gfx.showmenu("First|!Second|#|>Sub|<Third")
            reaper.SetExtState("test", "choice", choice .. " " .. gfx.mouse_wheel, false)
            gfx.mouse_wheel = 0
            return
          end
          reaper.defer(loop)
        end
        loop()""")
    )
    host.reaper.answer("Third")
    host.reaper.mouse(5, 5, 1)
    host.reaper.tick()
    host.reaper.mouse(20, 5, 1, wheel=120)
    host.reaper.tick(2)
    assert host.reaper.ext_state("test", "choice").split()[0] == "3"
    assert float(host.reaper.ext_state("test", "choice").split()[1]) == 120


def test_images_blits_and_clipped_text(host):
    host.lua("""
        gfx.init("", 40, 40)
        assert(gfx.setimgdim(3, 10, 10) == 1 and gfx.getimgdim(3) == 10)
        gfx.dest = 3
        gfx.set(0, 1, 0)
        gfx.dest = 3
        gfx.rect(0, 0, 10, 10)
        gfx.dest = -1
        gfx.blit(3, 1, 0, 0, 0, 5, 5, 20, 20)
        gfx.x, gfx.y = 21, 21
        local r, g, b = gfx.getpixel()
        assert(r == 0 and g == 1 and b == 0)
        gfx.x, gfx.y = 26, 26
        r, g, b = gfx.getpixel()
        assert(g == 0)
        gfx.set(1)
        gfx.x, gfx.y = 0, 0
        gfx.drawstr("WWWWWWWW", 1 | 4, 12, 30)
        for x = 13, 39 do
          gfx.x, gfx.y = x, 15
          r, g, b = gfx.getpixel()
          assert(r == 0, x)
        end
        reaper.defer(function() end)""")


def test_a_gfx_variable_of_the_wrong_type_is_an_error(make_host):
    host = make_host(strict=False)
    host.lua("gfx.r = 'red' gfx.rect(1, 1, 1, 1)")
    assert "gfx.r is a string" in host.reaper.errors[0].message


@pytest.mark.parametrize("dock", [0, 1])
def test_a_new_window_takes_the_keys(make_host, dock):
    host = make_host()
    assert host.reaper.keys_go_to == "arrange"
    host.reaper.run(host.write(KEYS.replace("50, 50", f"50, 50, {dock}")))
    assert host.reaper.keys_go_to == "Keys"
    host.reaper.press("x")
    host.reaper.tick(2)
    assert host.reaper.ext_state("test", "keys") == "x"
    host.reaper.close_window()
    assert host.reaper.keys_go_to == "arrange"


def test_a_window_may_leave_the_keys_where_the_profile_says_so(make_host):
    host = make_host(profile={"focus_on_gfx_init": False})
    host.reaper.run(host.write(KEYS))
    assert host.reaper.keys_go_to == "arrange"


def test_scripts_give_the_keys_back_and_clicks_resizing_and_docking_take_them(make_host):
    host = make_host()
    host.reaper.run(
        host.write("""
            gfx.init("Panel", 50, 50)
            assert(reaper.GetCursorContext() == -1 and reaper.GetCursorContext2(true) == 1)
            reaper.SetCursorContext(1)
            local function loop()
              gfx.update()
              if gfx.mouse_cap == 0 and reaper.GetExtState("test", "give") ~= "" then reaper.SetCursorContext(0) end
              if reaper.GetExtState("test", "dock") ~= "" then gfx.dock(1) end
              if gfx.getchar() >= 0 then reaper.defer(loop) end
            end
            loop()""")
    )
    assert (host.reaper.keys_go_to, host.value("reaper.GetCursorContext()")) == ("arrange", "1")
    host.reaper.mouse(5, 5)
    assert host.reaper.keys_go_to == "arrange"
    host.reaper.mouse(5, 5, 1)
    assert host.reaper.keys_go_to == "Panel"
    host.reaper.set_ext_state("test", "give", "1")
    host.reaper.tick()
    assert host.reaper.keys_go_to == "Panel"  # the button is still down
    host.reaper.mouse(5, 5, 0)
    host.reaper.tick(2)
    assert host.reaper.keys_go_to == "tracks"
    host.reaper.set_ext_state("test", "give", "")
    host.reaper.resize_window(80, 60)
    assert (host.reaper.keys_go_to, host.reaper.gfx_picture().size) == ("Panel", (80, 60))
    host.reaper.unfocus()
    host.reaper.set_ext_state("test", "dock", "1")
    host.reaper.tick()
    assert host.reaper.keys_go_to == "Panel"
