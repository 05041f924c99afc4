"""Outside programs for the tests: skipped where they are missing, an error in CI."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

__all__ = ["PEERS", "node", "output", "program"]

PEERS = Path(__file__).parent


def _missing(what: str, how: str) -> None:
    message = f"{what} is not installed ({how})"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


def program(name: str) -> str:
    """Path of a program that tests/peers/apt.txt installs."""
    found = shutil.which(name)
    if found is None:
        _missing(name, "see tests/peers/apt.txt")
    return str(found)


def output(name: str, *arguments: str | Path, cwd: Path | None = None) -> str:
    """What a program prints; an error shows its standard error."""
    command = [program(name), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, cwd=cwd, timeout=120, check=False)
    assert done.returncode == 0, done.stderr.decode(errors="replace") or done.stdout.decode(errors="replace")
    return done.stdout.decode("utf-8", errors="replace")


def node(script: str, *arguments: str | Path, packages: Sequence[str] = ()) -> Any:
    """Run ``tests/peers/<script>`` in node and return the JSON that it prints.

    ``packages`` are looked for in the folder that the environment variable REATRIEVE_NODE_MODULES names.
    """
    modules = Path(os.environ.get("REATRIEVE_NODE_MODULES", PEERS / "node_modules"))
    for package in packages:
        if not (modules / package).is_dir():
            _missing(f"the npm package {package}", "see tests/peers/npm.txt; REATRIEVE_NODE_MODULES names their folder")
    environment = {**os.environ, "NODE_PATH": str(modules)}
    command = [program("node"), str(PEERS / script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, env=environment, timeout=120, check=False)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return json.loads(done.stdout)
