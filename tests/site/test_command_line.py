"""`manage.py` with something missing or wrong: one line that says what to do, and an exit code to go by."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from jobs import __version__

ROOT = Path(__file__).resolve().parents[2]


def manage(data_dir: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a data directory of its own."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={**os.environ, "IRONFORGE_DATA_DIR": str(data_dir), "DATABASE_URL": "", **variables},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


@pytest.mark.parametrize("command", ["ironforge", "runworker_ironforge", "check"])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("IRONFORGE_HANDLERS", "nosuch"),
        ("IRONFORGE_HANDLERS", "nosuch.inner"),
        ("IRONFORGE_REDIS_URL", "http://:hunter2@x"),
        ("IRONFORGE_REDIS_URL", "redis://:hunter2@x:port"),
        ("IRONFORGE_REDIS_URL", "redis+sentinel://x:1"),
        ("DATABASE_URL", "mysql://u:hunter2@x"),
        ("DATABASE_URL", "postgres://u:hunter2@x:port/y"),
        ("IRONFORGE_DATA_DIR", "/proc/x"),
    ],
)
def test_a_wrong_setting_is_one_line_that_names_it_and_code_2(
    tmp_path: Path, command: str, name: str, value: str
) -> None:
    answer = manage(tmp_path, command, **{name: value})
    assert answer.returncode == 2, answer.stderr
    [line] = (answer.stdout + answer.stderr).splitlines()
    assert line.startswith(f"ironforge: {name}: ")
    assert "hunter2" not in line


def test_a_package_that_cannot_be_imported_is_one_line_with_place_and_reason(tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "__init__.py").write_text("\nimport no_such_module\n")
    answer = manage(tmp_path, "ironforge", IRONFORGE_HANDLERS="broken", PYTHONPATH=str(tmp_path))
    assert answer.returncode == 2
    [line] = (answer.stdout + answer.stderr).splitlines()
    assert "broken/__init__.py:2: ModuleNotFoundError: No module named 'no_such_module'" in line


def test_the_check_warns_of_a_package_without_handlers(tmp_path: Path) -> None:
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "__init__.py").touch()
    answer = manage(tmp_path, "check", IRONFORGE_HANDLERS="bare", PYTHONPATH=str(tmp_path))
    assert "ironforge.W004" in answer.stderr
    assert "bare/handlers.py" in answer.stderr


def test_a_database_that_is_away_is_one_line_with_the_address(tmp_path: Path) -> None:
    url = "postgres://u:hunter2@127.0.0.1:1/x"
    for command in (("migrate",), ("ironforge_key", "list")):
        answer = manage(tmp_path, *command, DATABASE_URL=url)
        assert answer.returncode == 1
        [line] = answer.stderr.splitlines()
        assert "127.0.0.1" in line
        assert "port 1 " in line
        assert "hunter2" not in line


@pytest.mark.parametrize(
    "command", [("ironforge_key", "mint", "--name", "x"), ("runserver_ironforge",), ("runloops_ironforge",)]
)
def test_a_database_without_tables_is_one_line_that_says_migrate(tmp_path: Path, command: tuple[str, ...]) -> None:
    answer = manage(tmp_path, *command)
    assert answer.returncode == 1
    [line] = (answer.stdout + answer.stderr).splitlines()
    assert "run .venv/bin/python manage.py migrate first" in line


@pytest.mark.parametrize(
    "command", ["ironforge", "ironforge_key", "runserver_ironforge", "runworker_ironforge", "runloops_ironforge"]
)
def test_a_command_tells_the_version_of_ironforge(tmp_path: Path, command: str) -> None:
    assert manage(tmp_path, command, "--version").stdout == f"{__version__}\n"


def test_the_defaults_of_the_workers_are_the_same_whoever_starts_them(tmp_path: Path) -> None:
    for command in ("ironforge", "runworker_ironforge"):
        shown = " ".join(manage(tmp_path, command, "--help").stdout.split())
        assert re.search(r"--concurrency N [^(]*\((default )?50\)", shown)
        assert re.search(r"--queues A,B [^(]*\((default )?main\)", shown)
        assert re.search(r"--grace S [^(]*\((default )?25\)", shown)


def test_the_command_is_executable_and_tells_where_django_is() -> None:
    assert os.access(ROOT / "manage.py", os.X_OK)
    # -S: without the packages of this environment, like the system's own Python.
    command = [sys.executable, "-S", "-E", "manage.py", "ironforge_key", "list"]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert answer.returncode == 1
    [line] = answer.stderr.splitlines()
    assert "run .venv/bin/python manage.py" in line
