"""From item and probe messages to a checked track map: wrong maps never pass silently."""

import asyncio
import os
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from reatrieve import limits
from reatrieve.audio.stitch import TrackAudio
from reatrieve.audio.trackmap import TrackItem, TrackMap
from reatrieve.bridge.messages import Candidate, Done, Failed, Find, Note, Probe, RenderWanted, Tempo
from reatrieve.errors import AudioError, InputError
from reatrieve.journal import Header, JournalFolder
from reatrieve.service.preparing import Draft, example_on, prepare
from reatrieve.service.service import sweep_renders
from service.client import RATE_HZ, TRUTH, make_item, make_track

FIND = Find("s", "l", "", "", 1.0, 1.5, 10, "", 1)


@pytest.fixture
def renders(tmp_path):
    folder = tmp_path / "home dir" / "renders"
    folder.mkdir(parents=True)
    return folder


def draft_of(*messages):
    draft = Draft()
    for message in messages:
        draft.add(message)
    return draft


def probe_pages(path, *, time_s=3.0, length_s=0.5, index=0, late_s=0.0, noise=0.0, page_bytes=3000):
    """What an accessor would give of a file placed at project time 0, played ``late_s`` later than the map says."""
    y, rate_hz = soundfile.read(str(path), dtype="float32")
    first = round((time_s - late_s) * rate_hz)
    heard = y[first : first + round(length_s * rate_hz)]
    heard = heard + noise * np.random.default_rng(1).standard_normal(len(heard))
    raw = (np.clip(heard, -1, 1) * 32767).astype(">i2").tobytes()
    parts = [raw[k : k + page_bytes] for k in range(0, len(raw), page_bytes)]
    return [Probe("s", index, k, len(parts), time_s, rate_hz, part) for k, part in enumerate(parts)]


def test_a_plain_item_becomes_the_map(shared, renders):
    item = make_item(
        "s", shared.track, position_s=0.5, gain=-0.5, loop=1, channel_mode=2, fade_in_s=0.1, fade_in_shape=3
    )
    prepared = prepare(draft_of(item), FIND, renders=renders)
    assert prepared.wanted == prepared.notes == ()
    (one,) = prepared.track_map.items
    assert (one.position_s, one.gain, one.loop, one.channel_mode, one.fade_in_shape) == (0.5, -0.5, True, 2, 3)
    assert (one.path, one.guid) == (shared.track, "{I}")


def test_what_the_file_gives_as_reaper_does_passes(shared, renders):
    pages = probe_pages(shared.track)
    assert len(pages) > 3
    prepared = prepare(draft_of(make_item("s", shared.track), *reversed(pages)), FIND, renders=renders)
    assert prepared.track_map.items[0].offset_s == 0.0
    assert prepared.notes == ()


@pytest.mark.parametrize("late_s", [0.025, -0.04])
def test_a_lag_is_corrected_for_all_items_of_the_file(shared, renders, late_s):
    items = [
        make_item("s", shared.track, index=0),
        make_item("s", shared.track, index=1, position_s=20.0, rate=2.0, length_s=5.0),
        make_item("s", shared.track, index=2, position_s=30.0, reverse=1),
    ]
    find = Find("s", "l", "", "", 1.0, 1.5, 10, "", 3)
    prepared = prepare(draft_of(*items, *probe_pages(shared.track, late_s=late_s)), find, renders=renders)
    ((code, text),) = prepared.notes
    assert code == "lag"
    assert f"{1000 * late_s:+.1f} ms" in text
    ours = TrackAudio(prepared.track_map).read(3.0, 3.5, RATE_HZ)
    y, _ = soundfile.read(str(shared.track), dtype="float32")
    first = round((3.0 - late_s) * RATE_HZ)
    assert np.corrcoef(ours, y[first : first + len(ours)])[0, 1] > 0.999
    assert [item.offset_s for item in prepared.track_map.items] == pytest.approx([-late_s, -late_s, late_s], abs=1e-4)


def test_what_does_not_fit_at_any_lag_is_wanted_as_a_rendering(shared, renders, tmp_path):
    other = make_track(tmp_path / "other.wav", starts_s=(3.05,), decoys_s=(), seed=9)
    items = [
        make_item("s", shared.track, index=0),
        make_item("s", tmp_path / "gone.wav", index=1, position_s=20.0, length_s=2.0),
    ]
    find = Find("s", "l", "", "", 1.0, 1.5, 10, "", 2)
    prepared = prepare(draft_of(*items, *probe_pages(other)), find, renders=renders)
    assert prepared.track_map is None
    assert [index for index, _ in prepared.wanted] == [0, 1]
    assert "does not sound as REAPER plays it" in prepared.wanted[0][1]
    assert "gone.wav" in prepared.wanted[1][1]


def test_half_a_probe_is_no_probe(shared, renders, tmp_path):
    other = make_track(tmp_path / "other.wav", starts_s=(3.05,), decoys_s=(), seed=9)
    prepared = prepare(draft_of(make_item("s", shared.track), *probe_pages(other)[:-1]), FIND, renders=renders)
    assert prepared.track_map is not None


def test_a_new_probe_or_item_replaces_the_old_one(shared, renders, tmp_path):
    other = make_track(tmp_path / "other.wav", starts_s=(3.05,), decoys_s=(), seed=9)
    item = make_item("s", shared.track)
    wrong, right = probe_pages(other), probe_pages(shared.track, time_s=5.9)
    assert prepare(draft_of(item, *wrong, *right), FIND, renders=renders).track_map is not None
    assert prepare(draft_of(item, *wrong, item), FIND, renders=renders).track_map is not None


def test_a_rendering_must_lie_in_the_folder_for_them(shared, renders):
    inside = make_track(renders / "r.wav")
    for path, wanted in ((inside, ()), (shared.track, (0,)), ("", (0,))):
        item = make_item("s", path, accessor=1, length_s=15.0)
        prepared = prepare(draft_of(item), FIND, renders=renders)
        assert tuple(index for index, _ in prepared.wanted) == wanted
    item = make_item("s", renders / "none.wav", accessor=1, length_s=15.0)
    with pytest.raises(AudioError, match=r"none\.wav"):
        prepare(draft_of(item), FIND, renders=renders)


def test_impossible_descriptions_are_told(shared, renders):
    item = make_item("s", shared.track)
    with pytest.raises(InputError, match="without item 1"):
        prepare(draft_of(item), Find("s", "l", "", "", 1.0, 1.5, 10, "", 2), renders=renders)
    with pytest.raises(InputError, match="outside the track's items"):
        prepare(draft_of(item), Find("s", "l", "", "", 14.8, 15.5, 10, "", 1), renders=renders)
    with pytest.raises(InputError, match="glue"):
        draft_of(make_item("s", shared.track, index=10**6))
    draft = draft_of(*(Probe("s", 0, page, 1024, 0.0, 44100, bytes(8000)) for page in range(524)))
    with pytest.raises(InputError, match="half a second"):
        draft.add(Probe("s", 0, 524, 1024, 0.0, 44100, bytes(8000)))


def test_tempo_index_0_starts_anew():
    draft = draft_of(*(Tempo("s", k, float(k), 100.0 + k, 4, 4, 0.0, 0) for k in (0, 2, 1)))
    assert [row["bpm"] for row in draft.tempo_rows] == [100.0, 101.0, 102.0]
    draft.add(Tempo("s", 0, 0.0, 90.0, 3, 4, 0.0, 0))
    assert [row["bpm"] for row in draft.tempo_rows] == [90.0]


def test_a_missing_source_is_rendered_and_found_in(daemon, connect, tmp_path):
    """The whole way: render_wanted, the client renders, sends the item again, and find again."""
    client = connect(daemon.home)
    client.send(make_item("rendered", tmp_path / "movie.mp4", length_s=15.0, position_s=2.0))
    find = Find("rendered", "l", "", "", 3.0, 3.5, 10, "", 1)
    client.send(find)
    wanted = client.wait(RenderWanted)
    assert (wanted.index, "movie.mp4" in wanted.why) == (0, True)
    path = make_track(daemon.home / "renders" / "rendered-0.wav")
    client.send(make_item("rendered", path, accessor=1, position_s=2.0))
    client.send(find)
    client.sessions.append("rendered")
    said, done = client.play([start_s + 2.0 for start_s in TRUTH])
    assert isinstance(done, Done)
    assert sum(verdict == "accept" for _, _, verdict in said) == 4


def test_a_lag_is_told_and_the_session_goes_on(daemon, connect, shared):
    client = connect(daemon.home)
    for page in probe_pages(shared.track, late_s=0.05):
        client.send(Probe("lagging", 0, page.page, page.pages, page.time_s, page.rate_hz, page.samples))
    client.send(make_item("lagging", shared.track))
    for page in probe_pages(shared.track, late_s=0.05):
        client.send(Probe("lagging", 0, page.page, page.pages, page.time_s, page.rate_hz, page.samples))
    client.send(Find("lagging", "l", "", "", 1.05, 1.55, 10, "", 1))
    assert client.wait(Note).code == "lag"
    candidate = client.wait(Candidate, Failed)
    assert min(abs(candidate.start_s - 0.05 - start_s) for start_s in TRUTH) < 0.01


def test_renderings_go_when_no_session_needs_them(renders, tmp_path):
    journals = JournalFolder(tmp_path / "journals")
    session = "6F0A1C2D-1B2C-4D3E-8F90-A1B2C3D4E5F6"  # as lib/accessor.lua names its files
    needed, old, new = (renders / f"{session}-{number}-1234.wav" for number in (1, 2, 3))
    own = renders / "master_mix_final.wav"  # the user's own: the home folder may have been one of his
    for path, modified_s in ((needed, 0.0), (old, 0.0), (new, 10**6), (own, 0.0)):
        path.write_bytes(b"x")
        os.utime(path, (modified_s, modified_s))
    with journals.create(Header("s", TrackMap((TrackItem(needed, 0.0, 1.0, accessor=True),)))):
        sweep_renders(renders, journals, now_s=10.0**6)
    assert set(renders.iterdir()) == {needed, new, own}
    if sys.platform != "win32":  # links need rights there
        link = tmp_path / "link"
        link.symlink_to(renders)
        sweep_renders(link, journals, now_s=10.0**6)  # the home folder by another name
    old.touch()
    os.utime(old, (0.0, 0.0))
    journals.path("s").write_text('{"reatrieve journal": 99}\n', encoding="utf-8")
    sweep_renders(renders, journals, now_s=10.0**6)  # it may need any of them
    assert set(renders.iterdir()) == {needed, new, old, own}


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
@pytest.mark.parametrize("accessor", [0, 1])
def test_names_and_folders_that_cannot_be_opened_are_wanted_as_renderings(renders, tmp_path, accessor, monkeypatch):
    """A name of more than 255 bytes, a link in a circle, a folder that the daemon may not enter."""
    (tmp_path / "circle.wav").symlink_to(tmp_path / "circle.wav")
    real = Path.stat

    def locked(path, **more):
        if "locked" in path.parts:
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, **more)

    monkeypatch.setattr(Path, "stat", locked)
    for path in (tmp_path / ("x" * 300 + ".wav"), tmp_path / "circle.wav", tmp_path / "locked" / "x.wav", "/dev/zero"):
        item = make_item("s", path, length_s=2.0, accessor=accessor)
        prepared = prepare(draft_of(item), FIND, renders=renders)
        assert [index for index, _ in prepared.wanted] == [0], path
        assert len(prepared.wanted[0][1]) < 500


@pytest.mark.parametrize(
    ("length_s", "says"),
    [(0.0499, "49.9 ms long; the shortest is 50 ms"), (30.001, "30.0 s long; the longest is 30 s")],
)
def test_an_example_is_as_long_as_an_example_may_be(length_s, says):
    track_map = TrackMap((TrackItem(Path("x.wav"), 3.0, 100.0),))
    for at_limit_s in (limits.SHORTEST_EXAMPLE_S, limits.LONGEST_EXAMPLE_S):
        assert example_on(track_map, 3.1, 3.1 + at_limit_s).length_s == pytest.approx(at_limit_s)
    with pytest.raises(InputError, match=says):
        example_on(track_map, 3.1, 3.1 + length_s)


def test_what_is_sent_again_counts_once(shared):
    """Else a long use of one session would push out the drafts of others."""
    messages = [make_item("s", shared.track), *probe_pages(shared.track)]
    draft = draft_of(*messages)
    assert draft_of(*messages, *messages, *messages).n_bytes == draft.n_bytes
    other = [replace(page, time_s=page.time_s + 1.0) for page in messages[1:]]
    assert draft_of(*messages, *other).n_bytes == draft.n_bytes
    draft.begun()
    assert draft.n_bytes < 2000


@pytest.mark.parametrize("elsewhere", [False, True])
def test_renderings_stay_where_journals_lie_elsewhere_and_afterwards(start, tmp_path, elsewhere):
    """Then nobody knows what the sessions of other starts, whose journals lie in another folder, still need."""
    rendering = tmp_path / "hömé dir" / "renders" / "6F0A1C2D-1B2C-4D3E-8F90-A1B2C3D4E5F6-1-1234.wav"
    rendering.parent.mkdir(parents=True)
    rendering.write_bytes(b"x")
    os.utime(rendering, (0.0, 0.0))
    for settings in ({"journals": tmp_path / "others"}, {}) if elsewhere else ({},):
        daemon = start(**settings)
        asyncio.run_coroutine_threadsafe(daemon.service.sweep(), daemon.loop).result(30)
        daemon.stop()
        assert rendering.exists() is elsewhere
