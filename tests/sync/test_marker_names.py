from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reatrieve.errors import InputError
from reatrieve.sync import marker_names
from reatrieve.sync.marker_names import ascii_folded, fill_template, folded_apart, sounds_of_names, unique_names
from reatrieve.sync.tempo import Position


def test_templates():
    values = {"label": "riser 3", "pattern": "riser", "number": 7, "position": Position(17, 2.5)}
    assert fill_template("{pattern}_{n:3}", **values) == "riser_007"
    assert fill_template("#{label} @ {bar:4}.{beat}", **values) == "#riser 3 @ 0017.2.5"
    assert fill_template("{n}{bar} {n:12}", **{**values, "position": None}) == "7 000000000007"
    assert fill_template("{label}", **{**values, "label": "{pattern}"}) == "{pattern}"


@pytest.mark.parametrize(("beat", "shown"), [(4.999, "4.99"), (3.250023, "3.25"), (3.249977, "3.25"), (2.0, "2")])
def test_a_beat_is_never_rounded_into_the_next(beat, shown):
    assert fill_template("{beat}", label="", pattern="", number=1, position=Position(1, beat)) == shown


@pytest.mark.parametrize(
    "wrong",
    [
        "{label",
        "label}",
        "{label.__class__}",
        "{n:-1}",
        "{n:99999}",
        "{n:x}",
        "{n:}",
        "{}",
        "{ n }",
        "{{n}}",
        "{n:٣}",
        "{ñ}",
    ],
)
def test_braces_never_get_into_a_name(wrong):
    for template in (wrong, f"{{pattern}}_{wrong}", f"{wrong} {{n}}"):
        with pytest.raises(InputError, match="the name template cannot be read at"):
            fill_template(template, label="a", pattern="b", number=1)


def test_braces_of_the_region_itself_are_kept():
    assert fill_template("{label}", label="{x} {label", pattern="b", number=1) == "{x} {label"


def test_an_unknown_word_is_named():
    with pytest.raises(InputError, match=r"no \{colour\}; use \{label\}, \{pattern\}"):
        fill_template("{colour}", label="a", pattern="b", number=1)


@given(st.text())
def test_folding_gives_ascii_and_leaves_ascii_alone(text):
    folded = ascii_folded(text)
    assert folded.isascii()
    assert ascii_folded(folded) == folded
    if text.isascii():
        assert folded == text


def test_folding_keeps_what_can_be_read():
    assert ascii_folded("Größe é “x” サビ") == 'Grosse e "x" __'


@given(st.lists(st.one_of(st.text(max_size=3), st.sampled_from(["サビ", "イン", "__", "___2"]))))
def test_different_texts_stay_different_in_ascii(texts):
    found = folded_apart(texts)
    assert len({found[text] for text in texts}) == len(set(texts))
    for text in texts:
        assert found[text].isascii()
        assert found[text] == text or not text.isascii()


def test_texts_that_fold_to_one_are_numbered():
    assert folded_apart(["サビ", "イン", "サビ", "é"]) == {"サビ": "__", "イン": "___2", "é": "e"}


def test_numbered_names_are_occurrences_of_one_sound():
    assert sounds_of_names(["riser 3", "riser_04", "riser", "808", "hit#2", "x 1"]) == [
        "riser", "riser", "riser", "808", "hit", "x",
    ]  # fmt: skip
    assert sounds_of_names(["Sound 1"] * 3 + ["Sound 2"] * 2) == ["Sound 1"] * 3 + ["Sound 2"] * 2


@given(st.lists(st.sampled_from(["a", "A", "a_01", "a_02", "b", "é", ""]), max_size=20))
def test_unique_names_are_unique_and_keep_what_was_unique(names):
    found = unique_names(names)
    assert len({name.casefold() for name in found}) == len(names)
    for name, new in zip(names, found, strict=True):
        assert new.startswith(name)
        if sum(other.casefold() == name.casefold() for other in names) == 1:
            assert new == name


@given(st.text("a1٣ _-.#\t", max_size=10))
def test_a_counter_is_taken_off_as_the_pattern_took_it(name):
    assert marker_names._without_counter(name) == re.sub(r"[\s_.#-]*\d+$", "", name)


def test_many_names_that_fold_to_one_are_numbered_in_a_row():
    texts = [chr(0x4E00 + n) for n in range(6000)]
    assert list(folded_apart(texts).values()) == ["_", *(f"__{n}" for n in range(2, 6001))]
