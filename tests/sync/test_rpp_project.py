from __future__ import annotations

import base64
import textwrap
from pathlib import Path

import pytest

from reatrieve import limits
from reatrieve.errors import AudioError, InputError
from reatrieve.sync.rpp_project import read_rpp
from reatrieve.sync.rpp_sessions import accepted_regions, stored_sessions
from reatrieve.sync.tempo import Position, TempoEntry

TRACK = "{11111111-2222-3333-4444-555555555555}"


def project(folder: Path, *lines: str, name: str = "Level 1.rpp") -> Path:
    path = folder / name
    body = "\n".join(lines)
    path.write_text(f'<REAPER_PROJECT 0.1 "7.17/linux-x86_64" 1700000000\n{body}\n>\n', encoding="utf-8")
    return path


def item(*lines: str, file: str = "music.wav", source: str = "WAVE") -> str:
    body = "\n".join(lines)
    return f'<ITEM\nPOSITION 2\nLENGTH 10\n{body}\n<SOURCE {source}\nFILE "{file}"\n>\n>'


def track(*items: str, name: str = "Music") -> str:
    return f"<TRACK {TRACK}\nNAME {name}\n" + "\n".join(items) + "\n>"


REGIONS = """\
MARKER 1 5.5 intro 0 0 1 B {M1}
MARKER 2 7 "riser 1" 1 0 1 B {R2} 0 1
MARKER 2 9.5 "" 1
MARKER 3 12 '? riser "x" 2 (80 %)' 1 0 1 R {R3} 0
MARKER 3 13 "" 1
MARKER 4 20.25 "riser 3" 9 0 1 R {R4}
MARKER 4 21 "" 9"""


def test_regions_and_markers_in_both_lengths_of_line(tmp_path):
    found = read_rpp(project(tmp_path, REGIONS)).regions
    assert [(r.start_s, r.end_s, r.name, r.guid, r.number) for r in found] == [
        (5.5, 5.5, "intro", "{M1}", 1),
        (7.0, 9.5, "riser 1", "{R2}", 2),
        (12.0, 13.0, '? riser "x" 2 (80 %)', "{R3}", 3),
        (20.25, 21.0, "riser 3", "{R4}", 4),
    ]


def test_without_a_session_all_regions_count_but_those_that_wait_or_were_rejected(tmp_path):
    accepted, found_on = accepted_regions(read_rpp(project(tmp_path, REGIONS)))
    assert [(a.start_s, a.label, a.sound) for a in accepted] == [(7.0, "riser 1", "riser"), (20.25, "riser 3", "riser")]
    assert found_on == ""


def test_a_pattern_takes_regions_and_markers_by_name(tmp_path):
    read = read_rpp(project(tmp_path, REGIONS))
    assert [a.label for a in accepted_regions(read, match="RISER*")[0]] == ["riser 1", "riser 3"]
    assert [a.label for a in accepted_regions(read, match="intro")[0]] == ["intro"]
    assert accepted_regions(read, match="nothing*")[0] == []


@pytest.mark.parametrize("as_base64", [False, True])
def test_a_session_in_the_ext_state_says_what_is_accepted(tmp_path, as_base64):
    text = (
        f"{TRACK};1;ri%3Bser;5;;3|0;{{r2}};kept;ri%3Bser 0;7;9.5;example;1|2;{{R3}};asked;x;12;13;candidate;0.8"
        "|3;{R4};kept;old name;20;21;accepted;0.75|4;{GONE};kept;x;30;31;accepted;0.5"
    )
    value = f'SESSION_ABC "{text}"'
    if as_base64:
        encoded = base64.b64encode(text.encode()).decode()
        value = f"<BIN SESSION_ABC\n{encoded[:80]}\n{encoded[80:]}\n>"
    read = read_rpp(project(tmp_path, REGIONS, f"<EXTSTATE\n<REATRIEVE\nACTIVE ABC\n{value}\n>\n>"))
    (session,) = stored_sessions(read)
    assert (session.id, session.track, session.label) == ("ABC", TRACK, "ri;ser")
    accepted, found_on = accepted_regions(read)
    assert found_on == TRACK
    assert [(a.start_s, a.end_s, a.label, a.sound, a.score, a.region_id) for a in accepted] == [
        (7.0, 9.5, "riser 1", "ri;ser", None, "ABC:0"),
        (20.25, 21.0, "riser 3", "ri;ser", 0.75, "ABC:3"),
    ]


def test_a_region_that_keeps_its_name_is_called_like_the_sound(tmp_path):
    text = f"{TRACK};1;riser;;;3|3;{{R4}};kept;riser 3;20;21;accepted;0.75"
    read = read_rpp(project(tmp_path, REGIONS, f'<EXTSTATE\n<ReaTrieve\nsession_abc "{text}"\n>\n>'))
    assert [a.label for a in accepted_regions(read)[0]] == ["riser"]


def test_another_programs_ext_state_does_no_harm(tmp_path):
    lines = "<EXTSTATE\n<OTHER\nKEY value\n>\n<REATRIEVE\nSESSION_X junk\n<BIN SESSION_Y\n!!!!\n>\n>\n>"
    read = read_rpp(project(tmp_path, REGIONS, lines))
    assert len(accepted_regions(read)[0]) == 2


def test_tempo_without_points(tmp_path):
    assert read_rpp(project(tmp_path, "TEMPO 90 3 4")).tempo_map.entries == (TempoEntry(0.0, 90.0, 3, 4, 0.0, 0),)
    assert read_rpp(project(tmp_path)).tempo_map.entries == (TempoEntry(0.0, 120.0, 4, 4, 0.0, 0),)


def test_tempo_points_with_signatures_and_glides(tmp_path):
    six_eight = (8 << 16) + 6
    points = (
        f"<TEMPOENVEX\nACT 1 -1\nPT 0 120 1 {(4 << 16) + 4} 0 1\nPT 4 120 0\nPT 8 60 1\nPT 12 99 1 {six_eight} 0 3\n>"
    )
    tempo = read_rpp(project(tmp_path, "TEMPO 120 4 4", points)).tempo_map
    # 8 beats by 4 s, 6 more at 90 on average by 8 s, 4 more by 12 s: 18 beats, so the time signature cuts bar 5 short
    assert [(e.time_s, e.bpm, e.fullbeats, e.measure) for e in tempo.entries] == [
        (0.0, 120.0, 0.0, 0), (4.0, 120.0, 8.0, 2), (8.0, 60.0, 14.0, 3), (12.0, 60.0, 18.0, 5),
    ]  # fmt: skip
    assert (tempo.entries[3].numerator, tempo.entries[3].denominator) == (6, 8)
    assert tempo.position(8.0) == Position(4, 3.0)
    assert tempo.position(12.0) == Position(6, 1.0)
    assert tempo.position(12.5) == Position(6, 2.0)


def test_items_become_a_track_map(tmp_path):
    plain = item("LOOP 0", "SOFFS 1.5", "PLAYRATE 1 1 0 -1 0 0.0025", "CHANMODE 2", "FADEIN 1 0.25 0 1 0 0 0",
                 "VOLPAN 0.5 0 0.5 -1", "IGUID {I}")  # fmt: skip
    read = read_rpp(project(tmp_path, track(plain)))
    only = read.track("").items[0]
    assert only.path == tmp_path / "music.wav"
    assert (only.position_s, only.length_s, only.offset_s, only.rate, only.gain) == (2.0, 10.0, 1.5, 1.0, 0.25)
    assert (only.channel_mode, only.fade_in_s, only.loop, only.accessor, only.guid) == (2, 0.25, False, False, "{I}")
    assert read.track("Music").obstacles == ()


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("PLAYRATE 1.5 1 0 -1", "stretched"),
        ("PLAYRATE 1 1 2 -1", "pitched"),
        ("SM 0 0 + 1 1", "stretch markers"),
        ("<VOLENV\nPT 0 1 0\n>", "take envelopes"),
    ],
)
def test_items_that_only_reaper_can_play_are_told(tmp_path, line, why):
    found = read_rpp(project(tmp_path, track(item(line)))).track("")
    assert why in found.obstacles[0]
    assert found.items[0].accessor


def test_rate_without_preserved_pitch_is_played_from_the_file(tmp_path):
    found = read_rpp(project(tmp_path, track(item("PLAYRATE 1.5 0 0 -1")))).track("")
    assert (found.obstacles, found.items[0].rate) == ((), 1.5)


def test_the_active_take_its_section_and_items_without_sound(tmp_path):
    takes = textwrap.dedent("""\
        <ITEM
        POSITION 1
        LENGTH 2
        SOFFS 5
        <SOURCE WAVE
        FILE "first.wav"
        >
        TAKE SEL
        SOFFS 0.5
        TAKEVOLPAN 0 0.5 -1
        <SOURCE SECTION
        LENGTH 4
        STARTPOS 3
        MODE 2
        <SOURCE FLAC
        FILE "sub\\second.flac"
        >
        >
        >""")
    midi = "<ITEM\nPOSITION 0\nLENGTH 1\n<SOURCE MIDI\nHASDATA 1 960 QN\n>\n>"
    empty = "<ITEM\nPOSITION 0\nLENGTH 1\n>"
    read = read_rpp(project(tmp_path, track(takes, midi, empty, item("MUTE 1"))))
    (only,) = read.track("").items
    assert only.path == tmp_path / "sub" / "second.flac"
    assert (only.offset_s, only.section_start_s, only.section_length_s, only.reverse, only.gain) == (
        0.5,
        3,
        4,
        True,
        0.5,
    )


def test_a_project_from_another_system_looks_beside_itself(tmp_path):
    read = read_rpp(project(tmp_path, track(item(file=r"D:\Music\a b.wav"))))
    assert read.track("").items[0].path.name.endswith("a b.wav")


def test_plug_in_states_notes_and_midi_are_passed_over(tmp_path):
    plug_in = '<FXCHAIN\n<VST "VST: x" x.dll 0 "" 123 ""\nZXZhdw==\n<odd\n>\n>\n>'
    notes = '<NOTES 0 2\n|say <this> "and that\n|> not the end\n>'
    midi = "<ITEM\nPOSITION 0\nLENGTH 1\n<SOURCE MIDI\nHASDATA 1 960 QN\nE 0 90 3c 60\n<X 0 0\n/wNhYg==\n>\n>\n>"
    read = read_rpp(project(tmp_path, notes, track(plug_in, midi, item()), REGIONS))
    assert len(read.track("").items) == 1
    assert len(read.regions) == 4


def test_the_track_must_be_clear(tmp_path):
    read = read_rpp(project(tmp_path, track(item(), name="A"), track(item(), name="B"), "<TRACK {X}\nNAME Bus\n>"))
    with pytest.raises(InputError, match="several tracks with audio; choose one by --track: A, B"):
        read.track("")
    with pytest.raises(InputError, match="no track with audio named 'Bus'"):
        read.track("Bus")
    empty = read_rpp(project(tmp_path, "<TRACK {X}\nNAME Bus\n>"))
    for name in ("", "Bus"):
        with pytest.raises(InputError, match="has no track with audio; name the project that has the searched track"):
            empty.track(name)
    assert read.track("B").name == "B"
    assert read.tracks[2].map is None


def test_what_is_no_project_is_refused(tmp_path):
    path = tmp_path / "x.rpp"
    path.write_text("hello", encoding="utf-8")
    with pytest.raises(InputError, match="not a REAPER project"):
        read_rpp(path)
    path.write_text('<REAPER_PROJECT 0.1 "7"\n<TRACK\n', encoding="utf-8")
    with pytest.raises(InputError, match="is cut off"):
        read_rpp(path)
    with pytest.raises(AudioError, match="no such file; check the path"):
        read_rpp(tmp_path / "gone.rpp")


CONVERTED = """\
MARKER 1 7 "riser_01" 0 0 1 B {MA} 0
MARKER 1 7 "riser 1" 1 0 1 B {RA} 0
MARKER 1 9.5 "" 1
MARKER 2 20.4 "riser_02" 0 0 1 B {mb} 0
MARKER 3 21 "riser_02_end" 0 0 1 B {ME} 0
MARKER 2 20.25 "riser 3" 1 0 1 B {RB} 0
MARKER 2 21 "" 1
MARKER 4 30 "riser_03" 0 0 1 B {MC} 0"""


def converted(tmp_path: Path, *more: str, one_a_line: bool = False) -> Path:
    kept = f"{TRACK};1;riser;;;3|0;{{RA}};kept;riser 1;7;9.5;example;1|3;{{RB}};kept;riser 3;20;21;accepted;0.75"
    kept += "|4;{GONE};kept;riser 4;30;31;accepted;0.5"
    markers = "Abc/0/point {MA};Abc/3/point {GONE} {MB};Abc/3/end {ME};Abc/4/point {MC}"
    stored = f'SESSION_Abc "{kept}"\nMARKERS "{markers}"'
    if one_a_line:
        lines = {"SESSION_Abc": kept.replace("|", "\n") + "\n=4;0A", "MARKERS": markers.replace(";", "\n") + "\n=4;0A"}
        stored = "\n".join(f"<BIN {key}\n{base64.b64encode(text.encode()).decode()}\n>" for key, text in lines.items())
    return project(tmp_path, CONVERTED, *more, f"<EXTSTATE\n<REATRIEVE\n{stored}\n>\n>")


@pytest.mark.parametrize("one_a_line", [False, True])
def test_a_marker_that_convert_made_is_one_event_with_its_region(tmp_path, one_a_line):
    read = read_rpp(converted(tmp_path, one_a_line=one_a_line))
    assert [(a.start_s, a.end_s) for a in accepted_regions(read)[0]] == [(7.0, 9.5), (20.25, 21.0)]
    matched = accepted_regions(read, match="riser*")[0]
    assert [(a.start_s, a.end_s, a.label) for a in matched] == [
        (7.0, 9.5, "riser 1"),
        (20.25, 21.0, "riser 3"),
        (30.0, 30.0, "riser_03"),  # its region is gone
    ]
    only_markers = accepted_regions(read, match="riser_0?")[0]
    assert [a.start_s for a in only_markers] == [7.0, 20.4, 30.0]


def test_a_users_own_marker_at_its_region_is_one_event_with_it(tmp_path):
    lines = """\
MARKER 1 1 hit 1 0 1 B {R1}
MARKER 1 3 "" 1
MARKER 1 1 hit 0 0 1 B {M1}
MARKER 2 2 hit 0 0 1 B {M2}
MARKER 2 5 hit 1 0 1 B {R2}
MARKER 2 7 "" 1
MARKER 3 6 hit 0 0 1 B {M3}
MARKER 4 9 hit 0 0 1 B {M4}"""
    found = accepted_regions(read_rpp(project(tmp_path, lines)), match="hit")[0]
    assert [(a.start_s, a.end_s) for a in found] == [(1.0, 3.0), (2.0, 2.0), (5.0, 7.0), (9.0, 9.0)]


def test_tracks_of_one_name_are_chosen_by_guid(tmp_path):
    other = "{AAAAAAAA-2222-3333-4444-555555555555}"
    twin = track(item(), name='"Drums, left"').replace(TRACK, other)
    alone = track(item(), name="Bass").replace(TRACK, "{CC}")
    read = read_rpp(project(tmp_path, track(item(), name='"Drums, left"'), twin, alone))
    with pytest.raises(InputError) as refusal:
        read.track("Drums, left")
    assert str(refusal.value).endswith(
        f"has several tracks with audio named 'Drums, left'; choose one by --track: "
        f'"Drums, left" {TRACK}, "Drums, left" {other}'
    )
    with pytest.raises(InputError, match=f'by --track: "Drums, left" {TRACK}, "Drums, left" {other}, Bass$'):
        read.track("")
    for name in (other, other.lower(), other.strip("{}"), f'"Drums, left" {other}'):
        assert read.track(name).guid == other
    assert read.track("Bass").guid == "{CC}"


def test_a_name_with_a_comma_is_enough_where_it_is_the_only_one(tmp_path):
    read = read_rpp(project(tmp_path, track(item(), name='"Drums, left"'), track(item(), name="Bass")))
    assert read.track("Drums, left").name == "Drums, left"


def test_a_reversed_take_without_a_section_plays_the_whole_file(tmp_path):
    section = "<SOURCE SECTION\nLENGTH 4\nSTARTPOS 3\nMODE 3\n<SOURCE WAVE\nFILE a.wav\n>\n>"
    read = read_rpp(project(tmp_path, track(f"<ITEM\nPOSITION 1\nLENGTH 2\n{section}\n>")))
    (only,) = read.track("").items
    assert (only.section_start_s, only.section_length_s, only.reverse) == (0.0, 0.0, True)


def test_marks_and_line_ends_of_every_kind_are_read(tmp_path):
    path = project(tmp_path, REGIONS.replace("intro", '"in\u2028tro"'), track(item(), name="Größe"))
    text = path.read_text(encoding="utf-8")
    for content in (text.encode("utf-8-sig"), text.replace("\n", "\r\n").encode()):
        path.write_bytes(content)
        read = read_rpp(path)
        assert [r.name for r in read.regions][:2] == ["in tro", "riser 1"]
        assert read.track("").name == "Größe"


@pytest.mark.parametrize("line", ["NAME {}", "<TRACK {}\n>", "MARKER 1 5.5 {}"])
def test_a_line_that_the_parser_would_take_minutes_for_is_refused_before(line, tmp_path):
    words = "a " * limits.LINE_BYTES
    path = project(tmp_path, "TEMPO 120 4 4", f"<ITEM\n<NOTES\n|{words}\n>\n>", line.format(words))
    with pytest.raises(
        InputError, match=rf"^Level 1\.rpp, line \d+: it has \d+ characters, at most {limits.LINE_BYTES}"
    ):
        read_rpp(path)
    longest = limits.LINE_BYTES - len("MARKER 1 5.5 ")
    assert len(read_rpp(project(tmp_path, f"MARKER 1 5.5 {'x' * longest}")).regions[0].name) == longest


@pytest.mark.parametrize("far", ["1e300", "1e308", "1e400", "-1e400", "nan", "10000001"])
def test_what_lies_where_no_project_reaches_is_refused_by_name(far, tmp_path):
    points = f"<TEMPOENVEX\nPT 0 120 1\nPT {far} 100 1\n>"
    with pytest.raises(InputError, match=r"^Level 1\.rpp, tempo point 2: \S+ s is too far from 0; it lies between"):
        read_rpp(project(tmp_path, points))
    with pytest.raises(InputError, match=r"^Level 1\.rpp, marker or region 7: \S+ s is too far from 0"):
        read_rpp(project(tmp_path, f"MARKER 7 {far} x 0"))


@pytest.mark.parametrize("bpm", ["1e-300", "0", "-5", "0.99", "960.1", "1e300", "1e400", "nan"])
def test_a_tempo_that_reaper_does_not_have_is_refused_by_its_place(bpm, tmp_path):
    points = f"<TEMPOENVEX\nPT 0 120 1\nPT 3 100 1\nPT 2 {bpm} 1\n>"
    with pytest.raises(InputError, match=r"^Level 1\.rpp, tempo point 3: a tempo of \S+ bpm, outside 1 to 960"):
        read_rpp(project(tmp_path, points))
    with pytest.raises(InputError, match=r"^Level 1\.rpp, line TEMPO: a tempo of \S+ bpm, outside 1 to 960"):
        read_rpp(project(tmp_path, f"TEMPO {bpm} 4 4"))


@pytest.mark.parametrize("bpm", ["1", "960"])
def test_the_slowest_and_the_fastest_tempo_are_read(bpm, tmp_path):
    last = f"<TEMPOENVEX\nPT 0 {bpm} 1\nPT {limits.TIME_S} {bpm} 1\n>"
    entries = read_rpp(project(tmp_path, f"TEMPO {bpm} 4 4", last)).tempo_map.entries
    assert [(entry.time_s, entry.bpm) for entry in entries] == [(0.0, float(bpm)), (limits.TIME_S, float(bpm))]


@pytest.mark.parametrize("signature", ["1e308", "67174401", "-1"])
def test_a_time_signature_that_no_project_has_is_refused(signature, tmp_path):
    with pytest.raises(InputError, match="bad time signature"):
        read_rpp(project(tmp_path, f"<TEMPOENVEX\nPT 0 120 1 {signature}\nPT 5 120 1 {signature}\n>"))
