"""What makes a genre: tempo, drum patterns, bass and harmony; a table of data."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["GENRES", "Genre"]


@dataclass(frozen=True, slots=True)
class Genre:
    """Patterns have 16 steps a bar: ``x`` loud, ``o`` soft, ``.`` silent; one is drawn a section for each drum.

    Attributes
    ----------
    bpm : range of tempo.
    drums : patterns by instrument (names of ``instruments.DRUMS``).
    bass_style : styles of ``instruments.bass_note``.
    bass : patterns of the bass.
    chords : progressions, one semitone offset a bar.
    harmony : styles of ``instruments.chord`` with their patterns (``pad`` sounds once a bar).
    duck : how much the kick ducks bass and pads, 0..1.
    families : sounds of interest that suit it.
    """

    bpm: tuple[float, float]
    drums: dict[str, tuple[str, ...]]
    bass_style: tuple[str, ...]
    bass: tuple[str, ...]
    chords: tuple[tuple[int, ...], ...]
    harmony: dict[str, tuple[str, ...]]
    duck: float
    families: tuple[str, ...]


MINOR = ((0, -4, 3, -2), (0, 0, -4, -2), (0, 3, -4, -2), (0, 5, 3, -2))

GENRES: dict[str, Genre] = {
    "house": Genre(
        bpm=(120, 128),
        drums={
            "kick": ("x...x...x...x...", "x...x...x...x..o"),
            "clap": ("....x.......x...", "....x.......x..o"),
            "hat": ("o.o.o.o.o.o.o.o.", "oooooooooooooooo", "..o...o...o...o."),
            "open_hat": ("..x...x...x...x.", "................"),
            "rim": ("...o..o....o..o.", "......o...o....."),
        },
        bass_style=("saw", "sub"),
        bass=("..x...x...x...x.", "x..x..x.x..x..x.", ".xx..xx..xx..xx."),
        chords=MINOR,
        harmony={"stab": ("..x..x....x..x..", "x..x..x...x....."), "pad": ("x...............",)},
        duck=0.6,
        families=("riser", "vocal", "stab", "riff", "swell", "impact", "glitch"),
    ),
    "dubstep": Genre(
        bpm=(138, 142),
        drums={
            "kick": ("x.........o.....", "x.....o.........", "x..x......x....."),
            "snare": ("........x.......", "........x.....o."),
            "hat": ("o.o.o.o.o.o.o.o.", "o..o..o.o..o..oo", "o...o.o.o...o.oo"),
            "open_hat": ("......x.........", "................"),
            "tom": ("..............oo", "................"),
        },
        bass_style=("sub", "reese"),
        bass=("x.......x.......", "x..x....x.....x.", "x.....x...x....."),
        chords=((0, 0, -4, -2), (0, 0, 3, -2), (0, 0, 1, 0)),
        harmony={"pad": ("x...............",), "stab": ("............x...", "....x...........")},
        duck=0.35,
        families=("wobble", "riser", "impact", "vocal", "glitch", "stab"),
    ),
    "downtempo": Genre(
        bpm=(82, 96),
        drums={
            "kick": ("x.....x...x.....", "x..x......x.....", "x.....x..x......"),
            "snare": ("....x.......x...", "....x..o....x..o"),
            "hat": ("o.o.o.o.o.o.o.o.", "o..oo..oo..oo..o"),
            "rim": ("..o....o..o....o", "................"),
        },
        bass_style=("sub", "saw"),
        bass=("x.....x...x.....", "x..x......x..x..", "x.........x....."),
        chords=MINOR,
        harmony={"keys": ("x.....x.........", "x..x....x.......", "x.......x..x...."), "pad": ("x...............",)},
        duck=0.2,
        families=("vocal", "swell", "riff", "stab", "impact", "glitch"),
    ),
    "dnb": Genre(
        bpm=(170, 176),
        drums={
            "kick": ("x.........x.....", "x.x.......x.....", "x......o..x....."),
            "snare": ("....x.......x...", "....x..o.o..x...", "....x.......x..o"),
            "hat": ("o.o.o.o.o.o.o.o.", "oooooooooooooooo", "o.ooo.o.o.ooo.o."),
            "open_hat": ("..........x.....", "................"),
        },
        bass_style=("reese", "sub"),
        bass=("x.......x..x....", "x..x..x...x.....", "x.........x.x..."),
        chords=((0, 0, -4, -2), (0, 0, 3, 5), (0, -2, -4, -2)),
        harmony={"pad": ("x...............",), "stab": ("......x.......x.", "..x.....x.......")},
        duck=0.3,
        families=("riser", "vocal", "wobble", "riff", "impact", "glitch", "swell"),
    ),
}
