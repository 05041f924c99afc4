"""gfx: a script's own window."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from reatrieve.headless.calls import Call, function
from reatrieve.headless.gfx import GfxWindow
from reatrieve.headless.wire import LuaError


@function("gfx.init")
def _init(
    call: Call,
    window: GfxWindow,
    title: str,
    width: int | None,
    height: int | None,
    dock: int | None,
    x: int | None,
    y: int | None,
) -> int:
    first = not window.open
    window.init(title, width or 0, height or 0, dock or 0, x, y)
    if first:
        _takes_keys(call, window)
    return 1


def _takes_keys(call: Call, window: GfxWindow) -> None:
    if call.host.assumptions.focus_on_gfx_init:
        call.host.focus = window


@function("gfx.quit")
def _quit(call: Call, window: GfxWindow) -> None:
    window.close()
    if call.host.focus is window:
        call.host.focus = None


@function("gfx.update")
def _update(call: Call, window: GfxWindow) -> None:
    window.begin_frame()


@function("gfx.getchar")
def _getchar(call: Call, window: GfxWindow, char: int | None, unichar: int | None) -> tuple[int, int]:
    if char == 65536:  # window state: 1 valid, 2 has focus, 4 visible
        return (1 | (2 if call.host.focus is window else 0) | 4) if window.open else 0, 0
    if not window.open:
        return -1, 0
    if char:
        return int(char in window.keys), 0
    if call.host.focus is not window or not window.keys:
        return 0, 0
    key = window.keys.popleft()
    return key, key if key < 0x110000 else 0


@function("gfx.set")
def _set(
    call: Call,
    window: GfxWindow,
    red: float,
    green: float | None,
    blue: float | None,
    alpha: float | None,
    mode: float | None,
    dest: float | None,
    alpha2: float | None,
) -> None:
    values = window.values
    values["r"] = red
    values["g"] = red if green is None else green
    values["b"] = values["g"] if blue is None else blue
    values["a"] = 1.0 if alpha is None else alpha
    values["a2"] = 1.0 if alpha2 is None else alpha2
    if mode is not None:
        values["mode"] = mode
    if dest is not None:
        values["dest"] = dest


@function("gfx.rect")
def _rect(call: Call, window: GfxWindow, x: float, y: float, w: float, h: float, filled: int | None) -> None:
    if w <= 0 or h <= 0:
        return
    box = (x, y, x + w - 1, y + h - 1)
    if filled is None or filled:
        window.draw().rectangle(box, fill=window.color)
    else:
        window.draw().rectangle(box, outline=window.color)


@function("gfx.rectto")
def _rectto(call: Call, window: GfxWindow, x: float, y: float) -> None:
    values = window.values
    left, right = sorted((values["x"], x))
    top, bottom = sorted((values["y"], y))
    window.draw().rectangle((left, top, right, bottom), fill=window.color)
    values.update(x=x, y=y)


@function("gfx.roundrect")
def _roundrect(
    call: Call, window: GfxWindow, x: float, y: float, w: float, h: float, radius: float, smooth: float | None
) -> None:
    window.draw().rounded_rectangle((x, y, x + max(w, 1), y + max(h, 1)), radius, outline=window.color)


@function("gfx.gradrect")
def _gradrect(
    call: Call,
    window: GfxWindow,
    x: float,
    y: float,
    w: float,
    h: float,
    r: float,
    g: float,
    b: float,
    a: float,
    *slopes: float | None,
) -> None:
    color = tuple(int(255 * min(max(part, 0), 1)) for part in (r, g, b, a))
    if w > 0 and h > 0:
        window.draw().rectangle((x, y, x + w - 1, y + h - 1), fill=color)


@function("gfx.line")
def _line(call: Call, window: GfxWindow, x: float, y: float, x2: float, y2: float, smooth: float | None) -> None:
    window.draw().line((x, y, x2, y2), fill=window.color)


@function("gfx.lineto")
def _lineto(call: Call, window: GfxWindow, x: float, y: float, smooth: float | None) -> None:
    values = window.values
    window.draw().line((values["x"], values["y"], x, y), fill=window.color)
    values.update(x=x, y=y)


@function("gfx.circle")
def _circle(
    call: Call, window: GfxWindow, x: float, y: float, r: float, fill: float | None, smooth: float | None
) -> None:
    box = (x - r, y - r, x + r, y + r)
    if fill:
        window.draw().ellipse(box, fill=window.color)
    else:
        window.draw().ellipse(box, outline=window.color)


@function("gfx.arc")
def _arc(
    call: Call, window: GfxWindow, x: float, y: float, r: float, start: float, end: float, smooth: float | None
) -> None:
    degrees = 57.29577951308232
    box = (x - r, y - r, x + r, y + r)
    window.draw().arc(box, start * degrees - 90, end * degrees - 90, fill=window.color)


@function("gfx.triangle")
def _triangle(call: Call, window: GfxWindow, *points: float) -> None:
    window.draw().polygon([float(value) for value in points], fill=window.color)


@function("gfx.setpixel")
def _setpixel(call: Call, window: GfxWindow, r: float, g: float, b: float) -> None:
    x, y = int(window.values["x"]), int(window.values["y"])
    image = window.target
    if 0 <= x < image.width and 0 <= y < image.height:
        image.putpixel((x, y), (int(r * 255), int(g * 255), int(b * 255)))


@function("gfx.getpixel")
def _getpixel(call: Call, window: GfxWindow) -> tuple[float, float, float]:
    x, y = int(window.values["x"]), int(window.values["y"])
    image = window.target
    if not (0 <= x < image.width and 0 <= y < image.height):
        return 0.0, 0.0, 0.0
    red, green, blue = image.getpixel((x, y))  # type: ignore[misc]
    return red / 255, green / 255, blue / 255


@function("gfx.setfont")
def _setfont(
    call: Call, window: GfxWindow, index: int, face: str | None, size: float | None, flags: int | None
) -> None:
    window.font_index = index
    if face is not None and size is not None and index > 0:
        window.fonts[index] = (face, int(size), flags or 0)


@function("gfx.getfont")
def _getfont(call: Call, window: GfxWindow) -> tuple[int, str]:
    return window.font_index, window.fonts.get(window.font_index, ("", 0, 0))[0]


@function("gfx.measurestr")
def _measure(call: Call, window: GfxWindow, text: str) -> tuple[int, int]:
    return window.measure(text)


@function("gfx.measurechar")
def _measurechar(call: Call, window: GfxWindow, char: int) -> tuple[int, int]:
    return window.measure(chr(char & 0xFFFF))


@function("gfx.drawstr")
def _drawstr(
    call: Call, window: GfxWindow, text: str, flags: int | None, right: float | None, bottom: float | None
) -> None:
    flags = flags or 0
    width, height = window.measure(text)
    values = window.values
    if right is not None and flags & 3:
        room = right - values["x"] - width
        values["x"] += room / 2 if flags & 1 else room
    if bottom is not None and flags & 12:
        room = bottom - values["y"] - height
        values["y"] += room / 2 if flags & 4 else room
    if right is not None and bottom is not None and not flags & 256:
        _clipped_text(window, text, right, bottom)
    else:
        window.text(text)


def _clipped_text(window: GfxWindow, text: str, right: float, bottom: float) -> None:
    """Draw no further than right and bottom."""
    image = window.target
    before = image.copy()
    window.text(text)
    keep = (0, 0, max(0, min(int(right), image.width)), max(0, min(int(bottom), image.height)))
    drawn = image.crop(keep)
    image.paste(before, (0, 0))
    image.paste(drawn, (0, 0))


@function("gfx.drawnumber")
def _drawnumber(call: Call, window: GfxWindow, number: float, digits: int) -> None:
    window.text(f"{number:.{max(digits, 0)}f}")


@function("gfx.drawchar")
def _drawchar(call: Call, window: GfxWindow, char: int) -> None:
    window.text(chr(char & 0xFFFF))


@function("gfx.printf")
def _printf(call: Call, window: GfxWindow, text: str, *values: object) -> None:
    try:
        window.text(text % tuple(value.decode() if isinstance(value, bytes) else value for value in values))
    except (TypeError, ValueError) as exc:
        raise LuaError(f"gfx.printf: {exc}") from None


@function("gfx.dock")
def _dock(
    call: Call, window: GfxWindow, value: int, x: int | None, y: int | None, w: int | None, h: int | None
) -> tuple[int, int, int, int, int]:
    if value >= 0 and value != window.dock:
        window.dock = value
        if window.open:
            _takes_keys(call, window)
    if not window.open:
        return 0, 0, 0, 0, 0
    width, height = (int(window.values[key] / window.ratio) for key in "wh")
    return window.dock, *window.position, width, height


@function("gfx.showmenu")
def _showmenu(call: Call, window: GfxWindow, text: str) -> int:
    window.menus.append(text)
    answer = call.host.dialogs.ask("menu", text)
    if isinstance(answer, str):
        labels = []
        for part in text.split("|"):
            label = part.lstrip("#!<>")
            if label and not part.startswith((">", "<>")):
                labels.append(label)
        if answer not in labels:
            raise LuaError(f"the answer {answer!r} is not in the menu {text!r}")
        return labels.index(answer) + 1
    return int(answer or 0)


@function("gfx.setimgdim")
def _setimgdim(call: Call, window: GfxWindow, index: int, w: int, h: int) -> int:
    window.images[index] = Image.new("RGB", (max(w, 1), max(h, 1)))
    return 1


@function("gfx.getimgdim")
def _getimgdim(call: Call, window: GfxWindow, index: int) -> tuple[int, int]:
    image = window.images.get(index)
    return image.size if image is not None else (0, 0)


@function("gfx.loadimg")
def _loadimg(call: Call, window: GfxWindow, index: int, path: str) -> int:
    try:
        window.images[index] = Image.open(Path(path)).convert("RGB")
    except (OSError, ValueError):
        return -1
    return index


@function("gfx.blit")
def _blit(
    call: Call,
    window: GfxWindow,
    source: int,
    scale: float | None,
    rotation: float | None,
    srcx: float | None,
    srcy: float | None,
    srcw: float | None,
    srch: float | None,
    destx: float | None,
    desty: float | None,
    destw: float | None,
    desth: float | None,
    rotx: float | None,
    roty: float | None,
) -> None:
    image = window.frame if source < 0 else window.images.get(source)
    if image is None:
        return
    left, top = int(srcx or 0), int(srcy or 0)
    width = int(image.width - left if srcw is None else srcw)
    height = int(image.height - top if srch is None else srch)
    part = image.crop((left, top, left + width, top + height))
    factor = 1.0 if scale is None else scale
    size = (int(destw or width * factor), int(desth or height * factor))
    if size != part.size and min(size) > 0:
        part = part.resize(size)
    window.target.paste(
        part, (int(window.values["x"] if destx is None else destx), int(window.values["y"] if desty is None else desty))
    )


@function("gfx.muladdrect", "gfx.blurto")
def _filter(call: Call, window: GfxWindow, *values: float | None) -> None:
    return None


@function("gfx.setcursor")
def _setcursor(call: Call, window: GfxWindow, resource: int, name: str | None) -> None:
    return None


@function("gfx.clienttoscreen")
def _to_screen(call: Call, window: GfxWindow, x: float, y: float) -> tuple[float, float]:
    return x + window.position[0], y + window.position[1]


@function("gfx.screentoclient")
def _to_client(call: Call, window: GfxWindow, x: float, y: float) -> tuple[float, float]:
    return x - window.position[0], y - window.position[1]


@function("gfx.getdropfile")
def _dropfile(call: Call, window: GfxWindow, index: int) -> tuple[int, str]:
    return 0, ""
