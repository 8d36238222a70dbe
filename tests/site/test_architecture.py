"""The house rules that a machine can see: direction of imports, sizes, who reads the environment."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PRODUCT = ("ironforge_client", "ironforge_site", "jobs", "workers")
# Files that other tools make, and files of other people.
FOREIGN = {"migrations", "vendor", "node_modules", "__pycache__"}
LIMITS = {"py": 300, "lua": 120, "html": 80, "js": 300}
FUNCTION_LIMIT = 40


def files(suffix: str, *folders: str) -> list[Path]:
    found = [path for folder in folders for path in sorted((ROOT / folder).rglob(f"*.{suffix}"))]
    return [path for path in found if not FOREIGN & set(path.relative_to(ROOT).parts)]


SOURCES = files("py", *PRODUCT)
TESTS = files("py", "tests")
SIZED = [*SOURCES, *TESTS, *files("lua", "jobs"), *files("html", "templates"), *files("js", "static")]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_imports_point_down_only() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_the_rules_look_at_something() -> None:
    assert {path.suffix for path in SIZED} == {".py", ".lua", ".html", ".js"}
    assert {path.relative_to(ROOT).parts[0] for path in SOURCES} == set(PRODUCT)


def test_nothing_is_imported_inside_a_function() -> None:
    late = [
        f"{name_of(path)}:{node.lineno}"
        for path in SOURCES
        for function in functions(tree_of(path))
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert late == []


def test_no_file_is_longer_than_its_kind_may_be() -> None:
    lengths = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in SIZED}
    assert {name: length for name, length in lengths.items() if length > LIMITS[name.rpartition(".")[2]]} == {}


def test_no_function_is_longer_than_40_lines() -> None:
    long = {
        f"{name_of(path)} {function.name}"
        for path in [*SOURCES, *TESTS]
        for function in functions(tree_of(path))
        if (function.end_lineno or 0) - function.lineno + 1 > FUNCTION_LIMIT
    }
    assert long == set()


def test_every_module_says_what_it_is() -> None:
    trees = {name_of(path): tree_of(path) for path in [*SOURCES, *TESTS]}
    assert [name for name, tree in trees.items() if tree.body and not ast.get_docstring(tree)] == []


def test_every_public_function_of_a_module_says_what_it_does() -> None:
    silent = [
        f"{name_of(path)}:{node.lineno} {node.name}"
        for path in SOURCES
        for node in tree_of(path).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]
    assert silent == []


def reads_environment(node: ast.AST) -> bool:
    if isinstance(node, ast.Attribute):
        return node.attr in {"environ", "environb", "getenv"} and getattr(node.value, "id", "") == "os"
    if isinstance(node, ast.ImportFrom):
        return node.module == "os" and bool({alias.name for alias in node.names} & {"environ", "getenv"})
    return False


def test_one_module_reads_the_environment_and_one_of_the_sdk() -> None:
    readers = [
        name_of(path)
        for path in [*SOURCES, ROOT / "manage.py"]
        if any(reads_environment(node) for node in ast.walk(tree_of(path)))
    ]
    assert readers == ["ironforge_client/environment.py", "ironforge_site/environment.py"]


def test_no_file_has_a_name_that_says_nothing() -> None:
    vague = {"utils", "util", "helpers", "helper", "common", "misc", "manager"}
    assert [name_of(path) for path in [*SOURCES, *TESTS] if path.stem in vague] == []


def test_only_scripts_write_jobs() -> None:
    # Two commands in a row could end between them. The number of the layout is no job.
    writes = {"hset", "hdel", "hincrby", "zadd", "zrem", "zpopmin", "lpush", "rpush", "lpop", "xadd", "sadd", "srem"}
    writes |= {"incrby", "expire", "setex", "setnx", "blpop", "brpop", "bzpopmin"}
    calls = [
        f"{name_of(path)}:{node.lineno}"
        for path in SOURCES
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in writes
        if "embedded" not in path.parts
    ]
    assert calls == []
