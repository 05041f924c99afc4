"""Session journals: append-only JSON lines, on disk before anybody is told."""

from reatrieve.journal.file import Beside, Copied, Journal, read_header, read_journal
from reatrieve.journal.folder import (
    JournalFolder,
    StoredJournal,
    check_journal,
    copies_folder,
    moment,
    project_is_there,
)
from reatrieve.journal.lines import DamageError, Header, Line

__all__ = [
    "Beside",
    "Copied",
    "DamageError",
    "Header",
    "Journal",
    "JournalFolder",
    "Line",
    "StoredJournal",
    "check_journal",
    "copies_folder",
    "moment",
    "project_is_there",
    "read_header",
    "read_journal",
]
