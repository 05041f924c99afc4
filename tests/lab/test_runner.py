"""The same sessions whatever the number of jobs, on a cluster, and after an interruption."""

from __future__ import annotations

import json

import pytest

from reatrieve.errors import InputError
from reatrieve.lab.dataset import load_dataset
from reatrieve.lab.records import ResultsFile
from reatrieve.lab.runner import Setup, run
from reatrieve.lab.scoring import summary
from reatrieve.lab.sessions import Conditions

NOISY = Conditions(wrong_answers=0.3, move_edges="10%", budget=4, repeats=2)
SETUPS = [Setup("plain", "default", {}, Conditions(budget=4)), Setup("noisy", "default", {}, NOISY)]


@pytest.fixture(scope="module")
def alone(bleeps):
    """What one process gives."""
    return run(load_dataset(bleeps), SETUPS)


def test_the_default_retriever_finds_every_bleep(alone):
    figures = summary(alone["plain"], budget=4)
    assert figures["recall"] == 1.0
    assert figures["curve"][1] == 1.0
    assert figures["sounds"] == 2
    assert figures["start_error_ms_p95"] < 20.0


def test_two_jobs_give_the_same(bleeps, alone):
    assert run(load_dataset(bleeps), SETUPS, jobs=2) == alone


@pytest.mark.slow
@pytest.mark.extra
def test_a_dask_cluster_gives_the_same(bleeps, alone):
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1"
    ) as cluster:
        assert run(load_dataset(bleeps), SETUPS, scheduler=cluster.scheduler_address) == alone


@pytest.mark.extra
def test_no_scheduler_at_the_address_is_said(bleeps, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr("reatrieve.lab.cluster.CONNECT_TIMEOUT_S", 0.2)
    with pytest.raises(InputError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        run(load_dataset(bleeps), SETUPS, scheduler="tcp://127.0.0.1:9")


class InterruptedRunError(Exception):
    pass


def test_an_interrupted_run_goes_on_where_it_stopped(bleeps, alone, tmp_path):
    path = tmp_path / "sessions.jsonl"
    shares = []

    def stop_after_two(share):
        shares.append(share)
        if len(shares) == 2:
            raise InterruptedRunError

    with pytest.raises(InterruptedRunError):
        run(load_dataset(bleeps), SETUPS, results=ResultsFile(path), progress=stop_after_two)
    complete = path.read_bytes()
    with path.open("ab") as stream:  # the third piece was being written
        stream.write(complete.splitlines(keepends=True)[1] + b'{"retriever": "pl')
    shares.clear()
    assert run(load_dataset(bleeps), SETUPS, results=ResultsFile(path), progress=shares.append) == alone
    assert len(shares) == 1 + 2 * 3 - 2
    shares.clear()
    assert run(load_dataset(bleeps), SETUPS, results=ResultsFile(path), progress=shares.append) == alone
    assert shares == [1.0]
    assert path.read_bytes().startswith(complete)


def test_other_settings_or_other_code_are_other_work(bleeps, tmp_path):
    results = ResultsFile(tmp_path / "sessions.jsonl")
    data = load_dataset(bleeps)
    shares = []
    run(data, SETUPS[:1], results=results)
    run(data, [Setup("plain", "default", {}, Conditions(budget=3))], results=results, progress=shares.append)
    assert len(shares) == 4
    run(data, SETUPS[:1], results=results, code="newer", progress=shares.append)
    assert len(shares) == 8


def test_a_file_of_another_kind_is_left_alone(tmp_path):
    path = tmp_path / "notes.jsonl"
    path.write_text(json.dumps({"my": "notes"}) + "\n", encoding="utf-8")
    with pytest.raises(InputError, match="holds no evaluation results"):
        ResultsFile(path)
    assert "notes" in path.read_text(encoding="utf-8")


ODD = {"deep": "[" * 3000 + "]" * 3000, "long": "9" * 5000}


@pytest.mark.parametrize(
    "line",
    [
        *(pytest.param(f'{{"note": {value}}}', id=name) for name, value in ODD.items()),
        *(f'{{"done": {value}}}' for value in ("[1]", "{}", "null", "1")),
    ],
)
def test_a_whole_line_that_holds_no_result_is_not_cut_off(tmp_path, line):
    path = tmp_path / "sessions.jsonl"
    ResultsFile(path)
    with path.open("a", encoding="utf-8") as stream:
        stream.write(f"{line}\n")
    before = path.read_bytes()
    with pytest.raises(InputError, match="line 2 holds no evaluation result"):
        ResultsFile(path)
    assert path.read_bytes() == before


def test_an_unknown_retriever_fails_before_any_work(bleeps):
    with pytest.raises(InputError, match="defalt"):
        run(load_dataset(bleeps), [Setup("x", "defalt")])


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"seed": 2**32}, "seed"),
        ({"name": "x"}, "its name is no setting; leave out name=x"),
    ],
)
def test_settings_that_no_retriever_takes_are_named(settings, text):
    with pytest.raises(InputError, match=text):
        Setup("paper", "paper", settings).make()
    Setup("paper", "paper", {"seed": 2**32 - 1}).make()
