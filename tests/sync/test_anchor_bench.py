"""On real music whose occurrences are known exactly, anchors agree far better than the edges they start from."""

from __future__ import annotations

import csv
import os
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from reatrieve.audio.stitch import TrackAudio
from reatrieve.audio.trackmap import TrackMap
from reatrieve.session.spans import Span
from reatrieve.sync.anchors import Placement, anchors

BENCH = Path(os.environ.get("REATRIEVE_BENCH", Path(__file__).parents[2].parent / "shared" / "bench")) / "excerpts"
JITTER_S = 0.015
N_SOUNDS = 6


def sounds() -> list[tuple[Path, list[Span]]]:
    """An even choice of sounds with at least three occurrences."""
    rows: defaultdict[tuple[str, str], list[Span]] = defaultdict(list)
    with (BENCH / "annotations.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if not row["flag"]:
                rows[row["file"], row["class"]].append(Span(float(row["start"]), float(row["end"])))
    usable = [(BENCH / "audio" / file, spans) for (file, _), spans in sorted(rows.items()) if len(spans) >= 3]
    return usable[:: max(1, len(usable) // N_SOUNDS)]


@pytest.mark.bench
@pytest.mark.slow
def test_anchors_of_jittered_occurrences_agree():
    if not BENCH.is_dir():
        pytest.skip(f"no benchmark audio in {BENCH}; REATRIEVE_BENCH names its folder")
    rng = np.random.default_rng(1)
    spreads_ms = []
    for path, spans in sounds():
        moved = [span.moved(float(rng.uniform(0, JITTER_S)) - min(JITTER_S, span.start_s)) for span in spans]
        found = np.array(anchors(TrackAudio(TrackMap.of_file(path)), moved, Placement("peak")))
        offsets = 1000 * (found - [span.start_s for span in spans])
        spreads_ms.append(np.median(np.abs(offsets - np.median(offsets))))
    assert np.median(spreads_ms) < 0.2, spreads_ms
