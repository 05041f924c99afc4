"""A journal that somebody names on the command line: another kind of file in its place is told as what it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from reatrieve.cli.values import command_line, plural
from reatrieve.errors import InputError, JournalError, NotAJournalError

if TYPE_CHECKING:
    from reatrieve.journal import Header, Line

__all__ = ["read_named_journal"]


def read_named_journal(
    path: Path,
    *,
    wanted_by: str,
    options: Mapping[str, str] | None = None,
    warn: bool = True,
    on_damage: Callable[[str], None] | None = None,
) -> tuple[Header, list[Line]]:
    """Header and events of a journal.

    Parameters
    ----------
    wanted_by : the command or option that reads it, as it is typed.
    options : the option that takes such a file instead, by the file's ending.
    warn : of a last line that was not written completely; False: whoever opens the journal afterwards does that.
    on_damage : told what is damaged, where the events before that are enough; None: they are not.

    Raises
    ------
    InputError
        If it is a sound file, or another file that one of ``options`` takes.
    JournalError
        If it is a journal that cannot be read, or nothing known; of a damaged one it names the command that writes
        what stands before the damage.
    """
    from reatrieve.audio.decode import SOUND_ENDINGS
    from reatrieve.journal import DamageError, read_journal
    from reatrieve.session.state import fold

    try:
        return read_journal(path, warn=warn)
    except DamageError as damage:
        if damage.header is None or not damage.lines:
            raise
        before = plural(fold(line.event for line in damage.lines).answers, "answer")
        if on_damage is None:
            does = command_line("reatrieve", "export", path)
            raise JournalError(f"{damage}; this writes what stands before that ({before}): {does}") from damage
        on_damage(f"{damage}; only what stands before that is taken ({before})")
        return damage.header, damage.lines
    except JournalError as error:
        ending = path.suffix.lower().removeprefix(".")
        if ending in SOUND_ENDINGS and path.is_file():  # often larger than any journal, so that it was not even read
            raise InputError(
                f"{path} is a sound file; {wanted_by} wants the journal of a session on it, this shows all in the "
                "home folder: reatrieve journal list"
            ) from error
        option = (options or {}).get(ending)
        if option is not None and isinstance(error, NotAJournalError):
            raise InputError(f"{path} is no journal; give it as {command_line(option, path)}") from error
        raise
