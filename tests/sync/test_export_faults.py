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


def refusing(monkeypatch, first, *, error=None):
    """Renames from the ``first`` on fail, that one with ``error``; what was renamed before."""
    real, renamed = Path.replace, []

    def replace(path, target):
        renamed.append(target.name)
        if len(renamed) == first and error is not None:
            raise error
        if len(renamed) >= first:
            raise OSError(30, "Read-only file system")
        return real(path, target)

    monkeypatch.setattr(Path, "replace", replace)
    return renamed


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


def test_what_ctrl_c_could_not_put_back_stays_also_after_the_next_export(song, tmp_path, monkeypatch):  # noqa: F811
    job, before = exported(song, tmp_path / "out")
    out = job["folder"]
    with monkeypatch.context() as patch:
        renamed = refusing(patch, 2, error=KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            export(accepted(), **job)
    (kept,) = (path for path in out.iterdir() if path.suffix == ".before")
    export(accepted(), **job)
    assert kept.read_bytes() == before[renamed[0]]


@pytest.mark.parametrize("links", [True, False], ids=["", "without links"])
@pytest.mark.parametrize("first", [1, 2])
def test_only_what_was_replaced_is_called_new(song, tmp_path, monkeypatch, links, first):  # noqa: F811
    """The disk is made read-only between two renames: nothing can be removed either."""
    if not links:
        monkeypatch.setattr("os.link", without_links)
    job, before = exported(song, tmp_path / "out")
    out = job["folder"]
    renamed = refusing(monkeypatch, first)

    def unlink(_path, *_, **__):
        if len(renamed) >= first:
            raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "unlink", unlink)
    said = str(_failed(job))
    changed = {name for name, content in before.items() if (out / name).read_bytes() != content}
    assert changed == set(renamed[: first - 1])
    assert ("are new already" in said) == bool(changed)
    assert {name for name in before if f" {name};" in said or f".{name}." in said} == changed


def test_an_untouched_file_is_not_replaced_by_its_copy(song, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.setattr("os.link", without_links)
    job, before = exported(song, tmp_path / "out")
    out = job["folder"]
    numbers = {name: (out / name).stat().st_ino for name in before}
    real = Path.replace

    def replace(path, target):
        if path.suffix == ".part" and target.suffix != ".json":
            raise PermissionError(13, "is in use", str(target))
        return real(path, target)

    monkeypatch.setattr(Path, "replace", replace)
    assert "is in use" in str(_failed(job))
    now = {name: (out / name).stat().st_ino for name in before}
    assert {name for name in before if now[name] != numbers[name]} <= {"Lied für Übung.sync.json"}
    assert {path.name for path in out.iterdir()} == before.keys()
