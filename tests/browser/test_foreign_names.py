"""Names and reasons that people chose, as markup: in the frame of a page, the audit log, forms and notes."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenWindow, Place, Site
from tests.browser.people import Person
from tests.processes.running import ROOT

EVIL = """'"><img src=x onerror=alert(1)></textarea></script><svg/onload=alert(2)>{{7*7}}{% now 'Y' %}"""
LIVE = "#shell img, img[onerror], svg[onload], [onerror], [onload], body script:not([src])"

_MAKE = """
import json
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from jobs.access import audit
from jobs.access.actor import system_actor
from jobs.access.models import Membership, Namespace
from jobs.access.scopes import Action
from jobs.services import keys
NAME, EVIL = %(namespace)r, %(evil)r
user = User.objects.create_user(EVIL + NAME)
Membership.objects.create(user=user, namespace=Namespace.objects.get(name=NAME), role="admin")
session = SessionStore()
session[SESSION_KEY] = str(user.pk)
session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
session[HASH_SESSION_KEY] = user.get_session_auth_hash()
session.save()
system = system_actor(EVIL, NAME)
scopes = ("jobs:read", "jobs:write", "queues:operate")
minted = keys.mint(system, keys.KeyRequest(name=EVIL[:100], scopes=scopes))
audit.record(system, Action.KEY_MINT, EVIL[:30], EVIL, reason=EVIL, before={EVIL: EVIL}, after={EVIL: [EVIL]})
print("MADE" + json.dumps([session.session_key, minted.text]))
"""


def make(site: Site, namespace: str) -> tuple[Person, str]:
    """Return an admin and the text of a key, both named with markup."""
    program = _MAKE % {"namespace": namespace, "evil": EVIL}
    environment = {**os.environ, "IRONFORGE_DATA_DIR": str(site.running.data_dir), "DATABASE_URL": ""}
    command = [sys.executable, str(ROOT / "manage.py"), "shell", "-v", "0", "-c", program]
    made = subprocess.run(command, env=environment, cwd=ROOT, check=True, capture_output=True, text=True, timeout=200)
    session_key, text = json.loads(made.stdout.partition("MADE")[2])
    return Person(EVIL + namespace, namespace, "admin", session_key), text


def is_text(page: Page) -> None:
    """Fail if any of it became an element, or was worked out."""
    assert page.locator(LIVE).count() == 0
    assert "49{%" not in page.content()


def test_no_name_becomes_markup(site: Site, place: Place, open_window: OpenWindow) -> None:
    person, key = make(site, place.admin.namespace)
    payload = json.dumps({EVIL: [EVIL]}).encode()
    letter = place.bench.dead_letter(payload=payload, metadata={"a": EVIL})
    bearer = {"Authorization": f"Bearer {key}"}
    paused = site.api.ask("POST", "/queues/main/pause", {"reason": EVIL}, **bearer)
    assert paused.status == 200
    assert site.api.ask("POST", f"/jobs/{letter}/retry", {"payload": {EVIL: EVIL}}, **bearer).status == 200
    other = place.bench.dead_letter(payload=payload, queue="other")
    window = open_window(site, person)
    # What is no job's id is looked for as a kind, which this cannot be.
    window.expect_fault("422")
    page = window.go("/console/audit")
    expect(page.locator("#audit")).to_contain_text(EVIL[:40])
    is_text(page)
    for path in ("", "queues", "jobs", "workers", "webhooks", "dead-letters", f"jobs/{letter}", f"jobs/{other}"):
        window.go(f"/console/{path}")
        expect(page.locator("body")).to_contain_text(EVIL[:20])
        is_text(page)
    # What was typed comes back into a field; what was done is told in a note.
    page.goto(f"/console/find?q={EVIL}")
    is_text(page)
    page.goto("/console/queues")
    page.locator("#queue-main").get_by_role("button", name="Resume").click()
    expect(page.locator("#toasts")).to_contain_text("Resumed main")
    is_text(page)
    place.bench.submit(queue="other", metadata={"live": EVIL})
    page.goto("/console/jobs")
    is_text(page)


def test_what_was_typed_into_the_login_is_text(site: Site, open_window: OpenWindow) -> None:
    window = open_window(site)
    window.expect_fault(r"error: Failed to load resource: .* 401")
    page = window.go("/console/login")
    page.locator("#account").fill(EVIL)
    page.locator("#password").fill("x")
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#account")).to_have_value(EVIL)
    is_text(page)
