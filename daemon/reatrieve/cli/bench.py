"""``reatrieve bench``: speed and memory as ratios in one run."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reatrieve.cli.output import say
from reatrieve.cli.parser import Parser, apart
from reatrieve.cli.values import check_json_to_write, file_path, write_text

__all__ = ["add", "run"]


def add(subparsers: argparse._SubParsersAction[Parser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "bench",
        description="Measure analysis, answers, memory, the start of commands and the whole loop, each as a ratio to a "
        "baseline of the run, with BLAS on one thread. Exit status 1 if a goal is missed.",
    )
    parser.add_argument("--no-hour", action="store_true", help="leave out the one-hour file (quick)")
    parser.add_argument(
        "--eight-hours", action="store_true", help="also measure memory on eight hours (minutes of work)"
    )
    parser.add_argument("--no-loop", action="store_true", help="leave out the loop through REAPER scripts and daemon")
    parser.add_argument("--json", type=file_path, metavar="FILE", help="write the figures as JSON")
    parser.rules = apart("--eight-hours", "--no-hour", why="eight hours are compared with one")
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Measure, print the table, write the JSON."""
    from rich.console import Console
    from rich.table import Table
    from threadpoolctl import threadpool_limits

    from reatrieve.lab.bench.answers import default_ratios, paper_ratio
    from reatrieve.lab.bench.memory import memory_ratios
    from reatrieve.lab.bench.starts import help_ratios

    if args.json:
        check_json_to_write(args.json, "--json", is_ours=_are_ratios)

    def told(text: str) -> None:
        say(f"measuring {text} ...", file=sys.stderr)

    with threadpool_limits(1), tempfile.TemporaryDirectory() as folder:
        ratios = default_ratios(hour=not args.no_hour, say=told)
        ratios.append(paper_ratio(say=told))
        ratios += memory_ratios(Path(folder), hour=not args.no_hour, eight_hours=args.eight_hours, say=told)
        ratios += help_ratios(say=told)
        if not args.no_loop:
            from reatrieve.lab.bench.loop import loop_ratios

            ratios += loop_ratios(Path(folder), say=told)
    table = Table("what", "figure", "over", "figure", "ratio", "goal", "")
    for r in ratios:
        goal = "" if r.goal is None else f"<= {r.goal:g}"
        table.add_row(
            r.what,
            f"{r.value:.4g} {r.unit}",
            r.base,
            f"{r.base_value:.4g} {r.unit}",
            f"{r.ratio:.3g}",
            goal,
            "ok" if r.holds else "MISSED",
        )
    console = Console()
    console.print(table) if console.is_terminal else Console(width=120).print(table)
    if args.json:
        write_text(args.json, json.dumps({r.name: r.as_json() for r in ratios}, indent=1) + "\n")
    return 0 if all(r.holds for r in ratios) else 1


def _are_ratios(found: Mapping[str, Any]) -> bool:
    return all(isinstance(one, dict) and "ratio" in one for one in found.values())
