"""What every answer of every address carries, whoever asks and by whatever method; and what cookies are like."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.contrib.staticfiles import finders
from django.test import Client
from pytest_django import Settings

from jobs.access.scopes import Role
from tests.api.lane import Answer, each_lane
from tests.api.tenant import Tenant
from tests.hostile.conftest import SignIn, stranger
from tests.hostile.site_table import FILES, ROWS, address, method_of
from tests.processes.running import ROOT

PASSWORD = "correct horse battery"
METHODS = ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "TRACE"]
FIXED = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
TELLS = ("server", "x-powered-by", "via", "access-control-allow-origin", "access-control-allow-credentials")
KEPT = ("openapi.json", "docs")


def guards(answer: Answer) -> None:
    """Fail unless the answer keeps a browser from being used against us."""
    assert FIXED.items() <= answer.headers.items()
    assert not set(TELLS) & set(answer.headers)
    policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert set(policy.get("script-src", "'self'").split()) == {"'self'"}
    assert set(policy.get("style-src", "'self'").split()) == {"'self'"}
    assert answer.headers["x-request-id"]


@each_lane
@pytest.mark.parametrize("method", METHODS)
def test_every_answer_to_a_stranger_guards_its_reader(tenant: Tenant, method: str) -> None:
    requests = [stranger(method, address(row), b"{", origin="https://evil.example") for row in ROWS]
    for row, answer in zip(ROWS, tenant.lane.ask_all(requests, at_once=4), strict=True):
        guards(answer)
        is_kept = row.path.endswith(KEPT) and answer.status == 200
        assert answer.headers["cache-control"] == ("public, max-age=3600" if is_kept else "no-store"), row


def test_every_answer_to_a_person_guards_its_reader(tenant: Tenant, sign_in: SignIn) -> None:
    browser = sign_in(tenant, Role.ADMIN)
    rows = [row for row in ROWS if row.path != "console/logout"]
    requests = [browser.request(method_of(row), address(row)) for row in rows]
    for row, answer in zip(rows, tenant.lane.ask_all(requests, at_once=4), strict=True):
        guards(answer)
        assert "no-store" in answer.headers["cache-control"] or row.path.endswith(KEPT), row


@pytest.mark.parametrize("name", ["js/page.js", "css/cards.css", "nothing.js", "../manage.py", "js/"])
def test_files_are_guarded_and_nothing_beside_them_is_served(tenant: Tenant, name: str) -> None:
    for method in ("GET", "HEAD", "POST", "TRACE"):
        answer = tenant.lane.ask(stranger(method, FILES + name))
        is_file = ".." not in name and finders.find(name) is not None and not name.endswith("/")
        assert answer.status == ((200 if method in ("GET", "HEAD") else 405) if is_file else 404), (method, name)
        assert FIXED.items() <= answer.headers.items()
        assert "server" not in answer.headers
        assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("is_behind_tls", [False, True])
@pytest.mark.django_db
def test_cookies_are_for_our_own_pages_and_for_no_script(settings: Settings, is_behind_tls: bool) -> None:
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = is_behind_tls
    User.objects.create_user("somebody", password=PASSWORD)
    client = Client()
    client.get("/console/login")
    client.post("/console/login", {"account": "somebody", "password": PASSWORD})
    assert set(client.cookies) == {"ironforge_session", "ironforge_csrf"}
    for cookie in client.cookies.values():
        assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
        assert bool(cookie["secure"]) is is_behind_tls
        assert cookie["domain"] == ""


@pytest.mark.parametrize("behind_tls", ["on", "off"])
def test_the_setting_for_tls_makes_cookies_secure(tmp_path: Path, behind_tls: str) -> None:
    program = (
        "import sys; sys.argv = ['manage.py', 'check'];"
        "from ironforge_site import environment; environment.prepare(sys.argv);"
        "from django.conf import settings as s;"
        "print(s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE, s.SECURE_HSTS_SECONDS > 0)"
    )
    variables = {"IRONFORGE_DATA_DIR": str(tmp_path), "IRONFORGE_BEHIND_TLS": behind_tls, "PATH": "/usr/bin:/bin"}
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=variables, capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == [str(behind_tls == "on")] * 3


def test_programs_get_no_cookie(tenant: Tenant) -> None:
    rows = [row for row in ROWS if not row.is_page]
    requests = [tenant.request(method_of(row), address(row)) for row in rows]
    for answer in tenant.lane.ask_all(requests, at_once=4):
        assert "set-cookie" not in answer.headers
