"""Content hashes and their memo."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from reatrieve.audio import hashing
from reatrieve.audio.hashing import SoundHashes, content_hash
from reatrieve.errors import AudioError, CancelledError

LONG_AGO_S = 1_000_000_000


def file(path: Path, content: bytes, changed_s: int = LONG_AGO_S) -> Path:
    path.write_bytes(content)
    os.utime(path, (changed_s, changed_s))
    return path


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    calls: list[Path] = []

    def count(path: Path, **more: object) -> str:
        calls.append(path)
        return content_hash(path, **more)

    monkeypatch.setattr(hashing, "content_hash", count)
    return calls


def test_the_hash_is_of_the_bytes(tmp_path: Path) -> None:
    content = os.urandom(3_000_000)
    one, two = file(tmp_path / "a", content), file(tmp_path / "ü b", content)
    assert content_hash(one) == content_hash(two) == hashlib.blake2b(content, digest_size=20).hexdigest()


def test_a_known_file_is_not_read_again(tmp_path: Path, counted: list[Path]) -> None:
    path = file(tmp_path / "a", b"one")
    first = SoundHashes(tmp_path / "memo").of(path)
    assert SoundHashes(tmp_path / "memo").of(path) == first
    assert len(counted) == 1
    file(path, b"two")  # same size, same time: the memo cannot know, as documented
    assert SoundHashes(tmp_path / "memo").of(path) == first
    file(path, b"two", LONG_AGO_S + 1)
    assert SoundHashes(tmp_path / "memo").of(path) == content_hash(path) != first


def test_a_file_still_warm_is_not_remembered(tmp_path: Path, counted: list[Path]) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"one")
    hashes = SoundHashes(tmp_path / "memo")
    hashes.of(path)
    hashes.of(path)
    assert len(counted) == 2


@pytest.mark.parametrize("content", ['["x", 1', '["x", Infinity, 1, "y"]', "[" * 100_000, "[" + "9" * 5000 + "]"])
def test_a_damaged_memo_is_ignored(tmp_path: Path, content: str) -> None:
    path = file(tmp_path / "a", b"one")
    hashes = SoundHashes(tmp_path / "memo")
    first = hashes.of(path)
    (memo,) = (tmp_path / "memo").glob("*.json")
    memo.write_text(content, encoding="utf-8")
    assert hashes.of(path) == first


def test_the_memo_stays_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashing, "_MEMO_LIMIT", 6)
    hashes = SoundHashes(tmp_path / "memo")
    found = hashes.of_all(file(tmp_path / str(k), b"%d" % k) for k in range(20))
    assert len(found) == 20
    assert len(list((tmp_path / "memo").glob("*.json"))) <= 7


def test_missing_files_and_cancel(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="gone: no such file"):
        SoundHashes(tmp_path / "memo").of(tmp_path / "gone")
    with pytest.raises(AudioError, match="cannot be read"):
        content_hash(tmp_path)
    with pytest.raises(CancelledError):
        content_hash(file(tmp_path / "a", b"x"), cancel=lambda: True)
