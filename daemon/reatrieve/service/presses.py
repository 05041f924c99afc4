"""Which messages of an OSC controller are presses: buttons, faders and doubled packets look alike on the wire."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable

__all__ = ["PAUSE_S", "Presses"]

PAUSE_S = 0.3
"""After so much silence a value that is not 0 is a press again, even if no 0 has told of a release."""

KEPT = 256


class Presses:
    """Tells presses from what follows them.

    A message without a number is a press. One with numbers is a press if none of them is 0 and the last one from that
    sender to that address held a 0 or is older than `PAUSE_S`: so a fader sweep and a doubled packet are one press.

    Parameters
    ----------
    clock : seconds, monotonic.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._last: dict[Hashable, tuple[float, bool]] = {}  # when the last came, and whether it told of a release

    def is_press(self, source: Hashable, numbers: Iterable[float]) -> bool:
        """Whether a message is one; ``source`` is its sender and address."""
        numbers = list(numbers)
        if not numbers:
            return True
        now_s, released = self._clock(), any(number == 0 for number in numbers)
        last_s, was_released = self._last.pop(source, (-PAUSE_S, True))
        self._last[source] = (now_s, released)
        while len(self._last) > KEPT:
            del self._last[next(iter(self._last))]
        return not released and (was_released or now_s - last_s > PAUSE_S)
