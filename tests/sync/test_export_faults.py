"""An export on a disk that fails: what lay there before lies there still, or all is new."""

import itertools
from pathlib import Path

import pytest

from faults import KINDS, FaultyDisk
from reatrieve.errors import AudioError
from reatrieve.sync.turns import LOCK_NAME
from sync.test_export import accepted, export, song  # noqa: F401 - a fixture


def exported(song, folder):  # noqa: F811
    """An export to be made again with more places, and what lies in its folder before."""
    job = {"folder": folder, "audio": "render", "audio_path": song, "targets": "json,csv,wav", "force": True}
    export(accepted()[:2], **job)
    return job, {path.name: path.read_bytes() for path in folder.iterdir()}


def on_each_failing_disk(job, kind, *, lasting=False):
    """The disk whose first call fails, then its second, ..., and how the export ended there, until none fails."""
    for fails_at in itertools.count(1):
        disk = FaultyDisk(job["folder"], fails_at=fails_at, kind=kind, lasting=lasting)
        with disk.mounted():
            failed = _failed(job)
        if not disk.failed:
            return
        yield disk, failed


def put_back(folder, files):
    for path in folder.iterdir():
        path.unlink()
    for name, content in files.items():
        (folder / name).write_bytes(content)


def without_links(*_, **__):
    raise OSError(95, "Operation not supported")


@pytest.mark.parametrize("links", [True, False], ids=["", "without links"])
@pytest.mark.parametrize("kind", KINDS)
def test_all_files_or_those_before(song, tmp_path, monkeypatch, kind, links):  # noqa: F811
    if not links:
        monkeypatch.setattr("os.link", without_links)
    job, before = exported(song, tmp_path / "out")
    out = job["folder"]
    n_failed = 0
    for disk, failed in on_each_failing_disk(job, kind):
        n_failed += 1
        if failed is None:  # a lock that may not be opened is done without
            assert disk.calls[disk.fails_at - 1][1].endswith(LOCK_NAME)
            put_back(out, before)
            continue
        assert "choose another folder" in str(failed)
        assert {path.name: path.read_bytes() for path in out.iterdir()} == before, disk.calls[-1]
    assert n_failed >= 8
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
    job, before = exported(song, tmp_path / "out")
    out = job["folder"]
    n_stuck = 0
    for _, failed in on_each_failing_disk(job, kind, lasting=True):
        there = {path.name: path.read_bytes() for path in out.iterdir()}
        assert before.keys() <= there.keys()
        stuck = [name for name in before if there[name] != before[name]] if failed else []
        n_stuck += len(stuck)
        for name in stuck:
            assert name in str(failed)
            (kept,) = (one for one in there if there[one] == before[name] and one.startswith(f".{name}."))
            assert kept in str(failed)
        put_back(out, before)
    assert n_stuck > 0


def test_what_could_not_be_put_back_stays_also_after_the_next_export(song, tmp_path, monkeypatch):  # noqa: F811
    job, before = exported(song, tmp_path / "out")
    out = job["folder"]
    real, renames = Path.replace, []

    def replace(path, target):
        renames.append(target)
        if len(renames) > 1:
            raise OSError(5, "Input/output error")
        return real(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", replace)
        said = str(_failed(job))
    changed = renames[0].name
    (kept,) = (path for path in out.iterdir() if path.suffix == ".before")
    assert said.endswith(f"cannot be taken back: {changed}; what was there before is in {kept.name}")
    assert kept.read_bytes() == before[changed]
    export(accepted(), **job)
    assert kept.read_bytes() == before[changed]
    assert {path.name for path in out.iterdir()} == {*before, kept.name}


@pytest.mark.parametrize("pressed_at", [1, 2, 3])
def test_ctrl_c_between_the_renames_leaves_the_files_of_before(song, tmp_path, monkeypatch, pressed_at):  # noqa: F811
    job, before = exported(song, tmp_path / "out")
    out = job["folder"]
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
