"""Masked fields of a job: an administrator sees them once, the audit log has who and which, nobody else gets them."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from django.db import OperationalError, connection
from django.test import Client

from jobs.access.models import AuditEntry
from jobs.access.scopes import Role
from jobs.domain.status import Status
from tests.dashboard.conftest import Team, notes_of, text_of

PAYLOAD = {"to": "a@b.example", "card": {"number": "4111-first"}, "deep": [{"x/y token": "second-secret"}, 7]}
Execute = Callable[[str, object, bool, object], object]
PLACES = ["/card", "/deep/0/x~1y token"]


@pytest.fixture
def letter(team: Team) -> str:
    return team.bench.dead_letter(payload=json.dumps(PAYLOAD).encode())


def reveals_in(team: Team) -> list[AuditEntry]:
    return [entry for entry in team.entries() if entry.action == "payload.reveal"]


def reveal(client: Client, job_id: str, **fields: str) -> tuple[int, str]:
    answer = client.post(f"/console/jobs/{job_id}/reveal", {"part": "payload"} | fields)
    return answer.status_code, text_of(answer)


def test_an_administrator_sees_one_field_once_and_the_log_has_its_name_and_not_its_value(
    team: Team, letter: str
) -> None:
    client = team.client(Role.ADMIN)
    status, page = reveal(client, letter, field=PLACES[1], reason="ticket 7")
    assert (status, "second-secret" in page, "4111-first" in page) == (200, True, False)
    assert f'name="back" value="/console/jobs/{letter}"' in page, "acts lead to the job, not to this answer"
    (entry,) = reveals_in(team)
    assert (entry.actor, entry.target_id) == (f"session:{team.people[Role.ADMIN].username}", letter)
    assert (entry.reason, entry.before) == ("ticket 7", None)
    assert entry.after == {"part": "payload", "fields": [PLACES[1]], "count": 1}
    assert f'href="/console/audit?entry={entry.position}"' in page, "the note leads there"
    for role in Role:
        page = text_of(team.client(role).get(f"/console/jobs/{letter}"))
        assert "second-secret" not in page
        assert PLACES[1] in page, "the job's page tells that it was seen"


def test_all_of_a_part_is_shown_and_hidden_without_a_script_too(team: Team, letter: str) -> None:
    answer = team.client(Role.ADMIN).post(f"/console/jobs/{letter}/reveal", {"part": "payload"})
    assert all(text in text_of(answer) for text in ("second-secret", "4111-first"))
    assert answer["Cache-Control"] == "no-store"
    assert answer["Refresh"] == f"60; url=/console/jobs/{letter}"
    assert (reveals_in(team)[0].after or {})["fields"] == PLACES


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_who_may_not_gets_neither_button_nor_field(team: Team, letter: str, role: Role) -> None:
    client = team.client(role)
    assert "/reveal" not in text_of(client.get(f"/console/jobs/{letter}"))
    status, page = reveal(client, letter)
    assert (status, "4111-first" in page, reveals_in(team)) == (403, False, [])


@pytest.mark.parametrize(
    "fields", [{"field": "/to"}, {"field": "/card/number"}, {"field": "nowhere"}, {"part": "result"}, {"part": "error"}]
)
def test_what_is_not_masked_is_refused_and_not_recorded(team: Team, letter: str, fields: dict[str, str]) -> None:
    client = team.client(Role.ADMIN)
    assert reveal(client, letter, **fields)[0] == 303
    assert 'class="toast-note error"' in notes_of(client)
    assert reveals_in(team) == []


def test_nothing_is_shown_that_could_not_be_recorded(team: Team, letter: str) -> None:
    client = team.client(Role.ADMIN)

    def fail(execute: Execute, sql: str, params: object, many: bool, context: object) -> object:
        if sql.startswith("INSERT") and "auditentry" in sql:
            raise OperationalError("the disk is full")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(fail):
        status, page = reveal(client, letter)
    assert (status, "4111-first" in page) == (303, False)


def test_an_edited_payload_keeps_the_secrets_that_were_left_masked(team: Team, letter: str) -> None:
    client = team.client(Role.ADMIN)
    page = text_of(client.get(f"/console/jobs/{letter}"))
    assert "[masked] /card" in page
    assert "4111-first" not in page
    edited = {"to": "c@d.example", "deep": [{"x/y token": f"[masked] {PLACES[1]}"}], "note": "[masked] /card"}
    for who, status in ((team.client(Role.OPERATOR), 403), (client, 303)):
        answer = who.post(f"/console/jobs/{letter}/retry", {"payload": json.dumps(edited)})
        assert answer.status_code == status
    job = team.bench.get(letter)
    assert job.status is Status.QUEUED
    kept = {"deep": [{"x/y token": "second-secret"}]}
    assert json.loads(job.payload or b"") == edited | kept, "where it would be shown, the text is but a text"


def test_a_mask_that_stands_for_nothing_is_refused(team: Team, letter: str) -> None:
    client = team.client(Role.ADMIN)
    answer = client.post(f"/console/jobs/{letter}/retry", {"payload": '{"token": "[masked] /gone"}'})
    assert "Nothing is masked at" in text_of(answer)
    assert team.bench.get(letter).status is Status.DEAD_LETTER
