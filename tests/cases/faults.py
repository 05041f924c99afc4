"""How a case is marked that fails today: strictly, for its own reason, until the fault is mended."""

from __future__ import annotations

import pytest

__all__ = ["fails_today"]


def fails_today(
    reason: str, *, raises: type[BaseException] | tuple[type[BaseException], ...] = AssertionError
) -> pytest.MarkDecorator:
    """The mark: whoever mends the fault deletes it, since a case that passes under it is an error.

    Another exception than ``raises`` (an import that went, a moved name) is an error too: the case must fail for the
    reason that is given, or not at all.
    """
    return pytest.mark.xfail(strict=True, raises=raises, reason=reason)
