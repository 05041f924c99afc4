"""Colours, levels, texts of times, GUIDs and transforms: functions that touch no project."""

from __future__ import annotations

import uuid

import numpy as np

from reatrieve.headless.calls import Call, function
from reatrieve.headless.wire import ArrayValue, LuaError


@function("ColorToNative")
def _to_native(call: Call, red: int, green: int, blue: int) -> int:
    return call.host.native_color(red & 255, green & 255, blue & 255)


@function("ColorFromNative")
def _from_native(call: Call, color: int) -> tuple[int, int, int]:
    return call.host.color_parts(color)


@function("DB2SLIDER")
def _slider(call: Call, level: float) -> float:
    return float(10 ** (level / 20) * 716.2)


@function("SLIDER2DB")
def _level(call: Call, position: float) -> float:
    return float(20 * np.log10(max(position, 1e-9) / 716.2))


@function("genGuid")
def _guid(call: Call, ignored: str | None) -> str:
    return "{" + str(uuid.uuid4()).upper() + "}"


@function("guidToString")
def _guid_text(call: Call, guid: str, ignored: str) -> str:
    return guid


@function("stringToGuid")
def _guid_from(call: Call, text: str, ignored: str) -> str:
    return text


@function("time_precise")
def _time(call: Call) -> float:
    return call.host.clock.now_s()


@function("format_timestr")
def _time_text(call: Call, time_s: float, ignored: str) -> str:
    return _minutes(time_s)


def _minutes(time_s: float) -> str:
    sign = "-" if time_s < 0 else ""
    milliseconds = round(abs(time_s) * 1000)
    hours, rest = divmod(milliseconds, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    text = f"{rest // 1000:02d}.{rest % 1000:03d}"
    return f"{sign}{hours}:{minutes:02d}:{text}" if hours else f"{sign}{minutes}:{text}"


@function("format_timestr_pos")
def _position_text(call: Call, time_s: float, ignored: str, mode: int) -> str:
    """A place on the ruler: the project's start offset is in it, as in the ruler itself."""
    project = call.host.project
    mode = project.ruler_mode if mode < 0 else mode
    if mode in (1, 2):
        times = project.tempo_map()
        measure = times.measure_at(time_s)
        denominator = times.signature_at(time_s)[1]
        beat = (times.quarter_at(time_s) - times.measure_quarter(measure)) * denominator / 4
        text = f"{measure + 1 + project.offset_measures}.{int(beat) + 1}.{int((beat % 1) * 100 + 1e-6):02d}"
        return f"{text} / {_minutes(time_s + project.offset_s)}" if mode == 1 else text
    return _time_in(call, time_s + project.offset_s, mode)


def _time_in(call: Call, time_s: float, mode: int) -> str:
    project = call.host.project
    if mode == 3:
        return f"{time_s:.3f}"
    if mode == 4:
        return str(round(time_s * project.info["PROJECT_SRATE"]))
    if mode == 5:
        frames = int(abs(time_s) * project.frame_rate + 1e-6)
        seconds, frame = divmod(frames, round(project.frame_rate))
        sign = "-" if time_s < 0 else ""
        return f"{sign}{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}:{frame:02d}"
    return _minutes(time_s)


@function("format_timestr_len")
def _length_text(call: Call, time_s: float, ignored: str, offset_s: float, mode: int) -> str:
    mode = call.host.project.ruler_mode if mode < 0 else mode
    return _time_in(call, time_s, 0 if mode in (1, 2) else mode)


@function("parse_timestr")
def _parse(call: Call, text: str) -> float:
    try:
        parts = [float(part or 0) for part in text.split(":")]
    except ValueError:
        return 0.0
    return sum(part * 60.0**power for power, part in enumerate(reversed(parts)))


@function("parse_timestr_pos")
def _parse_position(call: Call, text: str, mode: int) -> float:
    return float(_parse(call, text)) - call.host.project.offset_s


@function("parse_timestr_len")
def _parse_length(call: Call, text: str, offset_s: float, mode: int) -> float:
    return float(_parse(call, text))


@function("mkvolstr")
def _volume_text(call: Call, ignored: str, volume: float) -> str:
    return f"{20 * np.log10(max(volume, 1e-9)):+.2f}dB"


# reaper.array --------------------------------------------------------------------------------------------------------


def _window(array: ArrayValue, size: int, offset: int | None, per: int) -> tuple[int, np.ndarray]:
    first = int(offset or 1) - 1
    if size not in {2**k for k in range(2, 16)} or first < 0 or first + size * per > len(array.samples):
        raise LuaError(f"reaper.array: a transform of {size} (4 to 32768) does not fit into {len(array.samples)}")
    return first, array.samples[first : first + size * per]


@function("reaper.array:fft")
def _fft(call: Call, array: ArrayValue, size: int, permute: bool | None = None, offset: int | None = None) -> None:
    first, values = _window(array, int(size), offset, 2)
    array.writes.append((first, np.fft.fft(values[0::2] + 1j * values[1::2]).view(np.float64)))


@function("reaper.array:ifft")
def _ifft(call: Call, array: ArrayValue, size: int, permute: bool | None = None, offset: int | None = None) -> None:
    first, values = _window(array, int(size), offset, 2)
    array.writes.append((first, (np.fft.ifft(values[0::2] + 1j * values[1::2]) * int(size)).view(np.float64)))


@function("reaper.array:fft_real")
def _fft_real(call: Call, array: ArrayValue, size: int, permute: bool | None = None, offset: int | None = None) -> None:
    first, values = _window(array, int(size), offset, 1)
    spectrum = 2 * np.fft.rfft(values)
    packed = spectrum[:-1].copy()
    packed[0] = spectrum[0].real + 1j * spectrum[-1].real
    array.writes.append((first, packed.view(np.float64)))


@function("reaper.array:ifft_real")
def _ifft_real(
    call: Call, array: ArrayValue, size: int, permute: bool | None = None, offset: int | None = None
) -> None:
    first, values = _window(array, int(size), offset, 1)
    packed = values.copy().view(np.complex128)
    spectrum = np.concatenate([[packed[0].real], packed[1:], [packed[0].imag]])
    array.writes.append((first, np.fft.irfft(spectrum, int(size)) * int(size)))


@function("reaper.array:convolve")
def _convolve(
    call: Call,
    array: ArrayValue,
    other: ArrayValue,
    other_offset: int | None = None,
    size: int | None = None,
    offset: int | None = None,
) -> None:
    first, second = int(offset or 1) - 1, int(other_offset or 1) - 1
    count = int(size or min(len(array.samples) - first, len(other.samples) - second)) // 2 * 2
    ours = array.samples[first : first + count]
    theirs = other.samples[second : second + count]
    product = (ours[0::2] + 1j * ours[1::2]) * (theirs[0::2] + 1j * theirs[1::2])
    array.writes.append((first, product.view(np.float64)))
