"""``reatrieve synth``: make an annotated data set of electronic music."""

from __future__ import annotations

import argparse

from reatrieve import limits
from reatrieve.cli.output import say
from reatrieve.cli.parser import Parser
from reatrieve.cli.values import check_folder_to_write, file_path, plural, seconds_or_number, whole_up_to

__all__ = ["add", "run"]

MOST_SONGS = 10_000


def add(subparsers: argparse._SubParsersAction[Parser]) -> None:
    """Add the subcommand."""
    from reatrieve.synth import GENRE_NAMES, PRESETS, SCENE_NAMES

    parser = subparsers.add_parser(
        "synth",
        description="Make annotated electronic music from nothing but numpy and scipy: sounds of interest at known "
        "times over changing backgrounds, in the format that `reatrieve evaluate` reads.",
    )
    parser.add_argument("out", type=file_path, metavar="OUT", help="folder to make (must be new or empty)")
    parser.add_argument(
        "--songs",
        type=whole_up_to(MOST_SONGS),
        default=8,
        metavar="N",
        help=f"how many songs, at most {MOST_SONGS} (default 8)",
    )
    parser.add_argument(
        "--genre",
        choices=(*GENRE_NAMES, *SCENE_NAMES),
        metavar="NAME",
        help=f"{', '.join(GENRE_NAMES)} (default: each in turn), or a scene: {', '.join(SCENE_NAMES)}; add --preset "
        "easy to a scene, where hard hides words and footsteps below the ambience",
    )
    parser.add_argument(
        "--preset",
        choices=tuple(PRESETS),
        default="hard",
        help="how hard: easy (as loud as the background, repeats unchanged), hard (default: 5 to 10 dB below it, some "
        "repeats altered), altered (most repeats altered, also in pitch and tempo), none (each sound happens once)",
    )
    parser.add_argument(
        "--seed",
        type=whole_up_to(limits.NUMBER),
        default=0,
        metavar="S",
        help="the same seed makes the same songs (default 0)",
    )
    parser.add_argument(
        "--duration",
        type=seconds_or_number,
        default=120.0,
        metavar="S",
        help="length of a song: 90 or 1:30 (default 120)",
    )
    parser.add_argument("--codec", choices=("flac", "ogg", "mp3", "wav"), help="audio format (default: the preset's)")
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Make the songs, with a progress bar on standard error."""
    from reatrieve.cli.terminal import progress_bar
    from reatrieve.synth import write_dataset

    check_folder_to_write(args.out, "OUT")
    with progress_bar("making songs") as told:
        n_rows = write_dataset(
            args.out,
            n_songs=args.songs,
            genre=args.genre,
            seed=args.seed,
            preset=args.preset,
            duration_s=args.duration,
            codec=args.codec,
            progress=lambda done: told(done / args.songs),
        )
    say(f"{plural(args.songs, 'song')}, {plural(n_rows, 'annotated occurrence')}: {args.out}")
    return 0
