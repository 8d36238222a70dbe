"""What is loaded late is loaded once, whichever part of it is asked for first."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LATE = "from ironforge_site.late_import import put_off; put_off('sqlparse'); import sys, sqlparse\n"


def said(program: str) -> str:
    made = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


def test_a_package_is_loaded_when_something_of_it_is_asked_for() -> None:
    program = f"{LATE}print('sqlparse.sql' in sys.modules, sqlparse.split('a; b'), 'sqlparse.sql' in sys.modules)"
    assert said(program) == "False ['a;', 'b'] True"


@pytest.mark.parametrize(
    "first", ["import sqlparse.sql", "from sqlparse.sql import Statement", "from sqlparse import sql", "pass"]
)
def test_its_parts_are_there_once(first: str) -> None:
    program = f"{LATE}{first}\nfrom sqlparse.sql import Statement\nimport sqlparse.sql as part\n"
    program += "print(isinstance(sqlparse.parse('a')[0], Statement), part is sqlparse.sql, part.__spec__.origin)"
    assert said(program).startswith("True True /")


def test_what_is_loaded_already_or_nowhere_is_left_alone() -> None:
    program = "import sqlparse; from ironforge_site.late_import import put_off\n"
    program += "put_off('sqlparse'); put_off('no_such_package'); print(type(sqlparse).__name__)"
    assert said(program) == "module"
