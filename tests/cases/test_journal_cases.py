"""Journals on a disk that is full for a moment: what is right."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from faults import files_of_at_most
from reatrieve.audio.trackmap import TrackItem, TrackMap
from reatrieve.errors import JournalError
from reatrieve.journal import Header, Journal
from reatrieve.session.events import Answered, Proposed, Started
from reatrieve.session.spans import Span
from reatrieve.session.state import fold

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a limit on the size of files stands for the full disk")


@pytest.fixture
def refused(tmp_path: Path) -> Iterator[Journal]:
    """A journal with one candidate, whose first answer found the disk full."""
    path = tmp_path / "s.journal.jsonl"
    header = Header("s", TrackMap((TrackItem(Path("/x.wav"), 0.0, 20.0),)))
    started = Started(Span(1, 2), "Kick", 10, "default")
    with Journal.create(path, header, events=[started]) as journal:
        journal.append(Proposed(1, Span(3, 4), 1.0, 0.9, 5.0))
        with files_of_at_most(path.stat().st_size + 10), pytest.raises(JournalError):
            journal.append(Answered(1, "reject", Span(3, 4)), op="refused")
        yield journal


def test_an_answer_that_was_refused_is_not_in_the_journal_when_it_is_closed(refused: Journal) -> None:
    refused.close()
    with Journal.open(refused.path) as journal:
        assert [type(event) for event in journal.events()] == [Started, Proposed]
        assert "refused" not in journal.ops


def test_an_answer_that_was_refused_is_not_in_the_journal_when_it_is_given_again(refused: Journal) -> None:
    refused.append(Answered(1, "accept", Span(3, 4)), op="second")
    refused.close()
    with Journal.open(refused.path) as journal:
        answers = [event.verdict for event in journal.events() if isinstance(event, Answered)]
        assert answers == ["accept"]
        assert fold(journal.events()).accepted == 1
