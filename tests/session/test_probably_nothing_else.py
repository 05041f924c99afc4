"""The rule that lets a session say "probably nothing else"."""

import pytest

from reatrieve.session.events import Answered, Proposed, Retracted, Started
from reatrieve.session.spans import Span
from reatrieve.session.state import fold
from reatrieve.session.stopping import probably_nothing_else

WORDS = {"y": "accept", "n": "reject", "s": "skip"}


@pytest.mark.parametrize(
    ("letters", "remaining", "said"),
    [
        ("nnnnn", 0.19, True),
        ("nnnnn", 0.2, False),
        ("nnnn", 0.0, False),
        ("nnsnsnn", 0.1, True),
        ("yynnnnnnnn", 0.04, True),
        ("yynnnnnnnn", 0.05, False),
        ("yynnnnnnn", 0.04, False),
        ("nnnnnnny", 0.04, False),
        ("", 0.0, False),
    ],
)
def test_no_in_a_row_and_a_low_estimate(letters, remaining, said):
    assert probably_nothing_else([WORDS[letter] for letter in letters], remaining) is said


def test_a_session_knows_its_verdicts():
    events = [Started(Span(0.0, 1.0), "a", 10, "default")]
    for number, verdict in enumerate(("accept", "reject", "skip", "accept"), start=1):
        span = Span(2.0 * number, 2.0 * number + 1.0)
        events += [Proposed(number, span, 0.5, 0.5, 1.0), Answered(number, verdict, span)]
    assert fold(events).verdicts == ("accept", "reject", "skip", "accept")
    assert fold([*events, Retracted(1)]).verdicts == ("skip", "reject", "skip", "accept")
