"""Every sentence that a user can be shown, read from the sources: what stands for a name or a number is an ellipsis."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "reaper_scripts"
PACKAGE = ROOT / "daemon" / "reatrieve"
GAP = "…"

# Lua modules without a word for the user: they check, they encode, or they only write for a bug report.
SILENT = ("guard", "osc", "messages", "selftest", "selftest_list")
_LUA_TOKEN = re.compile(r"--\[\[.*?\]\]|--[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|\[\[.*?\]\]", re.DOTALL)
_LUA_FIELD = re.compile(r"%[-+]?[\d.]*[a-zA-Z]")
# What is no sentence for the user although it holds several words.
_INTERNAL = re.compile(
    r"^(no (setting|capability) |\^|%|/|SCR |\[|MenuSets/|item_|\(?… ?[<>]| </dev|Mavriq|Application Support|C:\\)"
    r"|\.…|\)\$$"
)
_FAULTS = re.compile(r"\berror\((?:\(?\"[^\"]*\"\)?[^\n]*), 2\)")  # a caller's fault, seen by programmers only
_INVARIANTS = re.compile(r"^local INVARIANTS = .*?^\}", re.MULTILINE | re.DOTALL)

ERRORS = {
    "AudioError", "BusyError", "CancelledError", "EdgesError", "ElsewhereError", "ForceNeededError", "ForeignFileError",
    "InputError", "JournalError", "ProtocolError", "ReatrieveError", "StaleError",
}  # fmt: skip
TOLD_BY = {"Note", "Refused", "note", "_tell_of_source", "loose_timing_note"}
# Programs for those who build ReaTrieve, and the simulated REAPER of the tests.
LEFT_OUT = ("headless/", "lab/learning/", "lab/fit_calibration.py")


def plain(text: str) -> str:
    """Without marks of Markdown and with single blanks, so that pages and sources can be compared."""
    bare = re.sub(r"[`*]|\\(?=\|)", "", text)
    return re.sub(r"\s+", " ", re.sub(f"{GAP}+", GAP, bare)).strip()


def words(text: str) -> int:
    """How many words a text has of its own."""
    return len(re.findall(r"[A-Za-z']{2,}", text))


def of_scripts() -> Iterator[tuple[str, str]]:
    """(place, text) of each text literal of the scripts that has more than one word."""
    for path in sorted(SCRIPTS.rglob("*.lua")):
        if path.stem in SILENT:
            continue
        source = _INVARIANTS.sub("", _FAULTS.sub("", path.read_text(encoding="utf-8")))
        for match in _LUA_TOKEN.finditer(source):
            if match[0].startswith("--"):
                continue
            literal = match[0][2:-2] if match[0].startswith("[[") else match[0][1:-1]
            text = _LUA_FIELD.sub(GAP, literal).replace("%%", "%").replace('\\"', '"').replace("\\n", " ")
            if words(text) > 1 and " " in text.strip() and not _INTERNAL.search(text):
                yield f"{path.name}:{source.count(chr(10), 0, match.start()) + 1}", plain(text)


def of_python() -> Iterator[tuple[str, str]]:
    """(place, text) of each error that is raised for the user, and of each note and refusal of the daemon."""
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        if name.startswith(LEFT_OUT):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        functions = (one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef))
        for function in [tree, *functions]:
            known = _assigned(function)
            for node in _own_nodes(function):
                for expression in _told(node):
                    for text in _templates(expression, known):
                        if words(text) > 1 and " " in text.strip():
                            yield f"{name}:{node.lineno}", plain(text)  # type: ignore[attr-defined]


def _told(node: ast.AST) -> list[ast.expr]:
    """What a statement or call tells the user: arguments of errors and notes, and what is kept to be told."""
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "notes.append":
        (pair,) = node.args
        return pair.elts if isinstance(pair, ast.Tuple) else [pair]
    if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in ERRORS | TOLD_BY:
        return node.args
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Attribute) and node.targets[0].attr == "note":
        return [node.value]
    return []


def _own_nodes(function: ast.AST) -> Iterator[ast.AST]:
    left = list(ast.iter_child_nodes(function))
    while left:
        node = left.pop()
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            left += ast.iter_child_nodes(node)
            yield node


def _assigned(function: ast.AST) -> dict[str, list[ast.expr]]:
    """What a function's own names are set to, where that is text."""
    found: dict[str, list[ast.expr]] = {}
    for node in _own_nodes(function):
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            found.setdefault(node.targets[0].id, []).append(node.value)
    return found


def _templates(node: ast.expr, known: dict[str, list[ast.expr]]) -> list[str]:
    """The texts that an expression can be, as far as they are written there; [] where none is."""
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else []
    if isinstance(node, ast.JoinedStr):
        return ["".join(str(part.value) if isinstance(part, ast.Constant) else GAP for part in node.values)]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return [a + b for a in _templates(node.left, known) or [GAP] for b in _templates(node.right, known) or [GAP]]
    if isinstance(node, ast.IfExp):
        return _templates(node.body, known) + _templates(node.orelse, known)
    if isinstance(node, ast.Name):
        others = {name: values for name, values in known.items() if name != node.id}
        return [text for value in known.get(node.id, []) for text in _templates(value, others)]
    return []
