"""An export on a disk that fails: what lay there before lies there still, or all is new."""

import itertools

import pytest

from faults import KINDS, FaultyDisk
from reatrieve.errors import AudioError
from sync.test_export import accepted, export, song  # noqa: F401 - a fixture


@pytest.mark.parametrize("links", [True, False], ids=["", "without links"])
@pytest.mark.parametrize("kind", KINDS)
def test_all_files_or_those_before(song, tmp_path, monkeypatch, kind, links):  # noqa: F811
    if not links:

        def no_links(*_, **__):
            raise OSError(95, "Operation not supported")

        monkeypatch.setattr("os.link", no_links)
    out = tmp_path / "out"
    job = {"folder": out, "audio": "render", "audio_path": song, "targets": "json,csv,wav", "force": True}
    export(accepted()[:2], **job)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    for fails_at in itertools.count(1):
        disk = FaultyDisk(out, fails_at=fails_at, kind=kind)
        with disk.mounted():
            if not (failed := _failed(job)):
                break
        assert "choose another folder" in str(failed)
        assert {path.name: path.read_bytes() for path in out.iterdir()} == before, disk.calls[-1]
    assert fails_at > 8
    after = {path.name: path.read_bytes() for path in out.iterdir()}
    assert after.keys() == before.keys()
    assert all(after[name] != before[name] for name in before)


def _failed(job):
    try:
        export(accepted(), **job)
    except AudioError as error:
        return error
    return None
