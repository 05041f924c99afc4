"""``python -m reatrieve`` is the command ``reatrieve``; Ctrl+C is heard from here on, before anything is imported."""

import os
import sys

TYPE_CHECKING = False  # typing itself is not imported before Ctrl+C is heard
if TYPE_CHECKING:
    from types import FrameType


class _Pressed(KeyboardInterrupt):
    """Ctrl+C. Of a plain ``KeyboardInterrupt`` that passes through ``exec``, as each dataclass has one, Python takes
    note, though it is caught: ``python -m`` then kills itself in place of ending with a status."""


def run() -> int:
    """Run one command and return its exit status."""
    status = 130
    try:
        _hear_interrupts()

        from reatrieve.cli import main
        from reatrieve.cli.quiet import quiet_libraries

        if sys.argv[1:2] != ["serve"]:  # nobody reads its terminal, and a service's log should hold all
            quiet_libraries()
        status = main()
        _end_at_once_if_interrupted(status)
    except KeyboardInterrupt:
        pass
    return status


def _hear_interrupts() -> None:
    import signal  # inside the try of whoever calls

    def press(_number: int, _frame: object) -> None:
        raise _Pressed

    def press_again(unraisable: "sys.UnraisableHookArgs") -> None:
        """What is raised while an object dies, as the import system's locks do, goes no further: Python only shows
        it. Nor would it from here: the next function that begins or ends raises it again."""
        if isinstance(unraisable.exc_value, _Pressed):
            sys.setprofile(raise_it)
        else:
            before(unraisable)

    def raise_it(frame: "FrameType", _event: str, _argument: object) -> None:
        if frame.f_code is not press_again.__code__:
            sys.setprofile(None)
            raise _Pressed

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else whoever started this ignores it
        before, sys.unraisablehook = sys.unraisablehook, press_again
        signal.signal(signal.SIGINT, press)


def _end_at_once_if_interrupted(status: int) -> None:
    """Everything is said: Ctrl+C while Python waits for threads and goes down must not show where it was."""
    import signal

    if callable(signal.getsignal(signal.SIGINT)):
        signal.signal(signal.SIGINT, lambda _number, _frame: os._exit(status))


if __name__ == "__main__":
    sys.exit(run())
