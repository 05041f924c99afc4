"""REAPER's functions, one module for each part of the program; `load` registers them all."""

from importlib import import_module

__all__ = ["load"]

_MODULES = (
    "audio",
    "drawing",
    "items",
    "markers",
    "numbers",
    "projects",
    "sockets",
    "sources",
    "state",
    "system",
    "takes",
    "tempo",
    "tracks",
    "transport",
    "undo",
)


def load() -> None:
    """Register every function."""
    for name in _MODULES:
        import_module(f"{__name__}.{name}")
