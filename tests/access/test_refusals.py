"""Start-up: a server that strangers can reach is never open, never in debug, never with a known secret."""

from __future__ import annotations

import pytest
from django.core.checks import run_checks
from pytest_django import Settings

from jobs.access.checks import refusals

OPEN_TO_OTHERS = ["0.0.0.0", "::", "10.0.0.7", "jobs.example.com", ""]  # noqa: S104


@pytest.mark.parametrize("host", OPEN_TO_OTHERS)
@pytest.mark.parametrize(
    ("name", "value", "named"),
    [
        ("DEBUG", True, "IRONFORGE_DEBUG"),
        ("IRONFORGE_OPEN", True, "IRONFORGE_OPEN"),
        ("SECRET_KEY", "django-insecure-abcdefghijklmnopqrstuvwxyz0123456789", "IRONFORGE_SECRET_KEY"),
        ("SECRET_KEY", "short", "IRONFORGE_SECRET_KEY"),
        ("SECRET_KEY", "a" * 60, "IRONFORGE_SECRET_KEY"),
    ],
)
def test_each_is_refused_where_others_can_reach_it(
    settings: Settings, host: str, name: str, value: object, named: str
) -> None:
    assert refusals(host) == []
    setattr(settings, name, value)
    assert [text.split()[0] for text in refusals(host)] == [named]
    assert refusals("127.0.0.1") == refusals("localhost") == refusals("::1") == []


def test_manage_py_check_shows_them(settings: Settings) -> None:
    settings.IRONFORGE_HOST = "0.0.0.0"  # noqa: S104
    settings.IRONFORGE_OPEN = True
    settings.IRONFORGE_UNKNOWN_VARIABLES = ("IRONFORGE_PROT",)
    found = {message.id: message.msg for message in run_checks(tags=["security"])}
    assert "IRONFORGE_OPEN" in found["ironforge.E001"]
    assert "IRONFORGE_PROT" in found["ironforge.W001"]
    assert "ironforge.W003" in found
