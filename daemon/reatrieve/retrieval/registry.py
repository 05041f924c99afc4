"""Retrievers by name, with their settings."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterable, Mapping
from typing import Any

from reatrieve.errors import InputError, did_you_mean
from reatrieve.session.retriever import Retriever

__all__ = ["demand_retriever", "make_retriever", "retriever_names"]

# Name -> module and class (imported when asked for: librosa and scikit-learn take a second) and what it presets.
_PAPER = ("reatrieve.retrieval.paper.retriever", "PaperRetriever")
_NAMED: Mapping[str, tuple[tuple[str, str], Mapping[str, Any]]] = {
    "default": (("reatrieve.retrieval.default.retriever", "DefaultRetriever"), {}),
    "paper": (_PAPER, {"name": "paper"}),
    "paper-tuned": (_PAPER, {"name": "paper-tuned", "alpha": 1.0}),
    "mfcc-nn": (_PAPER, {"name": "mfcc-nn", "components": 0, "selected": 0}),
}


def retriever_names() -> tuple[str, ...]:
    """The names that ``make_retriever`` knows."""
    return tuple(_NAMED)


def demand_retriever(name: str) -> None:
    """Refuse a name that no retriever has, without loading any.

    Raises
    ------
    InputError
        If it is unknown; the text lists the known ones.
    """
    if name not in _NAMED:
        raise InputError(_unknown("retriever", name, _NAMED))


def make_retriever(name: str, **settings: Any) -> Retriever:
    """The retriever called ``name``, with ``settings`` in place of its own.

    Raises
    ------
    InputError
        If the name or a setting is unknown (the text lists the known ones), or a value is impossible.
    """
    demand_retriever(name)
    (module, class_name), preset = _NAMED[name]
    make = getattr(importlib.import_module(module), class_name)
    known = [setting for setting in inspect.signature(make).parameters if setting != "name"]
    for setting in settings:
        if setting not in known:
            raise InputError(_unknown(f"setting of retriever {name}", setting, known))
    retriever: Retriever = make(**{**preset, **settings})
    return retriever


def _unknown(what: str, name: str, known: Iterable[str]) -> str:
    names = sorted(known)
    return f"unknown {what}: {name!r}; {did_you_mean(name, names)}known: {', '.join(names) or 'none'}"
