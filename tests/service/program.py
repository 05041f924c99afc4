"""Outside programs that tests need."""

import os
import shutil

import pytest


def needs(name):
    """Path of a program; the test is skipped where it is missing, but fails in CI."""
    path = shutil.which(name)
    if path is None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"{name} is missing")
        pytest.skip(f"{name} is not installed")
    return path
