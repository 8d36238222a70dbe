"""Nothing is done for a form of another site, and nothing by merely opening an address."""

from __future__ import annotations

import pytest
from django.test import Client

from jobs.access.scopes import Role
from jobs.domain.status import Status
from tests.dashboard.conftest import PASSWORD, Team

FORMS = (
    "login", "logout", "namespace", "jobs/{id}/cancel", "jobs/{id}/retry", "jobs/{id}/discard", "jobs/{id}/run-now",
    "jobs/{id}/reveal", "jobs/columns", "jobs/views", "jobs/views/remove",
    "jobs/{id}/duplicate",
    "dead-letters/selected", "dead-letters/group", "queues/main/pause", "queues/main/resume", "queues/main/purge",
)  # fmt: skip
FIELDS = {"confirm": "main", "action": "retry", "account": "admin", "password": PASSWORD}


def careful(team: Team, role: Role = Role.ADMIN) -> Client:
    """Return the browser of a person at a server that checks tokens."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(team.people[role])
    return client


@pytest.mark.parametrize("form", FORMS)
def test_a_form_without_our_token_is_refused(team: Team, form: str) -> None:
    job_id = team.bench.submit()
    client = careful(team)
    address = f"/console/{form.replace('{id}', job_id)}"
    for token in ("", "x" * 64):
        answer = client.post(address, FIELDS | {"csrfmiddlewaretoken": token})
        assert answer.status_code == 403
        assert "The page is too old or the request came from elsewhere" in answer.content.decode()
    assert team.bench.get(job_id).status is Status.QUEUED


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://testserver:81", "http://sub.testserver"])
def test_a_form_with_our_token_from_another_site_is_refused(team: Team, origin: str) -> None:
    job_id = team.bench.submit()
    client = careful(team)
    client.get("/console/")
    token = client.cookies["ironforge_csrf"].value
    address = f"/console/jobs/{job_id}/cancel"
    fields = {"csrfmiddlewaretoken": token}
    assert client.post(address, fields, headers={"origin": origin}).status_code == 403
    assert client.post(address, fields, headers={"origin": "http://testserver"}).status_code == 303
    assert team.bench.get(job_id).status is Status.CANCELLED


@pytest.mark.parametrize("form", [form for form in FORMS if form != "login"])
@pytest.mark.parametrize("method", ["get", "head", "options", "put", "patch", "delete"])
def test_opening_the_address_of_an_act_does_nothing(team: Team, form: str, method: str) -> None:
    job_id = team.bench.submit()
    client = team.client(Role.ADMIN)
    answer = getattr(client, method)(f"/console/{form.replace('{id}', job_id)}")
    assert answer.status_code == 405
    assert team.bench.get(job_id).status is Status.QUEUED
    assert client.get("/console/").status_code == 200, "still signed in"
