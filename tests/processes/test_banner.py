"""The lines that greet: the password at the first start, and afterwards what to do without it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from jobs.processes.banner import Welcome, banner


def test_a_later_start_says_how_a_lost_password_is_set_anew() -> None:
    first = Welcome(
        url="http://localhost:3000",
        admin="admin",
        password="secret",
        data_dir=Path("data"),
        store="embedded",
        workers=1,
        is_open=True,
        is_demo=True,
        seconds=1.5,
    )
    text = banner(first, colour=False)
    assert "Sign in   admin / secret   shown only this once" in text
    assert "changepassword" not in text
    later = banner(replace(first, password=None), colour=False)
    assert "Sign in   as before; .venv/bin/python manage.py changepassword admin sets another password" in later
