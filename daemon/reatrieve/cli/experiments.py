"""``reatrieve experiments``: the paper's figures and tables on any data set, with the default retriever in each."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from reatrieve.cli.evaluate import add_conditions, add_machine, check_machine, conditions_of
from reatrieve.cli.output import say
from reatrieve.cli.parser import Parser, apart
from reatrieve.cli.values import check_folder_to_write, demand_module, file_path, load_module, plural, text
from reatrieve.errors import InputError
from reatrieve.files import open_source, unreadable

__all__ = ["add", "run"]

SESSIONS = "sessions"
"""Folder in that for the figures: what an interrupted run has done."""


def add(subparsers: argparse._SubParsersAction[Parser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "experiments",
        description="Repeat the paper's experiments on a data set, and compare its statements with the results.",
    )
    parser.add_argument("dataset", type=file_path, metavar="DATASET", help="folder with audio/ and annotations.csv")
    parser.add_argument(
        "--out", type=file_path, required=True, metavar="DIR", help="figures, tables and README.md go here"
    )
    add_conditions(parser)
    add_machine(parser)
    parser.add_argument(
        "--learned", action="append", default=None, metavar="MODEL.toml",
        help="a learned representation to compare, may be repeated; basic-pitch is compared when it is installed",
    )  # fmt: skip
    parser.add_argument(
        "--only",
        type=text,
        default="",
        metavar="KEY,...",
        help="only these experiments, by the start of their name (fig1, fig2, ...)",
    )
    parser.add_argument(
        "--results",
        type=file_path,
        metavar="DIR",
        help="keep sessions here; what is there is not run again (OUT/sessions)",
    )
    parser.add_argument("--strict", action="store_true", help="stop at the first broken row instead of skipping it")
    parser.rules = apart("--scheduler", "--jobs", why="a cluster has its own workers")
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Run what is missing, then write everything.

    Raises
    ------
    InputError
        If ``--only`` names no experiment.
    """
    from reatrieve.cli.terminal import progress_bar
    from reatrieve.lab.dataset import load_dataset
    from reatrieve.lab.experiments import all_setups, experiments
    from reatrieve.lab.figures import demand_drawing
    from reatrieve.lab.records import ResultsFile
    from reatrieve.lab.report import findings, write_experiments
    from reatrieve.lab.runner import run as run_setups
    from reatrieve.lab.summary import figures_of, random_recall
    from reatrieve.retrieval.learned.model import BASIC_PITCH, basic_pitch_installed

    demand_module("matplotlib", dataset=args.dataset)
    demand_drawing()
    check_machine(args)
    check_folder_to_write(args.out, "--out")
    _refuse_foreign_folder(args.out)
    conditions = conditions_of(args)
    installed = [BASIC_PITCH] if basic_pitch_installed() else []
    made = experiments(conditions, learned=[*(args.learned or []), *installed])
    if args.only:
        wanted = tuple(args.only.split(","))
        known = ", ".join(experiment.key for experiment in made)
        made = [experiment for experiment in made if experiment.key.startswith(wanted)]
        if not made:
            raise InputError(f"no experiment begins with {args.only!r}; choose from {known}")
        if args.learned and all(experiment in experiments(conditions, learned=installed) for experiment in made):
            raise InputError(f"--learned has no effect: no experiment of --only {args.only} compares it; leave it out")
    if args.learned:
        load_module("onnxruntime", dataset=args.dataset)
    dataset = load_dataset(args.dataset, strict=args.strict)
    for row in dataset.broken:
        say(f"reatrieve: skipped: {row}", file=sys.stderr)
    results = ResultsFile((args.results or args.out / SESSIONS) / "sessions.jsonl")
    with progress_bar("experiments") as progress:
        sessions = run_setups(
            dataset,
            all_setups(made, conditions),
            jobs=args.jobs,
            scheduler=args.scheduler,
            results=results,
            cache=args.cache,
            progress=progress,
        )
    figures = {label: figures_of(theirs, conditions) for label, theirs in sessions.items()}
    chance = random_recall(dataset, conditions)
    found = findings(made, sessions, budget=conditions.budget)
    about = (
        f"`reatrieve experiments` on {dataset.folder.resolve().name}: {plural(len(dataset.recordings), 'file')}, "
        f"{plural(len(dataset.sounds), 'sound')}, examples {conditions.examples}, "
        f"{plural(conditions.budget, 'rejection')}, seed "
        f"{conditions.seed}. Recall as `reatrieve evaluate` defines it; shaded: bootstrap 95 % over files. Random "
        f"order finds {chance:.2f}."
    )
    written = write_experiments(
        args.out, made, figures, found, about=about, random_recall=chance, budget=conditions.budget
    )
    for finding in found:
        say(f"{finding.outcome:10} {finding.statement} {finding.came_out}")
    say(f"Random order finds {chance:.2f}. Wrote {len(written)} files; begin with {written[-1]}")
    return 0


def _refuse_foreign_folder(folder: Path) -> None:
    """What an earlier run has written is replaced, and nothing else."""
    from reatrieve.lab.report import PAGE_TITLE

    try:
        if not any(path.name != SESSIONS for path in folder.iterdir()):
            return
        with open_source(folder / "README.md") as file:
            is_ours = file.read(len(PAGE_TITLE)) == PAGE_TITLE.encode()
    except FileNotFoundError:
        is_ours = not folder.exists()
    except OSError as error:
        raise InputError(f"--out {unreadable(folder, error)}") from error
    if not is_ours:
        raise InputError(f"--out {folder} holds other files; choose an empty folder, or that of an earlier run")
