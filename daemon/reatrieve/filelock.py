"""One process at a time: an advisory lock on an open file, on every platform."""

from __future__ import annotations

import sys
from typing import IO, Any

__all__ = ["try_lock"]

_BYTE = 2**31 - 2
"""Windows locks bytes, and keeps others from reading them: one far behind anything that is ever written."""

if sys.platform == "win32":
    import msvcrt

    def try_lock(file: IO[Any], *, otherwise: bool = True) -> bool:
        """Lock an open file until it is closed; False if another process or open file has it, ``otherwise`` on a file
        system without locks."""
        place = file.tell()
        try:
            file.seek(_BYTE)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        except OSError:
            return otherwise
        finally:
            file.seek(place)
        return True

else:
    import fcntl

    def try_lock(file: IO[Any], *, otherwise: bool = True) -> bool:
        """Lock an open file until it is closed; False if another process or open file has it, ``otherwise`` on a file
        system without locks."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # a file system without locks: most often better unlocked than unusable
            return otherwise
        return True
