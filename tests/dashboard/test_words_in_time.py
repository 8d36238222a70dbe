"""No word is translated when a module is imported: it would be in English for every reader."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.processes.running import ROOT

_NOW = frozenset({"gettext", "ngettext", "pgettext", "npgettext"})


def _names_of(module: ast.Module) -> set[str]:
    imports = [node for node in module.body if isinstance(node, ast.ImportFrom)]
    ours = [node for node in imports if node.module == "django.utils.translation"]
    return {alias.asname or alias.name for node in ours for alias in node.names if alias.name in _NOW}


def _at_import(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what is run when the module is imported: nothing within a function."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            yield child
            yield from _at_import(child)


def _too_early(path: Path) -> list[int]:
    module = ast.parse(path.read_text())
    names = _names_of(module)
    calls = [node for node in _at_import(module) if isinstance(node, ast.Call)] if names else []
    return [call.lineno for call in calls if isinstance(call.func, ast.Name) and call.func.id in names]


def test_words_are_translated_when_they_are_said() -> None:
    files = sorted((ROOT / "jobs").rglob("*.py"))
    assert {str(path.relative_to(ROOT)): lines for path in files if (lines := _too_early(path))} == {}
