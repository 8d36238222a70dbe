"""Each page for a stranger, a viewer, an operator and an admin: what it shows, and the headers it comes with."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import URLPattern

from jobs.access.scopes import Role
from jobs.dashboard.urls import urlpatterns
from tests.dashboard.conftest import OF_ADMINS, PAGES, Team, text_of
from tests.stores import letters_address

JOB_ID = "01a211ba-9541-7466-989e-0e361c93ab00"


def address_of(pattern: URLPattern) -> str:
    """Return an address that the pattern matches."""
    route = str(pattern.pattern)
    return "/console/" + route.replace("<str:job_id>", JOB_ID).replace("<str:name>", "main").replace("<path:rest>", "x")


ADDRESSES = [address_of(pattern) for pattern in urlpatterns if isinstance(pattern, URLPattern)]


@pytest.mark.django_db
@pytest.mark.parametrize("address", [address for address in ADDRESSES if "/log" not in address])
def test_a_stranger_is_led_to_the_login_from_everywhere(stranger: Client, address: str) -> None:
    answers = [stranger.get(address), stranger.post(address)]
    goals = [answer["Location"] for answer in answers if answer.status_code != 405]
    assert goals
    assert all(goal.startswith("/console/login?next=%2Fconsole%2F") for goal in goals)


@pytest.mark.django_db
def test_a_fragment_for_a_stranger_sends_the_whole_window_to_the_login(stranger: Client) -> None:
    answer = stranger.get("/console/jobs", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer["HX-Redirect"] == "/console/login?next=%2Fconsole%2Fjobs"


@pytest.mark.parametrize("role", list(Role))
def test_everybody_of_a_namespace_sees_its_pages_and_admins_the_audit_log(team: Team, role: Role) -> None:
    client = team.client(role)
    found = {page: client.get(f"/console/{page}").status_code for page in PAGES}
    assert found == dict.fromkeys(PAGES, 200) | dict.fromkeys(OF_ADMINS, 200 if role is Role.ADMIN else 403)
    assert ("/console/audit" in text_of(client.get("/console/"))) is (role is Role.ADMIN)


def test_every_answer_protects_the_browser_and_is_not_kept(team: Team, stranger: Client) -> None:
    client = team.client(Role.VIEWER)
    job = team.bench.submit()
    answers = [client.get(f"/console/{page}") for page in (*PAGES, f"jobs/{job}", "jobs/none", "nothing")]
    answers += [
        stranger.get("/console/login"),
        stranger.get("/console/jobs"),
        client.post("/console/queues/main/pause"),
    ]
    for answer in answers:
        assert "script-src 'self'" in answer["Content-Security-Policy"]
        assert "unsafe" not in answer["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["X-Frame-Options"] == "DENY"
        assert answer["Referrer-Policy"] == "same-origin"
        assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize("address", ["jobs/none", "jobs/" + JOB_ID, "nothing", "queues/main", "jobs/a/b"])
def test_what_does_not_exist_is_not_found_inside_the_shell(team: Team, address: str) -> None:
    answer = team.client(Role.VIEWER).get(f"/console/{address}")
    assert answer.status_code == 404
    assert "Not found" in text_of(answer)
    assert 'class="side"' in text_of(answer)


def test_htmx_gets_the_page_without_its_shell(team: Team) -> None:
    job = team.bench.submit()
    page = text_of(team.client(Role.VIEWER).get("/console/jobs", headers={"HX-Request": "true"}))
    assert job in page
    assert "<title>Jobs · IronForge</title>" in page
    assert "<html" not in page
    assert 'class="side"' not in page


@pytest.mark.parametrize("role", list(Role))
def test_the_buttons_of_a_page_are_those_of_the_role(team: Team, role: Role) -> None:
    letter, waiting = team.bench.dead_letter(), team.bench.submit()
    client = team.client(role)
    addresses = (f"jobs/{letter}", f"jobs/{waiting}", "queues", letters_address())
    pages = "".join(text_of(client.get(f"/console/{address}")) for address in addresses)
    acts = (
        f"{letter}/retry",
        f"{letter}/discard",
        f"{waiting}/cancel",
        "main/pause",
        "main/purge",
        "dead-letters/group",
    )
    assert {act: f'{act}"' in pages for act in acts} == dict.fromkeys(acts, role is not Role.VIEWER)


@pytest.mark.usefixtures("lost_store")
def test_each_page_says_that_the_store_is_lost_and_asks_again(team: Team) -> None:
    client = team.client(Role.ADMIN)
    for page in (
        "",
        "jobs",
        f"jobs/{JOB_ID}",
        f"find?q={JOB_ID}",
        "dead-letters",
        "queues",
        "workers",
        "webhooks",
        "workflows",
    ):
        answer = client.get(f"/console/{page}")
        assert (answer.status_code, answer["Retry-After"] > "0") == (503, True), page
        assert "The store does not answer." in text_of(answer)
        assert "data-store-down" in text_of(answer)
    assert client.get("/console/audit").status_code == 200, "it lies in the database"


@pytest.mark.usefixtures("lost_store")
def test_an_act_on_a_lost_store_is_not_reported_as_done(team: Team) -> None:
    client = team.client(Role.OPERATOR)
    answer = client.post("/console/queues/main/pause", {"back": "/console/queues"})
    assert (answer.status_code, answer["Location"]) == (303, "/console/queues")
    page = text_of(client.get("/console/queues"))
    assert "The store does not answer. Look whether it was done before you repeat it." in page
    assert "Paused main" not in page
    assert [entry.action for entry in team.entries() if entry.action.startswith("queue")] == []
