"""Imports point one way, and the pure packages stay pure."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "daemon" / "reatrieve"

ALLOWED = {
    "errors": set(),
    "filelock": set(),
    "installation": {"errors"},
    "settings": {"errors"},
    "session": {"errors"},
    "retrieval": {"errors", "installation", "session"},
    "audio": {"errors", "session"},
    "annotations": {"errors", "session", "audio"},
    "synth": {"errors"},
    "journal": {"errors", "filelock", "session", "audio"},
    "sync": {"errors", "session", "audio", "annotations"},
    "bridge": {"errors", "filelock", "session"},
    "headless": {"errors", "installation"},
    "setup": {"errors", "installation", "settings", "bridge"},
    "demo": {"errors", "session", "journal", "headless"},
    "service": {"errors", "installation", "settings", "session", "retrieval", "audio", "journal", "sync", "bridge"},
    "lab": {"errors", "installation", "session", "retrieval", "audio", "annotations", "synth", "journal", "demo"},
}
"""Which parts of the package each part may import; ``cli`` may import all, and nothing may import it."""

IMPURE = {
    "os",
    "io",
    "pathlib",
    "socket",
    "time",
    "datetime",
    "subprocess",
    "tempfile",
    "soundfile",
    "watchdog",
    "asyncio",
}
"""What ``session`` and ``retrieval`` must not touch: files, sockets, clocks, the environment."""


def modules():
    return sorted(PACKAGE.rglob("*.py"))


def part_of(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports_of(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: relative imports hide the direction"
            if node.module == "reatrieve":
                yield from (f"reatrieve.{alias.name}" for alias in node.names)
            else:
                yield node.module


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_one_way(path):
    part = part_of(path)
    if part in {"cli", "__init__", "__main__"}:
        return
    assert part in ALLOWED, f"{part} is new: say in ALLOWED what it may import"
    inside = {name.split(".")[1] for name in imports_of(path) if name.startswith("reatrieve.")} - {"__version__", part}
    assert inside <= ALLOWED[part], f"{path.relative_to(PACKAGE)} imports {sorted(inside - ALLOWED[part])}"


def pure_modules():
    """``retrieval/learned`` is left out: it reads the files of models."""
    return [p for p in modules() if part_of(p) in {"session", "retrieval"} and "learned" not in p.parts]


@pytest.mark.parametrize("path", pure_modules(), ids=lambda path: path.name)
def test_the_science_is_pure(path):
    touched = {name.split(".")[0] for name in imports_of(path)} & IMPURE
    assert not touched, f"{path.name} imports {sorted(touched)}"
    calls = {
        n.func.id
        for n in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
    }
    assert not calls & {"open", "print", "input"}


def test_nobody_imports_the_command_line():
    for path in modules():
        if part_of(path) not in {"cli", "__main__"}:
            assert not any(name.startswith("reatrieve.cli") for name in imports_of(path)), path


def test_the_rules_themselves_have_no_cycle():
    seen: dict[str, int] = {}

    def depth(part, above=()):
        assert part not in above, f"cycle: {[*above, part]}"
        if part not in seen:
            seen[part] = 1 + max((depth(below, (*above, part)) for below in ALLOWED[part]), default=0)
        return seen[part]

    assert max(depth(part) for part in ALLOWED) < len(ALLOWED)
