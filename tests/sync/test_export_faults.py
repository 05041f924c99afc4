"""An export on a disk that fails: what lay there before lies there still, or all is new."""

import itertools
from pathlib import Path

import pytest

from faults import KINDS, FaultyDisk
from reatrieve.errors import AudioError
from sync.test_export import accepted, export, song  # noqa: F401 - a fixture


def without_links(*_, **__):
    raise OSError(95, "Operation not supported")


@pytest.mark.parametrize("links", [True, False], ids=["", "without links"])
@pytest.mark.parametrize("kind", KINDS)
def test_all_files_or_those_before(song, tmp_path, monkeypatch, kind, links):  # noqa: F811
    if not links:
        monkeypatch.setattr("os.link", without_links)
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


@pytest.mark.parametrize("links", [True, False], ids=["", "without links"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_disk_that_fails_from_then_on_loses_no_file_that_was_there(song, tmp_path, monkeypatch, kind, links):  # noqa: F811
    """What cannot be put back stays beside the new file, and the sentence names both."""
    if not links:
        monkeypatch.setattr("os.link", without_links)
    out = tmp_path / "out"
    job = {"folder": out, "audio": "render", "audio_path": song, "targets": "json,csv,wav", "force": True}
    export(accepted()[:2], **job)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    n_stuck = 0
    for fails_at in itertools.count(1):
        disk = FaultyDisk(out, fails_at=fails_at, kind=kind, lasting=True)
        with disk.mounted():
            if not (failed := _failed(job)):
                break
        there = {path.name: path.read_bytes() for path in out.iterdir()}
        assert before.keys() <= there.keys()
        stuck = [name for name in before if there[name] != before[name]]
        n_stuck += len(stuck)
        for name in stuck:
            assert name in str(failed)
            (kept,) = (one for one in there if there[one] == before[name] and one.startswith(f".{name}."))
            assert kept in str(failed)
        for path in out.iterdir():
            if path.name not in before:
                path.unlink()
        for name, content in before.items():
            (out / name).write_bytes(content)
    assert n_stuck > 0


@pytest.mark.parametrize("pressed_at", [1, 2, 3])
def test_ctrl_c_between_the_renames_leaves_the_files_of_before(song, tmp_path, monkeypatch, pressed_at):  # noqa: F811
    out = tmp_path / "out"
    job = {"folder": out, "audio": "render", "audio_path": song, "targets": "json,csv,wav", "force": True}
    export(accepted()[:2], **job)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    real, renames = Path.replace, []

    def replace(path, target):
        renames.append(target)
        if len(renames) == pressed_at:
            raise KeyboardInterrupt
        return real(path, target)

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(KeyboardInterrupt):
        export(accepted(), **job)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
