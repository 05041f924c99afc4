"""``reatrieve evaluate``: how well retrievers do on an annotated data set."""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from reatrieve import limits
from reatrieve.cli.output import say
from reatrieve.cli.parser import Parser, apart
from reatrieve.cli.values import (
    check_folder_to_write,
    check_json_to_write,
    file_path,
    load_module,
    plural,
    text,
    whole,
    whole_up_to,
    write_text,
)
from reatrieve.errors import InputError, ReatrieveError
from reatrieve.plain import quoted

__all__ = ["add", "add_conditions", "add_machine", "check_machine", "conditions_of", "run"]

SETTINGS: dict[str, tuple[str, Callable[[str], Any], str]] = {
    "representation": ("representation", str, "stft, cqt, mfcc, basic-pitch, or a model described by a TOML file"),
    "components": ("components", whole, "NMF components, 0 for none"),
    "selected": ("selected", whole, "features kept by the selection (k); 0 for no selection"),
    "alpha": ("alpha", float, "NMF regularisation"),
    "l1-ratio": ("l1_ratio", float, "share of L1 in it, 0..1"),
    "selection": ("selection", str, "topk, forward, fisher or logistic"),
    "query": ("query", str, "greedy, uncertainty or random"),
}
"""Option -> setting of the retrievers that have it."""

REST_AFTER = (0, 1, 2, 3, 4, 5)
DECIDE_WITHIN = 10
MOST_REPEATS = 10_000
MOST_JOBS = 1_000


def add(subparsers: argparse._SubParsersAction[Parser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "evaluate",
        description="Simulate a user who knows the annotations and searches every sound of a data set.",
    )
    parser.add_argument("dataset", type=file_path, metavar="DATASET", help="folder with audio/ and annotations.csv")
    parser.add_argument(
        "--retriever",
        default="default",
        metavar="NAME,...",
        help="one or several, compared with the first; a name may carry settings: paper:components=20:alpha=1",
    )
    add_conditions(parser)
    for option, (_, kind, about) in SETTINGS.items():
        parser.add_argument(f"--{option}", type=kind, metavar="VALUE", help=f"for every retriever that has it: {about}")
    add_machine(parser)
    parser.add_argument(
        "--rest-above", type=float, default=0.6, metavar="P", help='threshold of "accept the rest" (0.6)'
    )
    parser.add_argument(
        "--strict", action="store_true", help="stop at the first broken row (exit 2) instead of skipping it"
    )
    parser.add_argument("--json", type=file_path, metavar="FILE", help="write all figures here")
    parser.add_argument(
        "--results",
        type=file_path,
        metavar="DIR",
        help="keep every session here and go on from what is there (else: the cache)",
    )
    parser.rules = apart("--scheduler", "--jobs", why="a cluster has its own workers")
    parser.set_defaults(func=run)


def add_conditions(parser: argparse.ArgumentParser) -> None:
    """Options that say how sessions are run."""
    parser.add_argument(
        "--examples", default="first-last", metavar="all|first-last|N", help="which occurrences are examples"
    )
    parser.add_argument(
        "--budget",
        type=whole_up_to(limits.BUDGET),
        default=10,
        metavar="N",
        help="rejections until a session ends (10)",
    )
    parser.add_argument(
        "--seed", type=whole_up_to(limits.NUMBER), default=0, metavar="N", help="of everything random (0)"
    )
    parser.add_argument(
        "--repeats",
        type=whole_up_to(MOST_REPEATS),
        default=1,
        metavar="N",
        help="sessions an example, with seeds one apart (1)",
    )
    parser.add_argument(
        "--oracle",
        choices=("shorter", "paper"),
        default="shorter",
        help="a hit overlaps half of the shorter of the two (default), or half of the candidate",
    )
    parser.add_argument(
        "--wrong-answers", type=float, default=0.0, metavar="P", help="share of answers that are wrong (0)"
    )
    parser.add_argument(
        "--move-edges", default="", metavar="10%|0.25s", help="move the example's edges at random, up to this"
    )


def add_machine(parser: argparse.ArgumentParser) -> None:
    """Options that say where it runs; none changes a result."""
    parser.add_argument(
        "--jobs", type=whole_up_to(MOST_JOBS), default=1, metavar="N", help="processes; -1 for all cores (1)"
    )
    parser.add_argument("--cache", type=file_path, metavar="DIR", help="keep analyses here for the next run (not kept)")
    parser.add_argument(
        "--scheduler", type=text, default="", metavar="ADDRESS", help="run on this Dask cluster (extra: cluster)"
    )


def check_machine(args: argparse.Namespace) -> None:
    """What is missing or in the way is said before hours of work.

    Raises
    ------
    InputError
        If ``--jobs`` is no number of processes, or a library is missing.
    """
    if args.jobs == 0 or args.jobs < -1:
        raise InputError(f"--jobs {args.jobs}: write a number of processes, or -1 for all cores")
    if args.scheduler:
        load_module("distributed", dataset=args.dataset)
    for option in ("cache", "results"):
        if getattr(args, option) is not None:
            check_folder_to_write(getattr(args, option), f"--{option}")
    if args.cache is not None:
        from reatrieve.audio.cache import own_cache

        own_cache(args.cache, make=False)


def conditions_of(args: argparse.Namespace, **more: Any) -> Any:
    """The ``Conditions`` that the options of ``add_conditions`` ask for, with ``more`` of their fields."""
    from reatrieve.lab.sessions import Conditions

    return Conditions(
        examples=args.examples,
        budget=args.budget,
        oracle=args.oracle,
        wrong_answers=args.wrong_answers,
        move_edges=args.move_edges,
        seed=args.seed,
        repeats=args.repeats,
        **more,
    )


def run(args: argparse.Namespace) -> int:
    """Evaluate, print tables, write the JSON.

    Raises
    ------
    InputError
        If a flag cannot be used as it is.
    ReatrieveError
        If the sessions cannot be kept.
    """
    from reatrieve.cli.terminal import progress_bar
    from reatrieve.cli.wrapping import terminal_columns
    from reatrieve.lab.dataset import load_dataset
    from reatrieve.lab.records import ResultsFile
    from reatrieve.lab.runner import code_fingerprint
    from reatrieve.lab.runner import run as run_setups
    from reatrieve.lab.summary import report
    from reatrieve.lab.tables import evaluation_tables

    conditions = conditions_of(args, rest_after=REST_AFTER, rest_above=args.rest_above, decide_within=DECIDE_WITHIN)
    common = {name: getattr(args, name) for name, _, _ in SETTINGS.values() if getattr(args, name) is not None}
    setups = [_setup(text, common, conditions) for text in dict.fromkeys(args.retriever.split(","))]
    _refuse_idle(args, [setup.retriever for setup in setups])
    if not 0.0 <= args.rest_above <= 1.0:
        raise InputError(f"--rest-above {args.rest_above:g} is no probability; it lies between 0 and 1")
    check_machine(args)
    if args.json is not None:
        check_json_to_write(args.json, "--json", is_ours=lambda found: {"retriever", "retrievers"} <= set(found))
    dataset = load_dataset(args.dataset, strict=args.strict)
    for row in dataset.broken:
        say(f"reatrieve: skipped: {row}", file=sys.stderr)
    results = ResultsFile(args.results / "sessions.jsonl" if args.results else _unfinished(args))
    with progress_bar("sessions") as progress:
        sessions = run_setups(
            dataset,
            setups,
            jobs=args.jobs,
            scheduler=args.scheduler,
            results=results,
            cache=args.cache,
            code=code_fingerprint(),
            progress=progress,
        )
    figures = report(dataset, sessions, conditions)
    if args.json:
        write_text(args.json, json.dumps(figures, indent=1, allow_nan=False) + "\n")
    columns = terminal_columns()
    tables = (table.text(columns) for table in evaluation_tables(figures, budget=args.budget))
    say(*"\n\n".join(tables).split("\n"))
    if dataset.broken:
        say("", f"{plural(len(dataset.broken), 'broken row')} skipped.")
    if not args.results:
        results.discard()  # the run is complete: the next one starts afresh
    return 0


def _refuse_idle(args: argparse.Namespace, retrievers: Sequence[str]) -> None:
    """A setting that none of the retrievers has would change nothing."""
    from reatrieve.lab.runner import setting_names

    known = frozenset().union(*map(setting_names, retrievers))
    for option, (name, _, _) in SETTINGS.items():
        if getattr(args, name) is not None and name not in known:
            raise InputError(f"--{option} has no effect: {', '.join(retrievers)} has no such setting")


def _setup(text: str, common: dict[str, Any], conditions: Any) -> Any:
    """One retriever as written on the command line, ``name`` or ``name:setting=value:...``."""
    from reatrieve.lab.runner import Setup, setting_names

    name, *parts = text.strip().split(":")
    known = setting_names(name)
    settings = {key: value for key, value in common.items() if key in known}
    for part in parts:
        key, equals, value = part.partition("=")
        if not equals:
            raise InputError(
                f"setting {quoted(part)} of retriever {quoted(name)} has no value; write it like components=20"
            )
        settings[key] = _value(value)
    return Setup(text.strip(), name, settings, conditions)


def _value(text: str) -> Any:
    """A whole number, a number, or the text itself."""
    try:
        return int(text) if re.fullmatch(r"[+-]?\d+", text) else float(text)
    except ValueError:
        return text


def _unfinished(args: argparse.Namespace) -> Path:
    """Where a run with these options keeps its sessions until it is complete: a file of its user's alone."""
    from reatrieve.files import demand_regular, make_folder, open_lock, own_folder, reason
    from reatrieve.settings import Settings

    told = sorted(
        (key, str(value))
        for key, value in vars(args).items()
        if key not in ("func", "jobs", "scheduler", "json", "cache")
    )
    told.append(("folder", str(args.dataset.resolve())))
    name = hashlib.sha256(repr(told).encode()).hexdigest()[:16]
    folder = Settings.load({}).cache / "evaluate"
    for one in (folder.parent, folder):
        own_folder(one, "cache", option="--results", private=False, closed=False, make=False)
    path = folder / f"{name}.jsonl"
    try:
        make_folder(folder)
        open_lock(path).close()
        demand_regular(path, own=True)
    except OSError as error:
        why = reason(path, error)
        raise ReatrieveError(
            f"sessions cannot be kept in {folder} until all are done ({why}); name another folder by --results"
        ) from error
    return path
