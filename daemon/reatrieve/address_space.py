"""Whether this process may map as much memory as the numerical libraries take when they load.

Where it may not (``ulimit -v``, ``LimitAS=`` of a service), they do not fail: OpenBLAS asks again without end, others
abort the process. So this is asked before any of them is imported.
"""

from __future__ import annotations

import sys

from reatrieve.errors import ReatrieveError

__all__ = ["ADDRESS_SPACE_BYTES", "check_address_space"]

ADDRESS_SPACE_BYTES = 1_000_000_000
"""With 0.9 GB a search of a short sound ended well in 20 of 20 tries (Python 3.10, 3.11), with 0.8 GB in 8."""


def check_address_space() -> None:
    """Return if this process may map ``ADDRESS_SPACE_BYTES``, as it may where nobody set a limit.

    Raises
    ------
    ReatrieveError
        If it may not; the text says how to set the limit.
    """
    if sys.platform == "win32":
        return  # no such limit
    import resource

    allowed, _ = resource.getrlimit(resource.RLIMIT_AS)
    if allowed != resource.RLIM_INFINITY and allowed < ADDRESS_SPACE_BYTES:
        raise ReatrieveError(
            f"this process may use {allowed // 1_000_000} MB of address space, and the libraries that search need "
            f"{ADDRESS_SPACE_BYTES // 1_000_000}; raise the limit, as with ulimit -v unlimited"
        )
