"""Spans of time in seconds, the rules that compare them, and how long an example may be."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from reatrieve import limits
from reatrieve.errors import InputError

__all__ = ["Span", "allowed_overlap_s", "are_one_place", "demand_example_length", "is_blocked", "overlap_s"]

MAX_TOUCH_S = 0.025
MAX_TOUCH_SHARE = 0.05


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A piece of the searched audio, ``start_s <= t < end_s``, in seconds as doubles."""

    start_s: float
    end_s: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.start_s) and math.isfinite(self.end_s) and self.start_s < self.end_s):
            raise InputError(f"bad span: {self.start_s} to {self.end_s} s; the end must lie after the start")

    @property
    def length_s(self) -> float:
        """Length in seconds, always positive."""
        return self.end_s - self.start_s

    def moved(self, by_s: float) -> Span:
        """The same span, ``by_s`` seconds later."""
        return Span(self.start_s + by_s, self.end_s + by_s)


def demand_example_length(length_s: float) -> None:
    """Check that so many seconds can be an example.

    Raises
    ------
    InputError
        If they are fewer than ``limits.SHORTEST_EXAMPLE_S`` or more than ``limits.LONGEST_EXAMPLE_S``.
    """
    slack_s = 1e-6
    if length_s < limits.SHORTEST_EXAMPLE_S - slack_s:
        shortest_ms = 1000 * limits.SHORTEST_EXAMPLE_S
        raise InputError(f"the example is {1000 * length_s:g} ms long; the shortest is {shortest_ms:g} ms")
    if length_s > limits.LONGEST_EXAMPLE_S + slack_s:
        raise InputError(f"the example is {length_s:.1f} s long; the longest is {limits.LONGEST_EXAMPLE_S:g} s")


def overlap_s(a: Span, b: Span) -> float:
    """Seconds that both spans share; 0.0 when they are apart."""
    return max(0.0, min(a.end_s, b.end_s) - max(a.start_s, b.start_s))


def are_one_place(a: Span, b: Span) -> bool:
    """Whether both are the same place, marked twice: they share more than half of the shorter one."""
    return overlap_s(a, b) > 0.5 * min(a.length_s, b.length_s)


def allowed_overlap_s(length_s: float) -> float:
    """Overlap that does not count: repeats that follow each other closely touch by milliseconds."""
    return min(MAX_TOUCH_S, MAX_TOUCH_SHARE * length_s)


def is_blocked(span: Span, taken: Iterable[Span], *, length_s: float) -> bool:
    """Whether ``span`` overlaps any of ``taken`` by more than is allowed for excerpts of ``length_s`` seconds."""
    limit = allowed_overlap_s(length_s)
    return any(overlap_s(span, other) > limit for other in taken)
