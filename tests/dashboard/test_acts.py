"""What people do on pages: it happens, lands in the audit log, and leads back to where it was asked for."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.test import Client
from django.utils.html import escape

from jobs.access.scopes import Role
from jobs.dashboard.job_acts import MOST_EDITED
from jobs.domain.status import Status
from tests.dashboard.conftest import Team, notes_of, text_of
from tests.stores import letters_address, letters_group

GROUP = {"group": letters_group()}


@dataclass(frozen=True)
class Act:
    """A form: where it goes, what it says, what it changes, and what the audit log keeps."""

    path: str
    action: str
    target: str
    before: Status
    after: Status
    fields: dict[str, str]


def job_act(verb: str, action: str, before: Status, after: Status, **fields: str) -> Act:
    return Act(f"jobs/{{id}}/{verb}", action, "{id}", before, after, fields)


ACTS = (
    job_act("retry", "job.retry", Status.DEAD_LETTER, Status.QUEUED),
    job_act("retry", "job.retry", Status.DEAD_LETTER, Status.QUEUED, payload='{"b": [1, null]}'),
    job_act("discard", "job.discard", Status.DEAD_LETTER, Status.CANCELLED),
    job_act("cancel", "job.cancel", Status.QUEUED, Status.CANCELLED),
    job_act("cancel", "job.cancel", Status.RUNNING, Status.RUNNING),
    job_act("duplicate", "job.duplicate", Status.RUNNING, Status.RUNNING),
    job_act("run-now", "job.promote", Status.SCHEDULED, Status.QUEUED),
    Act("queues/main/pause", "queue.pause", "main", Status.QUEUED, Status.QUEUED, {"reason": "disk"}),
    Act("queues/main/purge", "queue.purge", "main", Status.RUNNING, Status.RUNNING, {"confirm": "main"}),
    Act("dead-letters/selected", "bulk.operate", "", Status.DEAD_LETTER, Status.QUEUED,
        {"id": "{id}", "action": "retry"}),
    Act("dead-letters/group", "bulk.operate", "", Status.DEAD_LETTER, Status.CANCELLED, GROUP | {"action": "discard"}),
)  # fmt: skip
NAMES = [f"{act.path} {act.before}" for act in ACTS]


def job_in(team: Team, status: Status) -> str:
    """Return a job in a status."""
    bench = team.bench
    make: dict[Status, Callable[[], str]] = {
        Status.DEAD_LETTER: bench.dead_letter,
        Status.QUEUED: bench.submit,
        Status.SCHEDULED: lambda: bench.submit(scheduled_for=4_000_000_000_000),
        Status.RUNNING: lambda: (bench.submit(), bench.lease().job.id)[1],
    }
    return make[status]()


def send(client: Client, act: Act, job_id: str, **more: str) -> tuple[int, str]:
    fields = {name: value.replace("{id}", job_id) for name, value in act.fields.items()}
    answer = client.post("/console/" + act.path.replace("{id}", job_id), fields | more)
    return answer.status_code, str(answer.headers.get("Location", ""))


@pytest.mark.parametrize("act", ACTS, ids=NAMES)
def test_an_operator_may_and_it_is_recorded(team: Team, act: Act) -> None:
    job_id = job_in(team, act.before)
    client = team.client(Role.OPERATOR)
    assert send(client, act, job_id, back="/console/jobs?queue=main") == (303, "/console/jobs?queue=main")
    assert team.bench.get(job_id).status is act.after
    entry = team.entries()[0]
    assert entry.action == act.action
    assert entry.actor == f"session:{team.people[Role.OPERATOR].username}"
    assert entry.actor_kind == "session"
    assert entry.namespace == team.bench.namespace
    assert entry.request_id
    assert act.target.replace("{id}", job_id) in entry.target_id
    notes = notes_of(client)
    assert 'class="toast-note success"' in notes
    assert "/console/audit" not in notes, "an operator may not read the log"


@pytest.mark.parametrize("act", [ACTS[0], ACTS[7], ACTS[9]], ids=lambda act: act.path)
def test_a_note_leads_to_its_entry_for_who_may_read_the_audit_log(team: Team, act: Act) -> None:
    client = team.client(Role.ADMIN)
    send(client, act, job_in(team, act.before))
    entry = team.entries()[0]
    (address,) = re.findall(r'href="(/console/audit\?entry=\d+)"', notes_of(client))
    page = text_of(client.get(address))
    assert address.endswith(f"={entry.position}")
    assert f'<tr id="entry-{entry.position}" class="is-chosen" aria-current="true">' in page
    assert entry.hash in page


@pytest.mark.parametrize("act", ACTS, ids=NAMES)
def test_a_viewer_may_not_and_nothing_happens(team: Team, act: Act) -> None:
    job_id = job_in(team, act.before)
    events = len(team.bench.verbs())
    assert send(team.client(Role.VIEWER), act, job_id)[0] == 403
    assert team.bench.get(job_id).status is act.before
    assert len(team.bench.verbs()) == events
    assert [entry for entry in team.entries() if entry.action not in ("login", "logout")] == []


def test_a_paused_queue_is_resumed_and_says_by_whom_it_was_paused(team: Team) -> None:
    team.bench.submit()
    client = team.client(Role.OPERATOR)
    client.post("/console/queues/main/pause", {"reason": "x" * 900})
    page = text_of(client.get("/console/queues"))
    assert f"by {team.people[Role.OPERATOR].username} " in page
    assert "x" * 200 in page
    assert "x" * 201 not in page
    assert client.post("/console/queues/main/resume").status_code == 303
    assert [entry.action for entry in team.entries()[:2]] == ["queue.resume", "queue.pause"]
    assert "Nobody consumes" in text_of(client.get("/console/queues"))


def test_a_reason_is_one_line_without_control_characters(team: Team) -> None:
    team.bench.submit()
    team.client(Role.OPERATOR).post("/console/queues/main/pause", {"reason": "\0disk\x1b[31m\r\nfull\0"})
    assert team.entries()[0].reason == "disk [31m  full"


def test_a_purge_needs_the_name_of_the_queue(team: Team) -> None:
    job_id = team.bench.submit()
    client = team.client(Role.OPERATOR)
    for confirm in ("", "Main", "other"):
        assert client.post("/console/queues/main/purge", {"confirm": confirm}).status_code == 303
        assert 'class="toast-note error"' in notes_of(client)
    assert team.bench.get(job_id).status is Status.QUEUED
    client.post("/console/queues/main/purge", {"confirm": "main"})
    assert "1 ready job was deleted" in notes_of(client)
    assert client.get(f"/console/jobs/{job_id}").status_code == 404


@pytest.mark.parametrize(
    ("verb", "status"), [("retry", Status.QUEUED), ("discard", Status.RUNNING), ("run-now", Status.QUEUED)]
)
def test_what_the_state_does_not_allow_is_told_on_the_page_it_was_asked_for(
    team: Team, verb: str, status: Status
) -> None:
    job_id = job_in(team, status)
    client = team.client(Role.OPERATOR)
    answer = client.post(f"/console/jobs/{job_id}/{verb}", {"back": f"/console/jobs/{job_id}"})
    assert (answer.status_code, answer["Location"]) == (303, f"/console/jobs/{job_id}")
    assert 'class="toast-note error"' in notes_of(client)
    assert team.bench.get(job_id).status is status


@pytest.mark.parametrize("payload", ["", "{", "[1,]", '{"a": NaN}', "9" * 300_000, "[" * 65 + "]" * 65, '"\\ud800"'])
def test_an_edited_payload_that_no_job_may_have_is_refused(team: Team, payload: str) -> None:
    job_id = team.bench.dead_letter(payload=b'{"a": 1}')
    client = team.client(Role.OPERATOR)
    answer = client.post(f"/console/jobs/{job_id}/retry", {"payload": payload, "back": "/console/errors"})
    if len(payload) > MOST_EDITED:
        assert answer.status_code == 303
        assert 'class="toast-note error"' in notes_of(client)
    else:
        page = text_of(answer)
        assert answer.status_code == 422, "what was typed can be put right"
        assert f">{escape(payload)}</textarea>" in page.replace("\r\n", "\n")
        assert 'id="edit-error"' in page
        assert 'name="back" value="/console/errors"' in page
    assert team.bench.get(job_id).status is Status.DEAD_LETTER


def test_a_dead_letter_is_edited_from_its_row_by_who_may_re_inject_and_read_it(team: Team) -> None:
    letter = team.bench.dead_letter(payload=b'{"a": "</textarea><script>"}')
    secret = team.bench.dead_letter(payload=b'{"token": "t0p-secret"}')
    here = letters_address()
    form = f"/console/jobs/{letter}/edit?back=%2Fconsole%2Fdead-letters"
    pages = {role: text_of(team.client(role).get(f"/console/{here}")) for role in Role}
    assert {role: f"/console/jobs/{secret}/edit?back=" in page for role, page in pages.items()} == {
        Role.VIEWER: False, Role.OPERATOR: True, Role.ADMIN: True,
    }  # fmt: skip
    assert team.client(Role.VIEWER).get(form).status_code == 403
    client = team.client(Role.OPERATOR)
    page = text_of(client.get(form))
    assert "&lt;/textarea&gt;&lt;script&gt;" in page
    assert 'name="back" value="/console/dead-letters"' in page
    assert 'name="back" value="/console/dead-letters"' in text_of(client.get(form.partition("?")[0] + "?back=//evil"))
    masked = text_of(client.get(f"/console/jobs/{secret}/edit"))
    assert "administrators alone" in masked
    assert "t0p-secret" not in masked
    assert "[masked] /token" in text_of(team.client(Role.ADMIN).get(f"/console/jobs/{secret}/edit"))
    answer = client.post(f"/console/jobs/{letter}/retry", {"payload": "7", "back": "/console/dead-letters"})
    assert answer["Location"] == "/console/dead-letters"
    assert team.bench.get(letter).payload == b"7"
    assert "this job is none now" in text_of(client.get(form))


def test_a_group_act_takes_only_what_was_dead_when_the_page_was_made(team: Team) -> None:
    old, new = team.bench.dead_letter(), team.bench.dead_letter()
    until = team.bench.get(old).finished_at or 0
    if team.bench.get(new).finished_at == until:
        team.bench.advance(5)
        new = team.bench.dead_letter()
    client = team.client(Role.OPERATOR)
    client.post("/console/dead-letters/group", GROUP | {"action": "retry", "until_ms": str(until)})
    assert team.bench.get(old).status is Status.QUEUED
    assert team.bench.get(new).status is Status.DEAD_LETTER


@pytest.mark.parametrize(
    "fields", [{}, {"action": "retry"}, {"id": "x", "action": "cancel"}, {"id": "x" * 900, "action": "retry"}]
)
def test_a_bulk_act_without_letters_or_sense_does_nothing(team: Team, fields: dict[str, str]) -> None:
    letter = team.bench.dead_letter()
    client = team.client(Role.OPERATOR)
    assert client.post("/console/dead-letters/selected", fields).status_code == 303
    assert team.bench.get(letter).status is Status.DEAD_LETTER


@pytest.mark.parametrize(
    "back", ["//evil.example", "https://evil.example/console/", "/\\evil", "javascript:alert(1)", "/jobs", ""]
)
def test_an_act_never_leads_to_another_site(team: Team, back: str) -> None:
    team.bench.submit()
    answer = team.client(Role.OPERATOR).post("/console/queues/main/pause", {"back": back})
    assert answer["Location"] == "/console/queues"


def test_a_running_job_whose_cancel_was_asked_for_is_not_shown_as_cancelled(team: Team) -> None:
    job_id = job_in(team, Status.RUNNING)
    client = team.client(Role.OPERATOR)
    client.post(f"/console/jobs/{job_id}/cancel")
    page = text_of(client.get(f"/console/jobs/{job_id}")).partition('id="job"')[2]
    assert '<span class="tag">Cancel requested, waiting for the handler to stop</span>' in page
    assert "s-cancelled" not in page
