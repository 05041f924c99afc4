"""One song with events of every awkward kind, exported to all targets, for the readers of other people."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from reatrieve.sync.anchors import Placement
from reatrieve.sync.export import ExportJob, export
from reatrieve.sync.model import Accepted
from reatrieve.sync.targets import Options
from reatrieve.sync.tempo import TempoEntry, TempoMap
from sync.sync_sheets import BEXT, IXML, pack, wav_bytes

__all__ = ["LABELS", "Exported", "exported_song"]

RATE_HZ = 44100
FRAMES = 44100 * 12 + 7
LABELS = (
    "riser",
    "odd",
    "riser",
    "サビの前",
    "quote \" and ' here",
    "comma, semicolon; tab\tend",
    "line\nbreak",
    "#render",
    "=meta",
    "!act",
    "back\\slash",
    "Größe",
)


@dataclass(frozen=True)
class Exported:
    """The folder, the sync JSON's values, and the path of each target."""

    folder: Path
    data: dict[str, Any]
    paths: dict[str, Path]

    @property
    def events(self) -> list[dict[str, Any]]:
        """Events of the sync JSON."""
        return list(self.data["events"])


def exported_song(
    folder: Path,
    *,
    channels: int = 2,
    form: str = "24",
    rate_hz: int = RATE_HZ,
    count: int = len(LABELS),
    point: bool = True,
    **options: bool,
) -> Exported:
    """Export ``LABELS``, over and over, as spans of odd lengths that overlap, one at frame 0, one at the last frame,
    and one point."""
    source = folder / "my song.wav"
    frames = FRAMES * rate_hz // RATE_HZ
    chunks = {"before": [pack(b"bext", BEXT)], "after": [pack(b"iXML", IXML)]}
    source.write_bytes(wav_bytes(frames=frames, rate_hz=rate_hz, channels=channels, form=form, **chunks))
    accepted = []
    for i, label in enumerate(islice(cycle(LABELS), count)):
        start, length = 37777 * i % (frames - 60000), 50001 + 3 * i
        accepted.append(Accepted(start / rate_hz, (start + length) / rate_hz, label, "riser", i % 20 / 20))
    accepted.append(Accepted((frames - 1) / rate_hz, frames / rate_hz, "last frame"))
    if point:
        accepted.append(Accepted(5.0, 5.0, "point"))
    tempo = TempoMap(
        [
            TempoEntry(0.0, 123.4, 4, 4, 0.0, 0),
            TempoEntry(6.0, 87.65, 3, 4, 12.34, 4),
            TempoEntry(9.0, 61, 3, 4, 16.7225, 5),
        ]
    )
    job = ExportJob(
        accepted=accepted, folder=folder / "out", targets="all", audio="render", audio_path=source,
        placement=Placement(tempo_map=tempo), name="song", options=Options(**options),  # type: ignore[arg-type]
    )  # fmt: skip
    written = export(job)
    paths = {one.target: one.path for one in written}
    return Exported(folder / "out", json.loads(paths["json"].read_text(encoding="utf-8")), paths)
