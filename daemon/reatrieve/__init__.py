"""ReaTrieve: mark one sound, get every other place where it happens, take the places into the game."""

__all__ = ["__version__"]

__version__ = "0.1.0"
