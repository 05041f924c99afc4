"""The same work on a Dask cluster that somebody else runs (extra ``cluster``)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from reatrieve.errors import InputError
from reatrieve.installation import loaded

__all__ = ["on_cluster"]

CONNECT_TIMEOUT_S = 15.0

Piece = TypeVar("Piece")
Result = TypeVar("Result")


def on_cluster(address: str, work: Callable[[Piece], Result], pieces: Sequence[Piece]) -> Iterator[Result]:
    """Results of ``work(piece)`` in the order in which they are done.

    Parameters
    ----------
    address : of the scheduler, such as ``tcp://127.0.0.1:8786``. Its workers need this package and the data set under
        the same path.

    Raises
    ------
    InputError
        Dask is not installed, or nothing answers at ``address``.
    """
    loaded("distributed")
    from distributed import Client, as_completed

    try:
        client: Any = Client(address, timeout=CONNECT_TIMEOUT_S, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise InputError(f"no Dask scheduler answers at {address}; start one with `dask scheduler`") from error
    with client:
        futures = client.map(work, pieces, pure=False)
        for future in as_completed(futures, loop=client.loop):  # type: ignore[no-untyped-call]
            yield future.result()
            future.release()
