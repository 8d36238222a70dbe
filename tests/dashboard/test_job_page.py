"""The page of one job: secrets stay hidden, markup stays text, and what is huge stays small."""

from __future__ import annotations

import json
import re
from html import unescape

import pytest
from pytest_django import Settings

from jobs.access.scopes import Role
from jobs.dashboard.frames import application_frames
from jobs.dashboard.json_tree import json_tree
from jobs.dashboard.reinjections import reinjections_of
from jobs.dashboard.templatetags.console import most_attempts
from jobs.dashboard.timeline import bars_of
from jobs.domain.job import JobError
from jobs.domain.naming import DELIVERY_QUEUE
from jobs.domain.outcome import OutcomeKind
from jobs.domain.priority import Priority
from jobs.domain.status import Status
from jobs.domain.trace import TraceContext
from tests.dashboard.conftest import Team, text_of
from tests.stores import LEASE_MS

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
    assert "Edit and re-inject" not in page_of(team, job_id), "another URL beside it would send the secret elsewhere"


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


def test_tags_are_a_tree_whose_values_lead_to_the_jobs_that_have_them_and_parts_are_copied_masked(team: Team) -> None:
    job_id = team.bench.submit(payload=b'{"token": "t0p-secret", "n": 1}', metadata={"<b>": "a b&c", "region": "eu"})
    page = text_of(team.client(Role.VIEWER).get(f"/console/jobs/{job_id}"))
    tags = page.partition('id="tags-title"')[2].partition("</section>")[0]
    assert '<span class="key">&lt;b&gt;</span>: <a class="str" href="/console/jobs?tag=%3Cb%3E%3Aa+b%26c"' in tags
    assert json.loads(unescape(re.findall('data-copy="([^"]*)"', tags)[0])) == {"<b>": "a b&c", "region": "eu"}
    payload = page.partition('id="payload-title"')[2].partition("</section>")[0]
    assert json.loads(unescape(re.findall('data-copy="([^"]*)"', payload)[0])) == {"token": "[masked]", "n": 1}
    assert "t0p-secret" not in page


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
    assert '<span title="job.retry">Re-injected</span>' in page
    assert team.people[Role.OPERATOR].username in page


def test_the_page_leads_to_the_trace(team: Team, settings: Settings) -> None:
    job_id = team.bench.submit(trace=TraceContext("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"))
    assert '<span class="mono trace">4bf92f3577b34da6<wbr>a3ce929d0e0e4736</span>' in page_of(team, job_id)
    settings.IRONFORGE_TRACE_URL = "https://traces.example/{trace_id}?a=1&b=2"
    found = re.search(r'class="mono plain-link trace" href="([^"]+)"', page_of(team, job_id, Role.VIEWER))
    assert found is not None
    assert found[1] == "https://traces.example/4bf92f3577b34da6a3ce929d0e0e4736?a=1&amp;b=2"
    assert "<dt>Trace</dt>" not in page_of(team, team.bench.submit())


def moments_of(page: str) -> list[str]:
    """Return the labels of the timeline, with what is said under them."""
    trail = page[page.index("trail-title") :].partition("</ol>")[0]
    found = re.findall(r'<span>([^<]+)</span>|<span class="more">([^<]+)</span>', trail)
    return [label or more for label, more in found]


def test_the_timeline_tells_of_the_death_and_of_who_re_injected(team: Team) -> None:
    job_id = team.bench.dead_letter()
    team.client(Role.OPERATOR).post(f"/console/jobs/{job_id}/retry")
    team.bench.fail(team.bench.lease())
    moments = moments_of(page_of(team, job_id))
    told = ["Submitted", "Attempt 1 started", "Attempt 1 failed", "Became a dead letter", "Re-injected"]
    told += ["Attempt 2 started", "Attempt 2 failed", "Became a dead letter"]
    assert [moment for moment in moments if moment in told] == told
    assert f"by {team.people[Role.OPERATOR].username}" in moments
    assert "2 of at most 2" in page_of(team, job_id)


def test_a_job_re_injected_with_others_says_so(team: Team) -> None:
    job_id = team.bench.dead_letter()
    fields = {"id": job_id, "action": "retry"}
    team.client(Role.OPERATOR).post("/console/dead-letters/selected", fields)
    moments = moments_of(page_of(team, job_id))
    assert moments[-3:] == ["Re-injected", "together with others", "Waits for a worker"]
    assert "1 of at most 2" in page_of(team, job_id)


def test_a_duplicate_does_the_same_work_and_each_page_leads_to_the_other(team: Team) -> None:
    fields = {"payload": b'{"token": "t0p-secret", "n": 1}', "metadata": {"a": "b"}, "priority": Priority.HIGH}
    job_id = team.bench.dead_letter(**fields, webhook="https://a.example/hook")
    client = team.client(Role.OPERATOR)
    answer = client.post(f"/console/jobs/{job_id}/duplicate")
    made = team.bench.get(answer["Location"].rpartition("/")[2])
    assert (made.status, made.payload, made.priority, made.webhook) == (
        Status.QUEUED, fields["payload"], Priority.HIGH, None,
    )  # fmt: skip
    assert made.metadata == {"a": "b", "duplicate_of": job_id}
    assert f"/console/jobs/{made.id}" in page_of(team, job_id)
    assert f"/console/jobs/{job_id}" in page_of(team, made.id)
    edited = {"payload": '{"token": "[masked] /token", "n": 2}'}
    assert client.post(f"/console/jobs/{job_id}/duplicate", edited).status_code == 403
    answer = team.client(Role.ADMIN).post(f"/console/jobs/{job_id}/duplicate", edited)
    again = team.bench.get(answer["Location"].rpartition("/")[2])
    assert json.loads(again.payload or b"") == {"token": "t0p-secret", "n": 2}
    delivery = team.bench.get(job_id).deliveries[0]
    assert client.post(f"/console/jobs/{delivery}/duplicate")["Location"] == "/console/"


def test_a_job_that_waits_says_why_and_since_when(team: Team) -> None:
    first, second = team.bench.submit(), team.bench.submit()
    page = page_of(team, second, Role.VIEWER)
    assert 'data-cause="no_worker"' in page
    assert "1 job stands before it." in page
    assert "waits for" in page
    team.bench.lease()
    assert "Why it is not running" not in page_of(team, first)


def test_the_time_as_a_dead_letter_is_no_wait(team: Team) -> None:
    job_id = team.bench.dead_letter()
    team.bench.advance(600_000)
    team.bench.run(team.bench.operator.retry([job_id], "again", by="key:ops"))
    team.bench.advance(1_500)
    team.bench.settle(team.bench.lease())
    job = team.bench.get(job_id)
    first, second = bars_of(job, team.bench.now(), reinjections_of(job, ()))
    assert first.wait_ms < 60_000, "not the ten minutes"
    assert 1_500 <= second.wait_ms < 60_000
    assert second.wait_at > 90


def test_a_re_injection_is_seen_whatever_the_job_died_of(team: Team) -> None:
    bench = team.bench
    job_id = bench.submit(max_retries=1)
    bench.fail(bench.lease())
    bench.advance(10_000)
    bench.settle(bench.lease(), OutcomeKind.DISCARDED)
    bench.run(bench.operator.retry([job_id], "first", by="key:ops"))
    for _ in range(3):
        bench.lease()
        bench.advance(LEASE_MS + 1)
        bench.run(bench.maintainer.reap())
        bench.advance(2 * LEASE_MS)
    bench.run(bench.operator.retry([job_id], "second", by="key:ops"))
    job = bench.get(job_id)
    first, second = reinjections_of(job, ())
    assert (first.after, first.died_at) == (2, job.attempts[1].finished_at)
    assert (second.after, second.died_at, second.at) == (5, job.attempts[4].finished_at, job.ready_at)


@pytest.mark.parametrize("attempts", [0, 1, 3, 4])
def test_the_most_attempts_of_a_job_do_not_change_while_it_fails(team: Team, attempts: int) -> None:
    job_id = team.bench.submit(max_retries=3)
    for _ in range(attempts):
        team.bench.fail(team.bench.lease())
        team.bench.advance(300_000)
    job = team.bench.get(job_id)
    assert most_attempts(job) == 4


@pytest.mark.parametrize(("payload", "said"), [({"a": 1}, "{ 1 field }"), ([1], "[ 1 item ]"), ([1, 2], "[ 2 items ]")])
def test_a_tree_counts_in_words_that_fit(payload: object, said: str) -> None:
    assert said in re.sub("<[^>]+>", "", str(json_tree(json.dumps(payload).encode())))


def test_who_was_told_of_the_end_is_on_the_page_and_leads_to_the_delivery(team: Team) -> None:
    job_id = team.bench.submit(webhook="https://a.example/hook?token=abc")
    team.bench.settle(team.bench.lease())
    (delivery_id,) = team.bench.get(job_id).deliveries
    team.bench.fail(team.bench.lease(queues=(DELIVERY_QUEUE,)))
    page = page_of(team, job_id)
    assert "Webhooks told" in page
    assert f"/console/jobs/{delivery_id}" in page
    assert "token=abc" not in page
    assert "Webhooks told" not in page_of(team, delivery_id)
