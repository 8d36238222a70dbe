"""The page of one job: secrets stay hidden, markup stays text, and what is huge stays small."""

from __future__ import annotations

import json

import pytest

from jobs.access.scopes import Role
from jobs.dashboard.frames import application_frames
from jobs.dashboard.json_tree import json_tree
from jobs.domain.job import JobError
from jobs.domain.outcome import OutcomeKind
from tests.dashboard.conftest import Team, text_of

SECRET = "hunter2-do-not-show"
TRACEBACK = """Traceback (most recent call last):
  File "/srv/app/.venv/lib/python3.12/site-packages/lib/run.py", line 3, in call
    return f()
  File "/srv/app/billing.py", line 41, in charge
    gateway.pay(card)
  File "<frozen importlib>", line 1, in load
  File "/srv/app/gateway.py", line 7, in pay
    raise Declined("no")
app.Declined: no
"""


def page_of(team: Team, job_id: str, role: Role = Role.OPERATOR) -> str:
    return text_of(team.client(role).get(f"/console/jobs/{job_id}"))


@pytest.mark.parametrize(
    "name",
    ["password", "db_password", "API-Key", "apiKey", "Authorization", "accessToken", "card_number", "iban", "Cookie"],
)
def test_a_field_that_looks_like_a_secret_is_never_sent_to_the_browser(team: Team, name: str) -> None:
    payload = json.dumps({"to": "a@b.example", "deep": [{name: SECRET}]}).encode()
    job_id = team.bench.dead_letter(payload=payload)
    for role in Role:
        page = page_of(team, job_id, role)
        assert SECRET not in page
        assert "[masked]" in page
        assert "a@b.example" in page
    assert "Edit and retry" not in page_of(team, job_id), "saving the page's text would lose the secret"


def test_the_secrets_of_a_result_are_hidden_too(team: Team) -> None:
    job_id = team.bench.submit()
    team.bench.settle(team.bench.lease(), result=json.dumps({"token": SECRET, "pages": 3}).encode())
    page = page_of(team, job_id)
    assert SECRET not in page
    assert "pages" in page


def test_a_huge_payload_makes_no_huge_page(team: Team) -> None:
    payload = json.dumps([list(range(500)) for _ in range(80)] + ["x" * 50_000]).encode()
    page = page_of(team, team.bench.submit(payload=payload))
    assert len(page) < 250_000
    assert "the rest is not shown here" in page


def test_every_name_and_value_of_a_tree_is_text() -> None:
    drawn = str(json_tree(json.dumps({"<b>": "<i>&", "n": [None, True, 1.5, {}, []]}).encode()))
    assert "<b>" not in drawn
    assert "<i>" not in drawn
    assert "&lt;b&gt;" in drawn
    assert all(text in drawn for text in ("null", "true", "1.5", "{}", "[]"))


def test_the_frames_of_the_application_come_first_innermost_first(team: Team) -> None:
    frames = [(frame.file, frame.line, frame.name, frame.code) for frame in application_frames(TRACEBACK)]
    assert frames == [
        ("/srv/app/gateway.py", 7, "pay", 'raise Declined("no")'),
        ("/srv/app/billing.py", 41, "charge", "gateway.pay(card)"),
    ]
    assert application_frames("Error: boom\n    at pay (/srv/app/gateway.js:7:3)") == []
    job_id = team.bench.submit(max_retries=0)
    error = JobError("app.Declined", "no", TRACEBACK)
    team.bench.settle(team.bench.lease(), OutcomeKind.FAILED, error=error)
    page = page_of(team, job_id)
    assert page.index("/srv/app/gateway.py:7") < page.index("/srv/app/billing.py:41") < page.index("Whole traceback")


def test_the_page_tells_the_whole_life_and_why_it_ended(team: Team) -> None:
    job_id = team.bench.submit(max_retries=1)
    team.bench.fail(team.bench.lease())
    team.bench.advance(10_000)
    team.bench.fail(team.bench.lease())
    page = page_of(team, job_id)
    trail = ["Submitted", "Attempt 1 started", "Attempt 1 failed", "Attempt 2 started", "Became a dead letter"]
    places = [page.index(text) for text in trail]
    assert places == sorted(places)
    assert "Out of retries." in page
    assert "2 of at most 2" in page


def test_what_people_did_to_a_job_is_on_its_page(team: Team) -> None:
    job_id = team.bench.dead_letter()
    team.client(Role.OPERATOR).post(f"/console/jobs/{job_id}/retry")
    page = page_of(team, job_id, Role.VIEWER)
    assert "Done by people" in page
    assert "job.retry" in page
    assert team.people[Role.OPERATOR].username in page
