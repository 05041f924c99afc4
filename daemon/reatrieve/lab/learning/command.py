"""The command line of the training: ``bank``, ``train``, ``weights``, ``static``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from reatrieve.errors import InputError
from reatrieve.installation import missing
from reatrieve.lab.command import say, status_of

if TYPE_CHECKING:
    from reatrieve.retrieval.learned.network import Network

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one step; returns the exit status."""
    parser = _parser()
    given = parser.parse_args(arguments)
    return status_of(lambda: given.run(given))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m reatrieve.lab.learning", description="Train the learned view.")
    steps = parser.add_subparsers(required=True, metavar="STEP")
    bank = steps.add_parser("bank", help="make the sounds to learn from")
    bank.add_argument("bank", type=Path, help="file to write (npz)")
    bank.add_argument(
        "--recordings", type=Path, required=True, help="folder with the unpacked packages (docs/learned-view.md)"
    )
    bank.set_defaults(run=_bank)
    train = steps.add_parser("train", help="train a network (needs torch, the extra 'training')")
    train.add_argument("bank", type=Path, help="the sounds, as the step 'bank' wrote them")
    train.add_argument("weights", type=Path, help="file to write (npz)")
    train.add_argument("--steps", type=int, default=600, help="batches of eight scenes (default: %(default)s)")
    train.add_argument("--seed", type=int, default=3, help="another gives another network (default: %(default)s)")
    train.add_argument(
        "--marks", type=int, nargs="*", default=[], help="steps after which the weights so far are written too"
    )
    train.set_defaults(run=_train)
    reference = steps.add_parser("reference", help="write the golden file that tests compare with (needs torch)")
    reference.add_argument("weights", type=Path, help="the shipped weights")
    reference.add_argument("golden", type=Path, help="file to write (npz)")
    reference.set_defaults(run=_reference)
    static = steps.add_parser("static", help="recall at 10 of single views: one example, no answers")
    static.add_argument("folders", type=Path, nargs="+", help="data sets (docs/datasets.md)")
    static.add_argument(
        "--weights", type=Path, nargs="*", default=[], help="networks to measure beside the shipped one"
    )
    static.add_argument("--sounds", type=int, help="so many sounds of each set (default: all)")
    static.set_defaults(run=_static)
    return parser


def _bank(given: argparse.Namespace) -> None:
    from reatrieve.lab.learning.bank import make_bank

    make_bank(given.bank, recordings=given.recordings, tell=say)


def _need_torch() -> None:
    if find_spec("torch") is None:
        raise missing("torch")


def _train(given: argparse.Namespace) -> None:
    _need_torch()
    from reatrieve.lab.learning.bank import load_bank
    from reatrieve.lab.learning.train import train

    train(
        load_bank(given.bank), given.weights, n_steps=given.steps, seed=given.seed, marks=tuple(given.marks), tell=say
    )


def _reference(given: argparse.Namespace) -> None:
    _need_torch()
    from reatrieve.lab.learning.reference import write_reference

    write_reference(given.weights, given.golden)


def _static(given: argparse.Namespace) -> None:
    from reatrieve.lab.learning.static import static_recall, tabulated
    from reatrieve.retrieval.learned.network import shipped_network

    networks = {"network": shipped_network()} | {path.stem: _loaded(path) for path in given.weights}
    rows = []
    for folder in given.folders:
        rows.append(static_recall(folder, networks, n_sounds=given.sounds))
        say(f"{folder.name} done")
    for line in tabulated(rows):
        say(line)


def _loaded(path: Path) -> Network:
    from reatrieve.retrieval.learned.network import load_network

    try:
        with path.open("rb") as file:
            return load_network(file)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            f"{path} holds no weights ({error}); make some with: python -m reatrieve.lab.learning train"
        ) from error
