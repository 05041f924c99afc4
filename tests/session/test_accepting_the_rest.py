"""How sure the rest is, and what is asked about it."""

from __future__ import annotations

import itertools

import pytest

from reatrieve.session.retriever import Proposal
from reatrieve.session.spans import Span
from reatrieve.session.stopping import ASKED, FAINT, MOST_LOOKED_AT, outlook


def chain(*probabilities: float) -> list[Proposal]:
    return [Proposal(Span(2.0 * k, 2.0 * k + 1.0), 1.0, p, 9.0 - k) for k, p in enumerate(probabilities)]


def test_the_chance_of_a_place_is_the_product_up_to_it():
    view = outlook(chain(0.99, 0.9, 0.7, 0.6), n_accepted=2)
    assert view.question is not None
    assert view.question.span.start_s == 4.0  # .99 * .9 * .7 is the first below ASKED
    assert view.question.probability == pytest.approx(0.99 * 0.9 * 0.7)
    assert view.question.remaining == 9.0  # of the session as it stands, not of one that has said yes on the way
    assert not view.clear


def test_expected_f1_is_that_of_the_best_cut():
    view = outlook(chain(1.0, 0.5, 0.02), n_accepted=1)
    takes_one, takes_two = 2 * 2 / (1 + 1 + 2.5), 2 * 2.5 / (1 + 2 + 2.5)
    assert view.expected_f1 == pytest.approx(max(takes_one, takes_two))


def test_the_last_sure_place_is_asked_about_and_not_the_faint_one_after_it():
    question = outlook(chain(0.99, 0.98, 0.01), n_accepted=0).question
    assert question is not None
    assert question.span.start_s == 2.0
    alone = outlook(chain(0.01, 0.9), n_accepted=0).question
    assert alone is not None
    assert alone.span.start_s == 0.0


def test_a_gap_after_sure_places_is_clear():
    assert outlook(chain(0.999, 0.998, 0.01), n_accepted=1).clear
    assert not outlook(chain(0.999, 0.998, 0.4), n_accepted=1).clear


def test_without_a_yes_nothing_is_clear_while_something_is_left():
    assert not outlook(chain(0.999, 0.998, 0.01), n_accepted=0).clear
    assert not outlook(chain(0.01), n_accepted=0).clear
    nothing = outlook([], n_accepted=0)
    assert nothing.clear
    assert nothing.question is None


def test_no_farther_is_looked_than_needed():
    looked_at = []

    def endless(probability):
        for proposal in chain(*itertools.repeat(probability, 1000)):
            looked_at.append(proposal)
            yield proposal

    outlook(endless(0.5), n_accepted=1)
    assert 0.5 ** len(looked_at) < FAINT <= 0.5 ** (len(looked_at) - 1)
    looked_at.clear()
    view = outlook(endless(1.0), n_accepted=1)
    assert len(looked_at) == MOST_LOOKED_AT
    assert view.clear
    assert view.question is not None  # the last one looked at
    assert view.question.probability > ASKED
