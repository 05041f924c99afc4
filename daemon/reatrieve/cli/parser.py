"""The parser of the command line: errors are one sentence, and options that have no effect are refused."""

from __future__ import annotations

import argparse
import difflib
import re
import sys
import textwrap
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, NoReturn

from reatrieve.errors import InputError, did_you_mean
from reatrieve.plain import quoted

__all__ = ["Parser", "Rule", "apart", "idle", "needs"]


@dataclass(frozen=True, slots=True)
class Rule:
    """When an option has an effect.

    Attributes
    ----------
    option : as it is typed, ``--match``.
    holds : told what was parsed and which options were typed, says whether all is well.
    text : the rest of the sentence that begins with the option.
    """

    option: str
    holds: Callable[[argparse.Namespace, Set[str]], bool]
    text: str


def needs(option: str, *others: str) -> Rule:
    """``option`` has an effect only beside one of ``others``."""
    text = f"has no effect without {' or '.join(others)}; give that, too"
    return Rule(option, lambda _args, given: bool(given & set(others)), text)


def idle(beside: str, *options: str) -> list[Rule]:
    """None of ``options`` has an effect where ``beside`` is given."""
    text = f"has no effect with {beside}; leave one out"
    return [Rule(option, lambda _args, given: beside not in given, text) for option in options]


def apart(option: str, *others: str, why: str = "") -> list[Rule]:
    """``option`` cannot stand beside any of ``others``."""

    def rule(other: str) -> Rule:
        reason = f": {why}" if why else ""
        return Rule(option, lambda _args, given: other not in given, f"and {other} do not go together{reason}")

    return [rule(other) for other in others]


class _Help(argparse.RawDescriptionHelpFormatter):
    """Keeps lines as they are written, and breaks those that the terminal has no room for below their last column."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return "\n".join(self._broken(indent + line, width) for line in text.splitlines())

    def _broken(self, line: str, width: int) -> str:
        columns = [match.end() for match in re.finditer(r"^ +|\S {2,}", line)]
        return textwrap.fill(line, max(width, 20), subsequent_indent=" " * (columns[-1] if columns else 0))


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one sentence; of a subcommand, too.

    Attributes
    ----------
    rules : which options go together; a breach is an ``InputError``.
    without_value : option to the rest of the sentence that is said where its value is missing.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"formatter_class": _Help, **kwargs})
        self.rules: Sequence[Rule] = ()
        self.without_value: Mapping[str, str] = {}
        self._defaults_later: dict[str, Any] = {}
        self._typed: Sequence[str] = ()
        self._negative_number_matcher = re.compile(
            r"-[.,]?\d(?:[\w.,:]|(?<=[eE])[+-])*\Z"
        )  # -0:05 and -80ms are values, no options

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Parse, and check the rules; what is left over is an error here, where the subcommand is known.

        Raises
        ------
        InputError
            If a rule does not hold, or an argument is left over.
        """
        for action in self._actions:  # argparse cannot tell a default from the same value typed
            if action.option_strings and action.default is not argparse.SUPPRESS:
                self._defaults_later[action.dest], action.default = action.default, argparse.SUPPRESS
        self._typed = list(sys.argv[1:] if args is None else args)
        found, extra = super().parse_known_args(args, namespace)
        if extra:
            self.error(self._unknown(extra[0]))
        options = [action for action in self._actions if action.option_strings]
        given = {action.option_strings[-1] for action in options if action.dest in found}
        for dest, default in self._defaults_later.items():
            if dest not in found:
                setattr(found, dest, default)
        for rule in self.rules:
            if rule.option in given and not rule.holds(found, given):
                raise InputError(f"{rule.option} {rule.text}")
        return found, []

    def _print_message(self, message: str, file: Any = None) -> None:
        """Print help or version; unlike argparse's own, a disk that is full is no secret."""
        if message and file is not None:
            file.write(message)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            names = [str(one) for one in action.choices]
            guess = did_you_mean(str(value), names)
            raise argparse.ArgumentError(action, f"{quoted(value)} is unknown; {guess}known: {', '.join(names)}")

    def _unknown(self, word: str) -> str:
        if not word.startswith("-"):
            return f"{quoted(word)} is one argument too many; put a path with spaces into quotation marks"
        options = [one for action in self._actions for one in action.option_strings]
        near = difflib.get_close_matches(word.partition("=")[0], options, n=1)
        return f"there is no option {quoted(word)}" + (f"; did you mean {near[0]}?" if near else "")

    def _unknown_option(self) -> str | None:
        """The first word that was typed as an option, and is none."""
        options = [one for action in self._actions for one in action.option_strings]
        for word in self._typed:
            if word == "--":
                return None
            name = word.partition("=")[0]
            is_option = len(word) > 1 and word.startswith("-") and not self._negative_number_matcher.match(word)
            if is_option and " " not in name and not any(one.startswith(name) or name == one for one in options):
                return word
        return None

    def error(self, message: str) -> NoReturn:
        """Say what is wrong in one line, as of everything else that a user got wrong.

        Raises
        ------
        InputError
            Always.
        """
        for option, text in self.without_value.items():
            if message == f"argument {option}: expected one argument":
                raise InputError(f"{option} {text}")
        if message.startswith("the following arguments are required") and (word := self._unknown_option()):
            message = self._unknown(word)  # more likely what is wrong
        hint = "" if message.endswith("?") else f"; {self.prog} --help shows the options"
        raise InputError(f"{message}{hint}")
