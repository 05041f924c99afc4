"""How things are measured: median of repeats, and the peak memory of a whole process."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

__all__ = ["Ratio", "median_s", "paired_ratio", "peak_memory_bytes"]


@dataclass(frozen=True, slots=True)
class Ratio:
    """One line of the bench.

    Attributes
    ----------
    name : stable key for the JSON.
    what, base : what is measured, and what it is divided by.
    value, base_value : both figures, in ``unit``.
    goal : the ratio must be at most this; None where there is no goal.
    """

    name: str
    what: str
    base: str
    value: float
    base_value: float
    unit: str
    goal: float | None

    @property
    def ratio(self) -> float:
        """Value over base."""
        return self.value / self.base_value

    @property
    def holds(self) -> bool:
        """Whether the goal is met."""
        return self.goal is None or self.ratio <= self.goal

    def as_json(self) -> dict[str, Any]:
        """All fields, with the ratio and whether the goal holds."""
        return {**asdict(self), "ratio": self.ratio, "holds": self.holds}


def median_s(run: Callable[[], object], *, repeats: int = 5) -> float:
    """Median wall time of ``run`` in seconds, after one run that is not counted."""
    run()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def paired_ratio(name: str, what: str, base: str, pairs: Sequence[tuple[float, float]], *, goal: float) -> Ratio:
    """The median of the ratios pair by pair, shown with the median of the base; ``pairs``: value and base, in seconds,
    at least one pair.
    """
    base_s = statistics.median(b for _, b in pairs)
    ratio = statistics.median(a / b for a, b in pairs)
    return Ratio(name, what, base, ratio * base_s, base_s, "s", goal)


def peak_memory_bytes() -> int:
    """The most memory that this process has had resident so far, in bytes."""
    if sys.platform == "win32":
        return _peak_windows()
    status = Path("/proc/self/status")
    if status.is_file():  # Linux; its ru_maxrss begins with what the parent had
        line = next(line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    import resource

    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)  # bytes on macOS


def _peak_windows() -> int:
    import ctypes

    class Counters(ctypes.Structure):
        _fields_ = (
            ("cb", ctypes.c_ulong),
            ("page_fault_count", ctypes.c_ulong),
            *((name, ctypes.c_size_t) for name in ("peak_working_set", "working_set", "a", "b", "c", "d", "e", "f")),
        )

    counters = Counters()
    counters.cb = ctypes.sizeof(counters)
    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined, unused-ignore]
    kernel.GetCurrentProcess.restype = ctypes.c_void_p
    kernel.K32GetProcessMemoryInfo(ctypes.c_void_p(kernel.GetCurrentProcess()), ctypes.byref(counters), counters.cb)
    return int(counters.peak_working_set)
