"""What Find says when it cannot search, and what it sends when it can."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile
from rig import Rig, accessors, noise_file

from reatrieve.bridge import messages as m


def _nothing(rig: Rig) -> None:
    pass


def _no_selection(rig: Rig) -> None:
    rig.project.select_time(0.0, 0.0)


def _short(rig: Rig) -> None:
    rig.project.select_time(1.0, 1.04)


def _long(rig: Rig) -> None:
    rig.project.select_time(1.0, 31.5)


def _no_track(rig: Rig) -> None:
    rig.project.add_track("other").add_item(rig.audio)
    for track in rig.project.tracks:
        track.set(I_SELECTED=0)


def _two_tracks(rig: Rig) -> None:
    other = rig.project.add_track("other")
    other.add_item(rig.audio)
    other.select(only=False)
    rig.track.select(only=False)


def _two_item_tracks(rig: Rig) -> None:
    other = rig.project.add_track("other").add_item(rig.audio)
    other.select()
    rig.track.items[0].select()


def _midi(rig: Rig) -> None:
    rig.track.items[0].delete()
    rig.track.add_midi(0.0, 5.0)


def _gap(rig: Rig) -> None:
    rig.project.select_time(25.0, 26.0)


def _muted(rig: Rig) -> None:
    rig.track.items[0].set(B_MUTE=1)


def _offline(rig: Rig) -> None:
    rig.track.items[0].offline()


def _missing(rig: Rig) -> None:
    rig.audio.unlink()


def _empty(rig: Rig) -> None:
    rig.track.items[0].delete()


def _folder(rig: Rig) -> None:
    rig.track.items[0].delete()
    rig.track.set(I_FOLDERDEPTH=1)


@pytest.mark.parametrize(
    ("spoil", "text"),
    [
        (_no_selection, "no time selection"),
        (_short, "40 ms long"),
        (_long, "30.5 s long"),
        (_no_track, "no track"),
        (_two_tracks, "2 tracks are selected"),
        (_two_item_tracks, "items on several tracks"),
        (_midi, "is MIDI"),
        (_gap, "no item under the time selection"),
        (_muted, "muted"),
        (_offline, "offline"),
        (_missing, "offline"),
        (_empty, "has no items"),
        (_folder, "folder without items"),
    ],
)
def test_find_says_what_is_missing(one_rig: Rig, spoil: Callable[[Rig], None], text: str) -> None:
    one_rig.project.select_time(0.5, 1.5)
    spoil(one_rig)
    one_rig.run("find")
    one_rig.until(lambda: text in one_rig.line())
    one_rig.tick(5)
    assert one_rig.reaper.dialogs == []
    assert one_rig.daemon.sessions == {}
    assert one_rig.history() == []
    one_rig.project.select_time(0.5, 1.5)  # and the next one goes


def test_no_daemon_names_the_command(tmp_path: Path) -> None:
    with Rig(tmp_path) as rig:
        rig.daemon.quit()
        rig.project.select_time(0.5, 1.5)
        rig.run("find")
        for _ in range(60):
            rig.reaper.tick()
        assert "reatrieve serve" in rig.line()
        rig.daemon.start()
        rig.find()


def test_a_daemon_that_died_without_a_word(tmp_path: Path) -> None:
    with Rig(tmp_path) as rig:
        rig.daemon.crash()
        rig.project.select_time(0.5, 1.5)
        rig.run("find")
        for _ in range(60):
            rig.reaper.tick()
        assert "reatrieve serve" in rig.line()


def test_another_version_names_both(one_rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "the scripts are 0.1.0, the daemon is 9.0.0: pip install -U reatrieve"
    send = one_rig.daemon._send

    def refuse(client: str, event: m.Event, seq: int = 0) -> None:
        send(client, m.Refused("version", text) if isinstance(event, m.Welcome) else event, seq)

    monkeypatch.setattr(one_rig.daemon, "_send", refuse)
    one_rig.project.select_time(0.5, 1.5)
    one_rig.run("find")
    one_rig.until(lambda: text in one_rig.line())


@pytest.mark.parametrize("where", ["track", "take", "sends only"])
def test_fx_are_told_and_the_search_goes_on(one_rig: Rig, where: str) -> None:
    if where == "track":
        one_rig.track.add_fx()
    elif where == "take":
        one_rig.track.items[0].add_fx()
    else:
        one_rig.track.set(B_MAINSEND=0)
    one_rig.find()
    assert any("searching without FX" in line for line in one_rig.help())


def test_items_as_the_daemon_needs_them(rig: Rig) -> None:
    other = noise_file(rig.folder / "b.wav", 6.0)
    how = {"pan": 0.25, "fade_in_s": 0.1, "fade_out_s": 0.2, "channel_mode": 2}
    rig.track.add_item(other, 21.0, 2.0, offset_s=1.5, rate=2.0, gain=0.5, take_gain=-1.0, **how)
    rig.track.add_item(other, 24.0, 9.0, section=(1.0, 3.0), reverse=True, loop=True)
    rig.track.add_item(other, 34.0, 1.0, mute=True)
    rig.track.add_midi(36.0, 1.0)
    session = rig.find()
    items = rig.daemon.items[session.find.session]
    assert session.find.items == len(items) == 3
    one, two = items[1], items[2]
    assert (one.position_s, one.length_s, one.offset_s, one.rate, one.gain, one.pan) == (
        21.0,
        2.0,
        1.5,
        2.0,
        -0.5,
        0.25,
    )
    assert (one.fade_in_s, one.fade_out_s, one.channel_mode, one.loop, one.reverse) == (0.1, 0.2, 2, 0, 0)
    assert Path(two.path) == other
    assert (two.section_start_s, two.section_length_s, two.reverse, two.loop) == (1.0, 3.0, 1, 1)


def test_probes_are_what_the_accessor_gives(rig: Rig) -> None:
    import numpy as np
    from scipy.signal import resample_poly

    rig.find()
    pages = rig.daemon.probes
    assert len(pages) == pages[0].pages
    assert max(len(page.samples) for page in pages) < 4096
    probe = np.frombuffer(b"".join(page.samples for page in pages), ">i2") / 32767
    assert len(probe) == int(0.5 * pages[0].rate_hz)
    audio, rate_hz = soundfile.read(rig.audio)
    first = int(pages[0].time_s * rate_hz)
    expected = resample_poly(audio[first : first + rate_hz // 2], pages[0].rate_hz, rate_hz)
    n = min(len(probe), len(expected))
    assert np.corrcoef(probe[:n], expected[:n])[0, 1] > 0.9


@pytest.mark.parametrize("how", ["pitch kept", "pitch shift", "stretch", "envelope", "asked"])
def test_what_a_map_cannot_say_is_rendered(rig: Rig, how: str) -> None:
    item = rig.track.items[0]
    item.set(D_LENGTH=2.0)
    rig.track.add_item(rig.audio, 1.75, 0.75)  # overlaps: both become one
    rig.track.add_item(rig.audio, 30.0, 1.0)
    if how == "pitch kept":
        item.set(D_PLAYRATE=1.0001, B_PPITCH=1)
    elif how == "pitch shift":
        item.set(D_PITCH=1)
    elif how == "stretch":
        item.add_stretch_marker(1.0, 1.0)
    elif how == "envelope":
        item.add_envelope()
    else:
        rig.daemon.want_render = {0}
    session = rig.find()
    items = rig.daemon.items[session.find.session]
    assert session.find.items == 2
    assert (items[0].accessor, items[1].accessor) == (1, 0)
    assert (items[0].position_s, items[0].length_s, items[1].position_s) == (0.0, 2.5, 30.0)
    assert (items[0].rate, items[0].gain, items[0].offset_s, items[0].fade_in_s) == (1.0, 1.0, 0.0, 0.0)
    info = soundfile.info(items[0].path)
    assert info.subtype == "FLOAT"
    assert info.duration == pytest.approx(2.5, abs=1e-3)
    assert Path(items[0].path).parent == rig.folder / "home" / "renders"


def test_razor_area_decides_the_track_and_the_example(one_rig: Rig) -> None:
    other = one_rig.project.add_track("other")
    other.add_item(one_rig.audio)
    one_rig.track.razor(3.0, 4.0)
    one_rig.project.select_time(0.0, 0.0)
    one_rig.run("find")
    one_rig.until(lambda: one_rig.candidate())
    session = next(iter(one_rig.daemon.sessions.values()))
    assert session.find.track == one_rig.track.guid
    assert (session.find.start_s, session.find.end_s) == (3.0, 4.0)


def test_selected_item_decides_the_track(one_rig: Rig) -> None:
    one_rig.project.add_track("other")
    one_rig.track.items[0].select()
    session = one_rig.find()
    assert session.find.track == one_rig.track.guid


def test_tempo_map(one_rig: Rig) -> None:
    one_rig.project.set_tempo(120.0)
    one_rig.project.add_tempo(4.0, 90.0, 3, 4)
    one_rig.find()
    assert [(t.time_s, t.bpm, t.numerator, t.fullbeats, t.measure) for t in one_rig.daemon.tempo] == [
        (0.0, 120.0, 4, 0.0, 0),
        (4.0, 90.0, 3, 8.0, 2),
    ]


def test_a_second_find_while_searching_and_finish_cancels(one_rig: Rig) -> None:
    one_rig.project.select_time(0.5, 1.5)
    one_rig.run("find")
    one_rig.until(lambda: one_rig.daemon.links)
    one_rig.daemon.paused = True
    one_rig.reaper.tick(3)
    one_rig.run("find")
    one_rig.reaper.tick()
    assert "still searching" in one_rig.line()
    one_rig.run("finish")
    one_rig.reaper.tick()
    one_rig.daemon.paused = False
    one_rig.until(lambda: "cancelled" in one_rig.line())
    one_rig.project.select_time(0.5, 1.5)
    one_rig.tick(10)
    session = one_rig.find()
    assert session.state.current == 1


@pytest.mark.parametrize("how", ["tab closed", "finish", "client ended"])
def test_a_rendering_that_is_broken_off_leaves_nothing(tmp_path: Path, how: str) -> None:
    with Rig(tmp_path, clock="real", tick_hz=1000.0) as rig:
        rig.track.items[0].set(D_PITCH=1)
        rig.project.select_time(0.5, 1.5)
        rig.run("find")
        rig.until(lambda: "rendering" in rig.line(), 5000)
        renders = rig.folder / "home" / "renders"
        assert len(list(renders.iterdir())) == 1
        if how == "tab closed":
            rig.reaper.new_project()
            rig.reaper.projects[0].close()
        elif how == "finish":
            rig.run("finish")
        else:
            rig.reaper.stop("ReaTrieve_Client.lua")
        rig.tick(5)
        assert list(renders.iterdir()) == []
        assert not any(thing.alive for thing in accessors(rig))
        assert rig.daemon.sessions == {}


def test_what_was_rendered_before_the_rest_is_broken_off_goes_too(tmp_path: Path) -> None:
    with Rig(tmp_path, clock="real", tick_hz=1000.0) as rig:
        rig.track.items[0].set(D_PITCH=1, D_LENGTH=2.0)
        rig.track.add_item(rig.audio, 3.0, 17.0).set(D_PITCH=1)  # another rendering
        rig.project.select_time(0.5, 1.5)
        rig.run("find")
        renders = rig.folder / "home" / "renders"
        rig.until(lambda: renders.exists() and len(list(renders.iterdir())) == 2, 5000)
        rig.press("finish", 5)
        assert list(renders.iterdir()) == []
        assert not any(thing.alive for thing in accessors(rig))
        rig.find()  # and nothing of the first one comes late
        rig.tick(200)
        assert len(rig.daemon.sessions) == 1
        assert len(rig.sent(m.Find)) == 1
        assert len(list(renders.iterdir())) == 2
