"""The host's own house: no module imports in a circle, and none reads the environment."""

from __future__ import annotations

import ast
from pathlib import Path

import reatrieve.headless

FOLDER = Path(reatrieve.headless.__file__).parent
MODULES = {".".join(path.relative_to(FOLDER).with_suffix("").parts): path for path in sorted(FOLDER.rglob("*.py"))}


def imported(path):
    """Modules of the host that a module imports anywhere: at the top, in functions, and for its annotations only."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            inside = name.removeprefix("reatrieve.headless.")
            if name.startswith("reatrieve.headless.") and inside in MODULES:
                yield inside


def test_no_module_imports_in_a_circle():
    edges = {name: set(imported(path)) - {name} for name, path in MODULES.items() if not name.endswith("__init__")}
    done: set[str] = set()

    def visit(name, above):
        assert name not in above, f"circle: {' -> '.join([*above[above.index(name) :], name])}"
        if name not in done:
            for below in sorted(edges.get(name, ())):
                visit(below, [*above, name])
            done.add(name)

    for name in edges:
        visit(name, [])
    assert done == set(edges)


def test_only_the_settings_read_the_environment():
    for path in MODULES.values():
        text = path.read_text(encoding="utf-8")
        assert "environ" not in text.replace("environment", ""), path.name
        assert "getenv" not in text.replace("os.getenv``", ""), path.name
