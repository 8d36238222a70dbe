"""Claims that wait: woken at once, bounded, and nothing left behind by a client that is gone."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import Future
from typing import Any

import pytest
from django.utils import timezone

from jobs.access.models import ApiKey
from jobs.gateway import worker_operations
from jobs.services import hints, poll_places
from jobs.services.hints import POLL_S
from tests.api.conftest import Clock
from tests.api.lane import LONGEST_S, Answer, Lane, Request
from tests.api.remote_worker import LONG_MS, RemoteWorker
from tests.api.tenant import Tenant
from tests.api.test_outage import store_stopped
from tests.patience import as_a_server
from tests.waiting import until

# Far beyond any claim here.
NEVER_S = 3_600.0
TRIES = 8


@pytest.fixture
def hints_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no claim be woken because the store is asked now and then anyway."""
    monkeypatch.setattr(hints, "POLL_S", NEVER_S)


class LeavingClient:
    """A client that can close its connection while it waits for the answer."""

    def __init__(self, lane: Lane, request: Request) -> None:
        self.sent: list[dict[str, Any]] = []
        self._loop = lane._loop
        self._left = asyncio.Event()
        self._bodies = [request.content()]
        self.done: Future[None] = asyncio.run_coroutine_threadsafe(
            lane._application(request.scope(), self._receive, self._send),  # type: ignore[arg-type]
            self._loop,
        )

    async def _receive(self) -> dict[str, Any]:
        if self._bodies:
            return {"type": "http.request", "body": self._bodies.pop(), "more_body": False}
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)

    def leave(self) -> None:
        """Close the connection, and wait until the server knows."""
        self._loop.call_soon_threadsafe(self._left.set)
        self.done.result(LONGEST_S)


def begin(worker: RemoteWorker, **more: Any) -> Future[Answer]:
    """Begin a long claim and return when it waits."""
    tenant = worker.tenant
    future = tenant.lane.begin(tenant.request("POST", "/leases", worker.order(wait_ms=LONG_MS, **more)))
    until(lambda: waits(tenant) or future.done())
    return future


def waits(tenant: Tenant) -> bool:
    """Tell whether somebody listens for hints in this namespace."""
    gateway: Any = tenant.lane._application
    listeners = gateway._leases._polls._hints._listeners if gateway._leases else {}
    return any(listener._listens_for for place, listener in listeners.items() if place[0] == tenant.name)


def test_a_claim_that_waits_is_woken_at_once(tenant: Tenant, hints_alone: None) -> None:
    worker = RemoteWorker(tenant)
    took = []
    for _ in range(5):
        claim = begin(worker)
        began = time.monotonic()
        job_id = tenant.submit()
        (lease,) = claim.result(LONGEST_S).body["leases"]
        took.append(time.monotonic() - began)
        assert lease["job_id"] == job_id
        worker.settle(lease)
    assert min(took) < POLL_S, "sooner than by a look now and then"


def test_each_of_many_that_wait_gets_a_job_whatever_its_queues(tenant: Tenant, hints_alone: None) -> None:
    workers = [RemoteWorker(tenant, (f"q{number}", "shared")) for number in range(4)]
    claims = [begin(worker, max_jobs=1) for worker in workers]
    for number in (3, 0):
        tenant.submit(queue=f"q{number}")
        (lease,) = claims[number].result(LONGEST_S).body["leases"]
        assert lease["job"]["queue"] == f"q{number}"
    tenant.ask("POST", "/jobs/bulk", [{"kind": "k", "queue": "shared"}] * 2)
    for number in (1, 2):
        (lease,) = claims[number].result(LONGEST_S).body["leases"]
        assert lease["job"]["queue"] == "shared"


def test_a_delayed_job_is_claimed_when_it_falls_due(tenant: Tenant, hints_alone: None) -> None:
    worker = RemoteWorker(tenant)
    lease = worker.one()
    worker.settle(lease, "snoozed", delay_ms=300)
    (again,) = worker.claim(wait_ms=LONG_MS)
    assert again["job_id"] == lease["job_id"]


def test_the_wait_is_as_long_as_asked_for_and_empty_is_success(tenant: Tenant) -> None:
    worker = RemoteWorker(tenant)
    took: list[float] = []
    # On a machine that stands still the best of some tries counts.
    while len(took) < TRIES and min(took, default=NEVER_S) >= 1.0:
        began = time.monotonic()
        assert worker.claim(wait_ms=150) == []
        took.append(time.monotonic() - began)
    assert 0.14 < min(took) < 1.0
    assert worker.claim() == []


def test_a_client_that_is_gone_leaves_no_lease_behind(tenant: Tenant) -> None:
    worker = RemoteWorker(tenant)
    client = LeavingClient(tenant.lane, tenant.request("POST", "/leases", worker.order(wait_ms=LONG_MS)))
    until(lambda: waits(tenant))
    client.leave()
    assert client.sent == []
    job_id = tenant.submit()
    (lease,) = RemoteWorker(tenant).claim(wait_ms=LONG_MS)
    assert (lease["job_id"], lease["attempt"]) == (job_id, 1)


@pytest.mark.parametrize("name", [{}, {"claim_id": "c1"}])
def test_what_was_claimed_for_a_client_that_left_meanwhile_goes_back_unused(
    tenant: Tenant, name: dict[str, str]
) -> None:
    worker = RemoteWorker(tenant)
    worker.claim()
    job_id = tenant.submit()
    # The claim is cleared up in the time that a server leaves it.
    with as_a_server():
        with store_stopped(tenant):
            request = tenant.request("POST", "/leases", worker.order(wait_ms=LONG_MS, **name))
            client = LeavingClient(tenant.lane, request)
            until(lambda: is_claiming(tenant))
            tenant.lane._loop.call_soon_threadsafe(client._left.set)
            until(lambda: is_given_up(tenant, worker))
        client.done.result(LONGEST_S)
    (lease,) = RemoteWorker(tenant).claim(wait_ms=LONG_MS)
    assert (lease["job_id"], lease["attempt"]) == (job_id, 1)
    assert worker.claim(**name) == []


def is_claiming(tenant: Tenant) -> bool:
    """Tell whether a claim is on its way to the store."""
    return bool(tenant.lane._application._leases._polls._of_worker)  # type: ignore[attr-defined]


def is_given_up(tenant: Tenant, worker: RemoteWorker) -> bool:
    """Tell whether the poll of a worker knows that its client is gone."""
    found = tenant.lane._application._leases._polls._of_worker.get((tenant.name, worker.id))  # type: ignore[attr-defined]
    return found is None or found.is_gone


def test_a_second_claim_of_a_worker_ends_the_first(tenant: Tenant) -> None:
    worker = RemoteWorker(tenant)
    first = begin(worker)
    second = begin(worker)
    assert first.result(LONGEST_S).body["leases"] == []
    job_id = tenant.submit()
    assert [lease["job_id"] for lease in second.result(LONGEST_S).body["leases"]] == [job_id]


def test_beyond_its_bound_a_claim_is_told_to_come_again(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    worker, another = RemoteWorker(tenant), RemoteWorker(tenant)
    monkeypatch.setattr(poll_places, "MAX_POLLS_EACH", 1)
    first = begin(worker)
    answer = tenant.ask("POST", "/leases", another.order())
    assert (answer.status, answer.code) == (503, "overloaded")
    assert int(answer.headers["retry-after"]) >= 1
    tenant.submit()
    assert len(first.result(LONGEST_S).body["leases"]) == 1


def test_a_claim_that_waits_is_told_when_the_store_is_away_and_works_again_afterwards(tenant: Tenant) -> None:
    worker = RemoteWorker(tenant)
    with as_a_server():
        claim = begin(worker)
        with store_stopped(tenant):
            answer = claim.result(LONGEST_S)
    assert (answer.status, answer.code) == (503, "store_unavailable")
    assert not tenant.lane._application._leases._claims._owed, "nobody claimed anything"  # type: ignore[attr-defined]
    tenant.bench.submit()

    def is_claimed() -> bool:
        answer = tenant.ask("POST", "/leases", worker.order(wait_ms=1_000))
        return answer.status == 200 and len(answer.body["leases"]) == 1

    until(is_claimed)


def test_a_key_that_is_revoked_while_its_claim_waits_gets_no_job(
    tenant: Tenant, key_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_operations, "_KEY_HOLDS_S", 0.0)
    worker = RemoteWorker(tenant)
    minted = tenant.mint()
    request = tenant.request("POST", "/leases", worker.order(wait_ms=LONG_MS), authorization=f"Bearer {minted.text}")
    claim = tenant.lane.begin(request)
    until(lambda: waits(tenant))
    ApiKey.objects.filter(prefix=minted.details.prefix).update(revoked_at=timezone.now())
    key_clock.now += 2.0
    job_id = tenant.bench.submit()
    assert claim.result(LONGEST_S).status == 401
    (lease,) = worker.claim(wait_ms=LONG_MS)
    assert (lease["job_id"], lease["attempt"]) == (job_id, 1)
