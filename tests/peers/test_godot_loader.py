"""The Godot loader is GDScript 4 by gdtoolkit's parser and clean by its linter."""

from __future__ import annotations

from importlib import resources

import pytest


@pytest.mark.extra
def test_the_loader_parses_and_lints():
    parser = pytest.importorskip("gdtoolkit.parser")
    linter = pytest.importorskip("gdtoolkit.linter")
    code = resources.files("reatrieve.sync.loaders").joinpath("reatrieve_sync.gd").read_text(encoding="utf-8")
    parser.parser.parse(code)
    assert linter.lint_code(code) == []
