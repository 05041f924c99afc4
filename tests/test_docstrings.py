"""What types cannot say stands in the docstrings: shapes of arrays, and the errors a function raises itself."""

import ast
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "daemon" / "reatrieve"
ARRAYS = ("NDArray", "ndarray")


def modules():
    return sorted(PACKAGE.rglob("*.py"))


def read(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def mentions(text, names):
    return any(re.search(rf"\b{name}\b", text) for name in names)


def array_names(tree):
    """``NDArray`` and what a module calls by a name of its own (``Audio = NDArray[np.float64]``)."""
    return {
        ast.unparse(target)
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name) and mentions(ast.unparse(node.value), ARRAYS)
    }


def error_names():
    """The package's own errors that others can catch."""
    bases = {
        node.name: {ast.unparse(base).split(".")[-1] for base in node.bases}
        for path in modules()
        for node in ast.walk(read(path))
        if isinstance(node, ast.ClassDef)
    }
    found = {"Exception", "OSError", "ValueError", "RuntimeError"}
    while more := {name for name, above in bases.items() if above & found} - found:
        found |= more
    return {name for name in found & set(bases) if not name.startswith("_")}


def public_functions(tree):
    for node in tree.body:
        inside = node.body if isinstance(node, ast.ClassDef) else [node]
        if getattr(node, "name", "_").startswith("_"):
            continue
        for one in inside:
            if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef) and not one.name.startswith("_"):
                yield one.name if one is node else f"{node.name}.{one.name}", one


def signature(function):
    args = function.args
    every = [*args.posonlyargs, *args.args, args.vararg, *args.kwonlyargs, args.kwarg]
    hints = [arg.annotation for arg in every if arg is not None and arg.annotation is not None]
    return " ".join(ast.unparse(hint) for hint in [*hints, *([function.returns] if function.returns else [])])


def raised(function):
    """Names of what a function raises in its own body, not in functions inside it."""
    left = list(function.body)
    while left:
        node = left.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            continue
        if isinstance(node, ast.Raise) and node.exc is not None:
            exc = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            yield ast.unparse(exc).split(".")[-1]
        left.extend(ast.iter_child_nodes(node))


def without_shape(tree, arrays):
    return [
        name
        for name, function in public_functions(tree)
        if mentions(signature(function), arrays) and "shape" not in (ast.get_docstring(function) or "")
    ]


def without_raises(tree, errors):
    """(name, errors) of functions whose section "Raises" is not there, or does not name all of their own errors."""
    missing = []
    for name, function in public_functions(tree):
        _, _, section = (ast.get_docstring(function) or "").partition("\nRaises\n------\n")
        own = set(raised(function)) & errors
        if not all(mentions(section, [error]) for error in own):
            missing.append((name, sorted(own)))
    return missing


@pytest.fixture(scope="module")
def arrays():
    return {*ARRAYS, *(name for path in modules() for name in array_names(read(path)))}


@pytest.fixture(scope="module")
def errors():
    return error_names()


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_public_functions_say_what_types_cannot(path, arrays, errors):
    tree = read(path)
    assert without_shape(tree, arrays) == [], "say in the docstring which shape the arrays have: [shape=(n,)]"
    assert without_raises(tree, errors) == [], 'a section "Raises" says when'


def test_the_errors_of_users_are_among_those_looked_for(errors):
    assert {"InputError", "AudioError", "ProtocolError", "JournalError", "CancelledError", "LuaError"} <= errors


BAD = '''
Audio = NDArray[np.float64]
class Sound:
    def read(self, n: int) -> Audio:
        """Samples."""
    def checked(self) -> None:
        """Look at it.

        Raises
        ------
        AudioError
            If it is not there.
        """
        raise InputError("no")
def level(y: np.ndarray) -> float:
    """Of ``y`` [shape=(n,)]."""
    def inside() -> None:
        raise InputError("not its own")
def refused() -> None:
    """Refuse."""
    if True:
        raise errors.InputError("no")
def _private(y: Audio) -> None:
    raise InputError("no")
'''


def test_the_test_finds_what_is_missing(errors):
    tree = ast.parse(BAD)
    assert without_shape(tree, {*ARRAYS, *array_names(tree)}) == ["Sound.read"]
    assert without_raises(tree, errors) == [("Sound.checked", ["InputError"]), ("refused", ["InputError"])]
