"""Opens damaged sounds, journals, copies, tables, projects and settings, a process of its own.

    python bad_input.py FOLDER COUNT

Everything lies in FOLDER. What is printed is JSON: ``peak_mb`` of memory, ``opened`` how many files could be used,
``refused`` how many were not, and ``outside``: what was made, renamed or deleted anywhere else.
"""

from __future__ import annotations

import json
import os
import random
import resource
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

from journal.test_damage import written
from reatrieve.annotations.files import read_annotations
from reatrieve.audio.decode import SoundReader
from reatrieve.errors import ReatrieveError
from reatrieve.journal import JournalFolder, check_journal
from reatrieve.settings import Settings
from reatrieve.sync.rpp_project import read_rpp
from reliability.mutations import mutated
from reliability.test_mutated_files import (
    AUDACITY,
    JAMS,
    OWN_CSV,
    REGIONS_CSV,
    RPP,
    SETTINGS,
    SOUNDS,
    SYNC_JSON,
    cue_wav,
)  # fmt: skip

MAKES = {"os.mkdir": 0, "os.rename": 1, "os.link": 1, "os.symlink": 1, "os.remove": 0, "os.rmdir": 0, "os.truncate": 0}
"""Which argument of an audit event names what is changed."""
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


def watch(folder: Path, outside: set[str]) -> None:
    """Note every path outside that anything in Python makes or changes from now on."""
    given = os.path.realpath(folder)

    def hook(event: str, args: tuple[object, ...]) -> None:
        path = args[MAKES[event]] if event in MAKES else None
        if event == "open" and isinstance(args[2], int) and args[2] & WRITES:
            path = args[0]
        if isinstance(path, (str, bytes, os.PathLike)):
            real = os.path.realpath(os.fsdecode(path))
            if real not in (given, os.devnull) and not real.startswith(given + os.sep):
                outside.add(f"{event} {real}")

    sys.addaudithook(hook)


def sound(form: str, subtype: str, n_channels: int, path: Path) -> bytes:
    """A second of noise in one format."""
    y = 0.1 * np.random.default_rng(1).standard_normal((24000, n_channels))
    soundfile.write(path, y, 48000, format=form, subtype=subtype)
    return path.read_bytes()


def read_sound(path: Path) -> None:
    """Its beginning, middle and end."""
    with SoundReader(path) as reader:
        for start in (0, reader.info.n_frames // 2, max(0, reader.info.n_frames - 100)):
            reader.read(start, min(start + 20_000, reader.info.n_frames))


def main() -> None:
    """The command."""
    folder, count = Path(sys.argv[1]), int(sys.argv[2])
    outside: set[str] = set()
    watch(folder, outside)
    project = str(folder / "p.rpp")
    (folder / "p.reatrieve").mkdir()
    journals = JournalFolder(folder / "journals")
    journals.folder.mkdir()
    journal = written(folder / "whole.journal.jsonl", project=project)

    def read_journal(path: Path) -> None:
        journals.of_project(project)
        check_journal(path)
        journals.open("s-1").close()

    def read_copy(_: Path) -> None:
        journals.of_project(project)
        journals.remove("s-1")

    def read_settings(path: Path) -> None:
        Settings.load({"home": path.parent}, {})

    kinds: list[tuple[bytes, Path, Callable[[Path], object], int]] = [
        (journal, journals.path("s-1"), read_journal, count),
        (journal, folder / "p.reatrieve" / "a-s-1.journal.jsonl", read_copy, count),
        (SETTINGS, folder / "settings.txt", read_settings, count),
        (RPP, folder / "q.rpp", read_rpp, count),
        (AUDACITY, folder / "labels.txt", read_annotations, count),
        (REGIONS_CSV, folder / "regions.csv", read_annotations, count),
        (OWN_CSV, folder / "own.csv", read_annotations, count),
        (SYNC_JSON, folder / "x.sync.json", read_annotations, count),
        (JAMS, folder / "x.jams", read_annotations, count),
        (cue_wav(), folder / "cues.wav", read_annotations, count),
    ]
    kinds += [(sound(*one, folder / "sound"), folder / "damaged", read_sound, max(1, count // 3)) for one in SOUNDS]
    rng, ended = random.Random(9), Counter[str]()
    for raw, path, read, n in kinds:
        for k in range(n):
            header = k % 2 and read is read_sound  # damaged there alone, or anywhere
            path.write_bytes(mutated(raw[:300], rng) + raw[300:] if header else mutated(raw, rng))
            try:
                read(path)
                ended["opened"] += 1
            except ReatrieveError:
                ended["refused"] += 1
    print(json.dumps({**ended, "peak_mb": round(peak_mb()), "outside": sorted(outside)}))


def peak_mb() -> float:
    """Of this process; on Linux ``ru_maxrss`` begins with what the process had that started it."""
    if sys.platform == "linux":
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return int(status.partition("VmHWM:")[2].split()[0]) / 1e3
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak / 1e3


if __name__ == "__main__":
    main()
