"""The page of the installation: for superusers, with its secrets left out, and also while the store is away."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from jobs.access.scopes import Role
from tests.dashboard.conftest import Team


def test_a_superuser_sees_store_checks_settings_and_versions(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    root = Client()
    root.force_login(User.objects.create_superuser(f"root-{team.bench.namespace}", password="x"))
    told = (
        ("IRONFORGE_LEASE_MS", "5000", "environment", "10000", False),
        ("IRONFORGE_EMAIL_FROM", "smtp://joe:hunter2@mail", "environment", "", False),
        ("IRONFORGE_SECRET_KEY", "", "file", "", True),
    )
    monkeypatch.setattr("django.conf.settings.IRONFORGE_SETTING_SOURCES", told, raising=False)
    page = root.get("/console/system").content.decode()
    for text in ("The store compiles all", "noeviction", "append-only file", "IRONFORGE_LEASE_MS", "5000", "Django"):
        assert text in page, text
    assert "hunter2" not in page
    assert "/console/system" in root.get("/console/").content.decode()


@pytest.mark.usefixtures("lost_store")
def test_it_is_there_while_the_store_is_away(team: Team) -> None:
    root = Client()
    root.force_login(User.objects.create_superuser(f"root-{team.bench.namespace}", password="x"))
    answer = root.get("/console/system")
    assert answer.status_code == 200
    for text in ("The store does not answer.", "Django", "Settings"):
        assert text in answer.content.decode()


def test_an_admin_of_a_namespace_does_not(team: Team) -> None:
    admin = team.client(Role.ADMIN)
    assert admin.get("/console/system").status_code == 403
    assert "/console/system" not in admin.get("/console/").content.decode()
