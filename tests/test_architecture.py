"""Imports point one way, and the pure packages stay pure."""

import ast
import importlib
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "daemon" / "reatrieve"

ALLOWED = {
    "errors": set(),
    "filelock": set(),
    "installation": {"errors"},
    "address_space": {"errors"},
    "files": {"errors"},
    "limits": set(),
    "plain": set(),
    "prefetch": set(),
    "reported": set(),
    "settings": {"errors", "files", "limits", "plain"},
    "session": {"errors", "limits"},
    "retrieval": {"errors", "installation", "prefetch", "session"},
    "audio": {"errors", "files", "limits", "prefetch", "reported", "session"},
    "annotations": {"errors", "files", "limits", "plain", "session", "audio"},
    "synth": {"errors"},
    "journal": {"errors", "filelock", "files", "limits", "session", "audio"},
    "sync": {"errors", "filelock", "files", "limits", "plain", "session", "audio", "annotations"},
    "bridge": {"errors", "filelock", "files", "limits"},
    "headless": {"errors", "files", "installation"},
    "setup": {"errors", "files", "installation", "reported", "settings", "bridge"},
    "demo": {"errors", "session", "journal", "headless"},
    "service": {
        *("errors", "files", "installation", "limits", "plain", "reported", "settings"),
        *("session", "retrieval", "audio", "journal", "sync", "bridge"),
    },
    "lab": {
        *("errors", "files", "installation", "plain", "session", "retrieval"),
        *("audio", "annotations", "synth", "journal", "headless", "demo"),
    },
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
    if part == "retrieval" and "learned" in path.parts:  # reads the files of models
        inside -= {"files"}
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


MAY_PRINT = {"output.py": {"print"}, "terminal.py": {"Console"}, "__init__.py": {"print"}, "bench.py": {"Console"}}
"""Modules of the command line that print themselves; all others do it through ``output`` and ``terminal``, which let no
control character of a name pass."""


def test_commands_print_in_one_place():
    for path in (PACKAGE / "cli").glob("*.py"):
        calls = {
            n.func.id
            for n in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
        }
        assert calls & {"print", "Console"} <= MAY_PRINT.get(path.name, set()), path.name


def test_the_rules_themselves_have_no_cycle():
    seen: dict[str, int] = {}

    def depth(part, above=()):
        assert part not in above, f"cycle: {[*above, part]}"
        if part not in seen:
            seen[part] = 1 + max((depth(below, (*above, part)) for below in ALLOWED[part]), default=0)
        return seen[part]

    assert max(depth(part) for part in ALLOWED) < len(ALLOWED)


def test_every_arrow_is_used():
    used: dict[str, set[str]] = {part: set() for part in ALLOWED}
    for path in modules():
        part = part_of(path)
        if part in used:
            used[part] |= {name.split(".")[1] for name in imports_of(path) if name.startswith("reatrieve.")}
    unused = {part: sorted(allowed - used[part]) for part, allowed in ALLOWED.items() if allowed - used[part]}
    assert not unused, f"ALLOWED has arrows that nobody uses: {unused}"


def test_the_command_line_imports_the_lab_only_where_it_is_asked_for():
    for path in modules():
        if part_of(path) != "cli":
            continue
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not any(name.startswith("reatrieve.lab") for name in names), (
                f"{path.name} imports the lab at its top"
            )


def test_no_circle_inside_a_part():
    """Imports at a module's top and inside functions alike; those for type checkers alone are left out."""
    inside = {module_name(path): runtime_imports(path) for path in modules()}
    seen: set[str] = set()

    def visit(name, above=()):
        assert name not in above, f"circle: {' -> '.join([*above[above.index(name) :], name])}"
        if name in seen:
            return
        for below in sorted(inside.get(name, ())):
            visit(below, (*above, name))
        seen.add(name)

    for name in inside:
        visit(name)


def module_name(path):
    return ".".join(("reatrieve", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")


def runtime_imports(path):
    """The modules of the package that this one imports when it runs (``from x import y``: x.y where that is one)."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
            node.body = []
    known = {module_name(other) for other in modules()}
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            full = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= full & known or {node.module}
    return (found & known) - {module_name(path)}


def test_public_functions_take_few_arguments():
    """More than six that may be given by position cannot be read at the call."""
    for path in modules():
        if part_of(path) == "headless" and "api" in path.parts:
            continue  # REAPER's own arguments
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
                names = [a.arg for a in (*node.args.posonlyargs, *node.args.args) if a.arg not in {"self", "cls"}]
                assert len(names) <= 6, f"{path.relative_to(PACKAGE)}: {node.name} takes {len(names)}"


DELETES = {
    "audio.cache": "the cache",
    "audio.hashing": "the cache",
    "audio.opening": "whatever it writes",
    "bridge.handover": "in the home",
    "bridge.home": "in the home",
    "bridge.spool": "the spool",
    "files": "whatever it writes",
    "journal.file": "journals",
    "service.actor": "copies beside a project",
    "service.service": "renderings",
    "sync.export": "exports",
    "sync.turns": "exports",
}
"""Where the daemon deletes, and under which words ``docs/security.md`` says so."""


def test_whatever_the_daemon_deletes_is_in_the_list_of_security():
    said = (PACKAGE.parents[1] / "docs" / "security.md").read_text(encoding="utf-8")
    deleting = {"unlink", "rmtree", "rmdir", "removedirs", "TemporaryDirectory"}
    found = {
        module_name(path).removeprefix("reatrieve.")
        for path in modules()
        if part_of(path) not in {"cli", "demo", "headless", "lab", "setup", "synth"}
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.Attribute) and node.attr in deleting)
        or (isinstance(node, ast.Attribute) and ast.unparse(node) == "os.remove")
    }
    assert found == set(DELETES)
    assert not [words for words in DELETES.values() if f"**{words}**" not in said]


def test_no_two_classes_have_one_name():
    """Classes at a module's top, and names declared as ``TypeAlias``; private ones may repeat."""
    where: dict[str, list[str]] = {}
    for path in modules():
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                where.setdefault(node.name, []).append(module_name(path))
            elif isinstance(node, ast.AnnAssign) and ast.unparse(node.annotation) == "TypeAlias":
                where.setdefault(ast.unparse(node.target), []).append(module_name(path))
    assert not {name: places for name, places in where.items() if len(places) > 1 and not name.startswith("_")}


MOVED = {
    "": ["bench", "evaluation", "learned"],
    "retrieval.": [
        "spans", "events", "session", "search", "interface", "ending", "outlook", "ranking", "template", "kernel",
        "pooled", "evidence", "refine", "background", "coarse", "mel", "salience", "judgement", "fitted", "calibration",
        "distances", "factorise", "selection", "picking", "labels", "frames", "waveform",
    ],
    "sync.": ["annotation", "readers", "riff", "target", "sessions", "labels"],
    "demo.": ["timeline"],
    "service.": ["science"],
    "headless.": ["handles", "views", "process_engine"],
}  # fmt: skip
"""Where things were before they had a folder for their subject."""


@pytest.mark.parametrize("name", [part + name for part, names in MOVED.items() for name in names])
def test_no_old_module_can_be_imported(name):
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module(f"reatrieve.{name}")


def test_a_line_of_the_log_begins_with_words_of_ours():
    """What is from outside is an argument, and so left out of a report."""
    calls = ("debug", "info", "warning", "error", "exception", "critical")
    strange = []
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in calls):
                continue
            whose = ast.unparse(node.func.value)
            first = node.args[0] if node.args else None
            if whose in ("logger", "package") or "getLogger" in whose:
                assert first is not None
                if not (isinstance(first, ast.Constant) and isinstance(first.value, str)):
                    strange.append(f"{path.name}:{node.lineno}")
    assert not strange
