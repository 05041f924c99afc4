"""A data set small enough to search in a second: bleeps over noise, at known times."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

RATE_HZ = 22050
STARTS_S = {"one.wav": (1.0, 4.0, 8.5), "two.wav": (2.0, 6.0, 9.0), "alone.wav": (3.0,)}
LENGTH_S = 1.0


@pytest.fixture(scope="session")
def bleeps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "bleeps ü"
    (folder / "audio").mkdir(parents=True)
    rows = ["file,class,start,end,kind,ratio_db,flag"]
    for index, (name, starts_s) in enumerate(STARTS_S.items()):
        rng = np.random.default_rng(index)
        y = 0.02 * rng.standard_normal(12 * RATE_HZ)
        t = np.arange(round(LENGTH_S * RATE_HZ)) / RATE_HZ
        bleep = 0.4 * np.sin(2 * np.pi * (400 + 300 * index + 250 * t) * t) * np.exp(-2 * t)
        for start_s in starts_s:
            at = round(start_s * RATE_HZ)
            y[at : at + bleep.size] += bleep
            rows.append(f"{name},bleep,{start_s},{start_s + LENGTH_S},sample,,")
        soundfile.write(folder / "audio" / name, y.astype(np.float32), RATE_HZ)
    (folder / "annotations.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder
