"""Submissions below ASGI, over real sockets: who is refused although the head is known, and that the way is taken."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from django.utils import timezone
from pytest_django import Settings

from jobs.access.models import ApiKey
from jobs.gateway import answer
from jobs.processes.whole import known_heads
from jobs.services import waiting_room
from tests.api.conftest import Clock
from tests.api.lane import Answer, Request, known_heads_lane
from tests.api.refusals import is_problem
from tests.api.socket_lane import SocketLane
from tests.api.tenant import Tenant
from tests.api.test_outage import IN_TIME_S, TRIES, store_stopped
from tests.backends.situations import fill_queues
from tests.stores import Bench
from tests.waiting import until

pytestmark = known_heads_lane
JOB = {"kind": "k"}


@pytest.fixture(autouse=True)
def _only_what_was_sent(lane: SocketLane, key_clock: Clock) -> Iterator[None]:
    """Let the server learn heads from requests alone, as it does in earnest; no key is due before a test says so."""
    lane.knows_heads = False
    known_heads._heads.clear()
    yield
    lane.knows_heads = True


def direct(lane: SocketLane, request: Request) -> tuple[Answer, int]:
    """Return an answer and how many requests it took below ASGI."""
    before = lane.direct
    found = lane.ask(request)
    return found, lane.direct - before


def known(tenant: Tenant, length: int, **headers: str) -> None:
    """Submit a job with a body of that length, so that its head is known."""
    body = b'{"kind":"k"}'.ljust(length)
    assert tenant.ask("POST", "/jobs", body, **headers).status == 202


def test_the_second_submission_passes_by_the_parser_and_is_answered_alike(lane: SocketLane, tenant: Tenant) -> None:
    request = tenant.request("POST", "/api/v1/jobs", JOB)
    (first, before), (second, after) = direct(lane, request), direct(lane, request)
    assert (before, after) == (0, 1)
    assert (first.status, second.status) == (202, 202)
    assert list(first.headers) == list(second.headers)
    changing = {"date", "x-request-id", "location"}
    assert {name: first.headers[name] for name in first.headers if name not in changing} == {
        name: second.headers[name] for name in second.headers if name not in changing
    }
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    assert second.headers["location"] == f"/api/v1/jobs/{second.body['id']}"
    assert tenant.bench.queue_ids() == [first.body["id"], second.body["id"]]


def test_the_lane_of_the_contract_takes_the_way_with_its_first_submission(lane: SocketLane, tenant: Tenant) -> None:
    lane.knows_heads = True
    assert direct(lane, tenant.request("POST", "/jobs", JOB))[1] == 1


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b'{"kind":', 400, "invalid_json"),
        (b"", 400, "empty_body"),
        (b'{"kind":"k","priority":7}', 422, "invalid"),
        (b'{"kind":"k","payload":' + b"[" * 65 + b"]" * 65 + b"}", 422, "invalid"),
        (b"[" * 5_000, 400, None),
        (b'{"kind":"k","payload":"%s"}' % (b"x" * 256 * 1024), 422, "invalid"),
    ],
    ids=["malformed", "empty", "invalid", "deep", "very deep", "large"],
)
def test_a_body_that_is_no_job_is_refused_as_without_a_known_head(
    lane: SocketLane, tenant: Tenant, body: bytes, status: int, code: str | None
) -> None:
    request = tenant.request("POST", "/jobs", body)
    plain = lane.ask(request)
    if len(body) >= 12:
        known(tenant, len(body))
    stored = tenant.bench.queue_ids()
    refused, taken = direct(lane, request)
    assert (refused.status, taken, is_problem(refused)) == (status, 0, True)
    assert {**refused.body, "request_id": ""} == {**plain.body, "request_id": ""}
    assert code is None or refused.code == code
    assert tenant.bench.queue_ids() == stored


def test_a_key_that_is_revoked_is_refused_within_two_seconds(
    lane: SocketLane, tenant: Tenant, key_clock: Clock
) -> None:
    minted = tenant.mint()
    request = tenant.request("POST", "/jobs", JOB, authorization=f"Bearer {minted.text}")
    lane.ask(request)
    assert direct(lane, request)[1] == 1
    ApiKey.objects.filter(prefix=minted.details.prefix).update(revoked_at=timezone.now())
    key_clock.now += 2.0
    refused, taken = direct(lane, request)
    assert (refused.status, taken) == (401, 0)


def test_a_key_that_is_due_is_served_without_waiting_and_directly_again(
    lane: SocketLane, tenant: Tenant, key_clock: Clock
) -> None:
    request = tenant.request("POST", "/jobs", JOB)
    lane.ask(request)
    key_clock.now += 1.5
    due, taken = direct(lane, request)
    assert (due.status, taken) == (202, 0)
    # It is looked up beside the requests.
    until(lambda: direct(lane, request)[1] == 1)


def test_a_key_whose_scope_is_taken_away_is_refused(lane: SocketLane, tenant: Tenant, key_clock: Clock) -> None:
    minted = tenant.mint()
    request = tenant.request("POST", "/jobs", JOB, authorization=f"Bearer {minted.text}")
    lane.ask(request)
    ApiKey.objects.filter(prefix=minted.details.prefix).update(scopes=["jobs:read"])
    key_clock.now += 2.0
    for _ in range(2):
        refused, taken = direct(lane, request)
        assert (refused.status, taken, refused.code) == (403, 0, "forbidden")


def test_open_access_ends_at_once(lane: SocketLane, settings: Settings, open_access: None) -> None:
    request = Request("POST", "/jobs", JOB)
    default = Bench(namespace="default")
    assert [direct(lane, request)[1] for _ in range(2)] == [0, 1]
    stranger = Request("POST", "/jobs", JOB, peer=("10.0.0.5", 50_000))
    refused, taken = direct(lane, stranger)
    assert (refused.status, taken) == (401, 0)
    settings.IRONFORGE_OPEN = False
    refused, taken = direct(lane, request)
    assert (refused.status, taken) == (401, 0)
    assert len(default.queue_ids()) == 2
    default.close()


def test_each_tenant_gets_its_own_jobs(lane: SocketLane, tenant: Tenant, other: Tenant) -> None:
    requests = [each.request("POST", "/jobs", {"kind": name}) for each in (tenant, other) for name in ("a", "b")]
    lane.ask_all(requests)
    before = lane.direct
    answers = lane.ask_all(requests * 20)
    assert lane.direct - before == len(answers)
    for index, found in enumerate(answers):
        owner = (tenant, tenant, other, other)[index % 4]
        assert owner.job(found.body["id"])["kind"] == "abab"[index % 4]
    assert len(tenant.bench.queue_ids()) == len(other.bench.queue_ids()) == 42


def test_a_store_that_hangs_is_said_in_time(lane: SocketLane, tenant: Tenant) -> None:
    request = tenant.request("POST", "/jobs", JOB)
    lane.ask(request)
    with store_stopped(tenant):
        for _ in range(TRIES):
            refused, taken = direct(lane, request)
            assert (refused.status, refused.code, is_problem(refused)) == (503, "store_unavailable", True)
            assert int(refused.headers["retry-after"]) >= 1
            if taken and refused.took_s < IN_TIME_S:
                return
    raise AssertionError(refused.took_s)


def test_too_many_that_wait_are_refused(lane: SocketLane, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    request = tenant.request("POST", "/jobs", JOB)
    lane.ask(request)
    monkeypatch.setattr(waiting_room, "MAX_SINGLES", 0)
    refused, taken = direct(lane, request)
    assert (refused.status, refused.code, taken) == (503, "overloaded", 0)
    assert int(refused.headers["retry-after"]) >= 1


def test_a_queue_too_many_is_refused_by_the_store(lane: SocketLane, tenant: Tenant) -> None:
    fill_queues(tenant.bench)
    body = json.dumps({"kind": "k", "queue": "late"}).encode()
    known(tenant, len(body))
    refused, taken = direct(lane, tenant.request("POST", "/jobs", body))
    assert (refused.status, taken, refused.problems) == (422, 1, [("/queue", "too_many_queues")])


def test_a_mistake_of_ours_hits_one_and_is_logged(
    lane: SocketLane, tenant: Tenant, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    request = tenant.request("POST", "/jobs", JOB)
    lane.ask(request)
    right, calls = answer.submitted_answer, iter(range(100))

    def wrong_once(made: object, prefix: str) -> object:
        if next(calls) == 3:
            raise ZeroDivisionError
        return right(made, prefix)  # type: ignore[arg-type]

    monkeypatch.setattr(answer, "submitted_answer", wrong_once)
    before = lane.direct
    answers = lane.ask_all([request] * 10)
    assert lane.direct - before == 10
    assert sorted(found.status for found in answers) == [202] * 9 + [500]
    [failed] = [found for found in answers if found.status == 500]
    assert failed.code == "internal_error"
    assert "ZeroDivisionError" in caplog.text
    assert len(tenant.bench.queue_ids()) == 11
