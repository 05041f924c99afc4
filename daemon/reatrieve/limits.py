"""How much of everything comes in: one table for the bridge, journals and sound files.

docs/protocol.md lists the same figures ("Limits"); a test holds the two against each other. What is past a limit is
refused with a sentence that names the limit; nothing is cut off in silence.
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "BPM",
    "BUDGET",
    "CANDIDATES",
    "CELL_CHARACTERS",
    "CHANNELS",
    "CLIENTS",
    "COPIES",
    "DRAFTS_BYTES",
    "GAIN",
    "HEADER_BYTES",
    "ID_BYTES",
    "ITEMS",
    "JOURNAL_BYTES",
    "KNOWN",
    "KNOWN_SESSIONS",
    "LABEL_BYTES",
    "LENGTH_S",
    "LINE_BYTES",
    "LONGEST_EXAMPLE_S",
    "MAX_RATE_HZ",
    "METRE",
    "MIN_RATE_HZ",
    "NUDGE_MS",
    "NUMBER",
    "OPEN_SESSIONS",
    "PATH_BYTES",
    "PREPARED_S",
    "PRESSES",
    "PROBES_BYTES",
    "PROBE_BYTES",
    "PROBE_PAGES",
    "QUEUED",
    "SAMPLE",
    "SESSIONS",
    "SHORTEST_EXAMPLE_S",
    "SNAP",
    "SPOOL_BYTES",
    "TEMPO",
    "TEXT_BYTES",
    "TIME_S",
    "TOKEN_CHARACTERS",
    "WALL_TIME_S",
]

# Texts, in bytes of UTF-8
ID_BYTES: Final = 128
"""Sessions, ops, GUIDs, names of retrievers."""
LABEL_BYTES: Final = 512
PATH_BYTES: Final = 4096
TEXT_BYTES: Final = 512
"""Every other text."""

# Numbers
NUMBER: Final = 2**31 - 1
BUDGET: Final = 100_000
"""Rejections that a session may allow, raises included."""
CANDIDATES: Final = 4_000
"""Candidates of one session."""
TIME_S: Final = 1e7
"""Seconds before or after the start of the project, or of a recording in a table of labels: 115 days."""
LENGTH_S: Final = 48 * 3600.0
"""Length of a sound file, and of a track from its first item to its last."""
WALL_TIME_S: Final = 253_402_300_799.0
"""Seconds since 1970 to the last second of year 9999."""
GAIN: Final = 1e4
"""Linear: 80 dB."""
NUDGE_MS: Final = 60_000.0
BPM: Final = 10_000.0
METRE: Final = 1024
"""Numerator and denominator."""
SNAP: Final = 1024
"""Grid divisions per beat."""

# What a client describes before its search
ITEMS: Final = 10_000
TEMPO: Final = 10_000
KNOWN: Final = 2_000
"""Answers of an earlier search; half of the candidates that a session may have."""
PROBE_PAGES: Final = 1024
PROBE_BYTES: Final = 1 << 22
"""One item's probe."""
PROBES_BYTES: Final = 1 << 25
"""All probes of a session together."""
DRAFTS_BYTES: Final = 1 << 28
"""All that describes tracks of sessions that are not open; past it those of the longest unused are forgotten."""

SHORTEST_EXAMPLE_S: Final = 0.05
LONGEST_EXAMPLE_S: Final = 30.0
"""``track.lua`` has both for REAPER's time selection."""

# What the daemon holds
PREPARED_S: Final = 1800.0
"""The longest track that is decoded and analysed before anybody searches it."""
SESSIONS: Final = 500
"""Listed of one project, the latest ones."""
OPEN_SESSIONS: Final = 24
"""Held in memory; the longest unused idle one is closed, and opened again when it is needed."""
KNOWN_SESSIONS: Final = 1000
"""What clients said of them is kept; past it the longest unused are forgotten (their journals stay)."""
QUEUED: Final = 1024
"""Commands of one session that wait."""
CLIENTS: Final = 256
PRESSES: Final = 16
"""A controller's presses that a client has not seen yet; further ones are dropped."""

# Files
SPOOL_BYTES: Final = 65_536
LINE_BYTES: Final = 65_536
"""An event in a journal; in characters, a line of a project that is read."""
HEADER_BYTES: Final = 1 << 25
JOURNAL_BYTES: Final = 1 << 26
CELL_CHARACTERS: Final = 16_384
"""A cell of a table of labels: longer ones are no names and no times, and what takes names apart is not shown them."""
COPIES: Final = 1000
"""Copies of journals looked at beside one project."""

# Sound
MIN_RATE_HZ: Final = 1_000
MAX_RATE_HZ: Final = 1_000_000
CHANNELS: Final = 128
SAMPLE: Final = 1e6
"""Magnitude; full scale is 1."""

TOKEN_CHARACTERS: Final = 16
"""The shortest token of the user's own where the daemon listens to the network."""
