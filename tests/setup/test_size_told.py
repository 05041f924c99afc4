"""The size that Setup tells before anything is fetched is that of what it installs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT_MB = 15
"""The environment itself: pip and links to a Python."""


def needed(name: str, seen: dict[str, Distribution]) -> None:
    """Everything that a distribution needs without its extras, by name."""
    try:
        found = distribution(name)
    except PackageNotFoundError:  # for another system, or another Python
        return
    seen[name] = found
    for line in found.requires or []:
        if "extra ==" not in line:
            other = re.split(r"[^\w.-]", line)[0].lower()
            if other not in seen:
                needed(other, seen)


def sizes_mb(one: Distribution) -> Iterator[float]:
    """As RECORD tells, without the bytecode that comes with use."""
    for file in one.files or []:
        if file.size is not None and file.suffix != ".pyc":
            yield file.size / 1e6


@pytest.mark.slow
def test_the_size_on_disk_is_as_measured() -> None:
    seen: dict[str, Distribution] = {}
    needed("reatrieve", seen)
    assert len(seen) > 25
    ours_mb = sum(p.stat().st_size for p in (ROOT / "daemon").rglob("*") if p.suffix != ".pyc" and p.is_file()) / 1e6
    del seen["reatrieve"]
    size_mb = sum(sum(sizes_mb(one)) for one in seen.values()) + ours_mb + ENVIRONMENT_MB
    text = (ROOT / "reaper_scripts" / "lib" / "setup.lua").read_text(encoding="utf-8")
    told = re.search(r"^local DOWNLOAD_MB, DISK_MB = (\d+), (\d+)$", text, re.MULTILINE)
    assert told is not None
    assert size_mb == pytest.approx(int(told[2]), rel=0.25), f"{size_mb:.0f} MB; what it grows by in use is bytecode"
