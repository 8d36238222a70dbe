"""`/bulk-operations` by filter: found first, counted, paced, paused, aborted, behind a canary, and done by anybody."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.utils import timezone

from jobs import wiring
from jobs.access.operation import Operation
from jobs.domain.job import JobError, JobSpec
from jobs.domain.outcome import OutcomeKind
from jobs.domain.status import Status
from jobs.services import operation_search, operation_steps, operation_turns, operations
from tests.api.operation_verbs import carry_on
from tests.api.tenant import Tenant
from tests.api.test_bulk_operations import outcomes
from tests.waiting import until


def start(tenant: Tenant, action: str, wanted: dict[str, Any], status: int = 202, **more: object) -> dict[str, Any]:
    """Return an operation that was begun."""
    answer = tenant.ask("POST", "/bulk-operations", {"action": action, "filter": wanted, **more})
    assert answer.status == status, answer
    return answer.body


def look(tenant: Tenant, operation: dict[str, Any]) -> dict[str, Any]:
    answer = tenant.ask("GET", f"/bulk-operations/{operation['id']}")
    assert answer.status == 200
    return answer.body


def steer(tenant: Tenant, operation: dict[str, Any], verb: str) -> dict[str, Any]:
    answer = tenant.ask("POST", f"/bulk-operations/{operation['id']}/{verb}", {"reason": "r"})
    assert answer.status == 200, answer
    return answer.body


def submit(tenant: Tenant, number: int, **fields: Any) -> list[str]:
    """Return new jobs that are alike."""
    spec, made = JobSpec(kind=fields.pop("kind", "k"), **fields), []
    for at in range(0, number, 200):
        made += [answer.job_id for answer in tenant.bench.submit_all([spec] * min(200, number - at))]
    return made


def letters(tenant: Tenant, number: int, kind: str = "k", error: str = "ValueError") -> list[str]:
    """Return dead letters that died alike."""
    ids = submit(tenant, number, kind=kind, max_retries=0)
    for lease in tenant.bench.claim(number).leases:
        tenant.bench.settle(lease, OutcomeKind.FAILED, error=JobError(error, "no"))
    return ids


def test_a_dry_run_counts_and_touches_nothing_and_may_then_be_done(tenant: Tenant) -> None:
    wanted = submit(tenant, 3, queue="a", kind="x") + submit(tenant, 2, queue="a", kind="y")
    submit(tenant, 1, queue="b", kind="x")
    before = tenant.stored()
    seen = start(tenant, "cancel", {"queue": "a"}, 200, dry_run=True)
    assert (seen["status"], seen["total"], seen["dry_run"], seen["taken"]) == ("previewed", 5, True, 0)
    counts = [{"queue": "a", "kind": "x", "count": 3}, {"queue": "a", "kind": "y", "count": 2}]
    assert sorted(seen["counts"], key=lambda row: row["kind"]) == counts
    assert tenant.stored() == before
    late = submit(tenant, 1, queue="a")
    done = steer(tenant, seen, "resume")
    assert (done["status"], done["done"], done["dry_run"]) == ("completed", 5, False)
    assert {item["id"] for item in outcomes(tenant, seen)} == set(wanted)
    assert tenant.job(late[0])["status"] == "queued"
    assert tenant.ask("POST", f"/bulk-operations/{seen['id']}/resume", {}).code == "operation_ended"
    by_id = tenant.ask("POST", "/bulk-operations", {"action": "cancel", "ids": late, "dry_run": True})
    assert (by_id.status, by_id.body["counts"]) == (200, [{"queue": "a", "kind": "k", "count": 1}])


def test_what_comes_after_the_start_is_not_taken(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operation_search, "MAX_LOOKED_AT", 200)
    monkeypatch.setattr(operations, "_AT_ONCE_S", 0)
    early = submit(tenant, 450)
    begun = start(tenant, "cancel", {"kind": "k"})
    assert (begun["status"], begun["total"]) == ("matching", 0)
    assert operation_turns.work_on_next()
    tenant.bench.advance(60_000)
    late = submit(tenant, 250)
    carry_on()
    done = look(tenant, begun)
    assert (done["status"], done["total"], done["done"]) == ("completed", 450, 450)
    assert {item["id"] for item in outcomes(tenant, begun)} == set(early)
    assert tenant.bench.queue_ids() == late


def test_a_pace_is_kept_and_a_pause_holds(tenant: Tenant) -> None:
    submit(tenant, 60)
    began = timezone.now()
    begun = start(tenant, "cancel", {"kind": "k"}, pace_per_s=40)
    assert (begun["status"], begun["done"], begun["pace_per_s"]) == ("running", 20, 40)
    row = Operation.objects.filter(pk=begun["id"])
    assert row.get().next_at - began >= timedelta(seconds=0.5)
    # However long this took so far.
    row.update(next_at=F("next_at") + timedelta(minutes=5))
    assert not operation_turns.work_on_next()
    row.update(next_at=F("next_at") - timedelta(minutes=5))
    until(operation_turns.work_on_next)
    running = look(tenant, begun)
    assert running["done"] == 40
    assert running["rate"] > 0
    assert running["estimate_s"] > 0
    paused = steer(tenant, begun, "pause")
    assert (paused["status"], steer(tenant, begun, "pause")["status"]) == ("paused", "paused")
    Operation.objects.filter(pk=begun["id"]).update(next_at=timezone.now() - timedelta(hours=1))
    assert not operation_turns.work_on_next()
    assert tenant.bench.depth(Status.QUEUED) == 20
    assert steer(tenant, begun, "resume")["status"] == "completed"


def test_an_abort_ends_it_where_it_is(tenant: Tenant) -> None:
    submit(tenant, 30)
    begun = start(tenant, "cancel", {}, pace_per_s=20)
    aborted = steer(tenant, begun, "abort")
    assert (aborted["status"], aborted["done"], aborted["stopping"]) == ("aborted", 10, False)
    carry_on()
    assert tenant.bench.depth(Status.QUEUED) == 20
    assert len(outcomes(tenant, begun)) == 10
    for verb in ("abort", "pause", "resume"):
        again = tenant.ask("POST", f"/bulk-operations/{begun['id']}/{verb}", {})
        assert (again.status, again.code) == (409, "operation_ended")


def test_operations_are_listed_newest_first(tenant: Tenant) -> None:
    begun = [start(tenant, "cancel", {"kind": f"k{number}"})["id"] for number in range(3)]
    page = tenant.ask("GET", "/bulk-operations?limit=2").body
    rest = tenant.ask("GET", f"/bulk-operations?limit=2&cursor={page['page']['next']}").body
    assert [item["id"] for item in page["data"] + rest["data"]] == begun[::-1]
    assert rest["page"]["next"] is None
    assert page["data"][0]["filter"]["kind"] == "k2"


def test_a_step_whose_process_died_is_done_again_and_no_job_twice(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = letters(tenant, 150)
    with monkeypatch.context() as death:
        death.setattr(operation_steps, "_write", lambda *_: None)
        begun = start(tenant, "retry", {}, pace_per_s=100)
    # Nothing was written down: neither what was found nor, had it come so far, what was done.
    assert (look(tenant, begun)["total"], tenant.bench.depth(Status.QUEUED)) == (0, 0)
    Operation.objects.filter(pk=begun["id"]).update(claimed_until=None, next_at=timezone.now())
    operation_steps.OperationBatch.objects.filter(operation_id=begun["id"]).delete()
    assert operation_turns.work_on_next()
    with monkeypatch.context() as death:
        death.setattr(operation_steps, "_write", lambda *_: None)
        assert operation_turns.work_on_next()
    assert (look(tenant, begun)["taken"], tenant.bench.depth(Status.QUEUED)) == (0, 50)
    events = len(tenant.bench.verbs())
    until(operation_turns.work_on_next)
    assert (look(tenant, begun)["done"], len(tenant.bench.verbs())) == (50, events)
    until(lambda: (carry_on(), look(tenant, begun)["status"] == "completed")[1])
    assert (look(tenant, begun)["done"], sorted(tenant.bench.queue_ids())) == (150, sorted(ids))


def test_two_processes_at_once_count_a_step_once(tenant: Tenant) -> None:
    submit(tenant, 300)
    begun = start(tenant, "cancel", {})
    row = Operation.objects.get(pk=begun["id"])
    stale = Operation.objects.get(pk=begun["id"])
    assert operation_steps.work_on(row)
    assert not operation_steps.work_on(stale)
    operation_steps._step(stale)
    done = look(tenant, begun)
    assert (done["status"], done["done"], len(outcomes(tenant, begun))) == ("completed", 300, 300)


def _canary(tenant: Tenant, **more: object) -> dict[str, Any]:
    canary = {"first": 10, "window_ms": 60_000, "max_failure_rate": 0.2, **more}
    begun = start(tenant, "retry", {"error_type": "ValueError"}, canary=canary)
    assert (begun["status"], begun["taken"]) == ("watching", 10)
    return begun


def _run(tenant: Tenant, number: int, outcome: OutcomeKind) -> None:
    for lease in tenant.bench.claim(number).leases:
        tenant.bench.settle(lease, outcome, error=JobError("ValueError", "no"))


def _watch(tenant: Tenant, begun: dict[str, Any]) -> dict[str, Any]:
    Operation.objects.filter(pk=begun["id"]).update(next_at=timezone.now())
    assert operation_turns.work_on_next()
    return look(tenant, begun)


def test_a_canary_that_succeeds_lets_the_rest_follow(tenant: Tenant) -> None:
    letters(tenant, 30)
    begun = _canary(tenant)
    _run(tenant, 8, OutcomeKind.COMPLETED)
    watched = _watch(tenant, begun)
    assert (watched["status"], watched["canary"]["succeeded"], watched["canary"]["pending"]) == ("watching", 8, 2)
    _run(tenant, 2, OutcomeKind.FAILED)
    _watch(tenant, begun)
    carry_on()
    done = look(tenant, begun)
    assert (done["status"], done["done"], done["canary"]["failed"]) == ("completed", 30, 2)


def test_a_canary_that_fails_stops_by_itself_and_may_be_overruled(tenant: Tenant) -> None:
    letters(tenant, 30)
    begun = _canary(tenant)
    _run(tenant, 3, OutcomeKind.FAILED)
    stopped = _watch(tenant, begun)
    assert (stopped["status"], stopped["stop_reason"]) == ("stopped", "3 of the first 10 jobs failed, more than 20%.")
    carry_on()
    assert look(tenant, begun)["taken"] == 10
    assert steer(tenant, begun, "resume")["status"] == "completed"
    assert look(tenant, begun)["done"] == 30


@pytest.mark.parametrize(("succeeded", "failed", "status"), [(0, 0, "stopped"), (3, 1, "stopped"), (5, 1, "running")])
def test_at_the_end_of_the_window_those_count_that_have_ended(
    tenant: Tenant, succeeded: int, failed: int, status: str
) -> None:
    letters(tenant, 30)
    begun = _canary(tenant)
    _run(tenant, succeeded, OutcomeKind.COMPLETED)
    _run(tenant, failed, OutcomeKind.FAILED)
    Operation.objects.filter(pk=begun["id"]).update(watched_until=timezone.now())
    assert _watch(tenant, begun)["status"] == status


def test_a_namespace_has_a_bound_of_operations_at_work(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "MAX_AT_WORK", 1)
    submit(tenant, 30)
    start(tenant, "cancel", {}, pace_per_s=1)
    refused = tenant.ask("POST", "/bulk-operations", {"action": "cancel", "filter": {}})
    assert (refused.status, refused.code) == (409, "too_many_operations")


def test_old_operations_are_forgotten_with_their_outcomes(tenant: Tenant) -> None:
    submit(tenant, 3)
    done, seen = start(tenant, "cancel", {"kind": "k"}), start(tenant, "cancel", {"kind": "k"}, 200, dry_run=True)
    fresh = start(tenant, "cancel", {"kind": "k"})
    Operation.objects.filter(pk=done["id"]).update(finished_at=timezone.now() - timedelta(days=31))
    Operation.objects.filter(pk=seen["id"]).update(created_at=timezone.now() - timedelta(days=2))
    operation_turns.forget_old()
    assert [item["id"] for item in tenant.ask("GET", "/bulk-operations").body["data"]] == [fresh["id"]]


def test_ten_thousand_jobs_are_found_in_stretches_and_taken_in_bounded_memory(tenant: Tenant) -> None:
    submit(tenant, 10_400)
    begun = start(tenant, "cancel", {"kind": "k"})
    carry_on()
    done = look(tenant, begun)
    assert (done["status"], done["done"], done["searched"]) == ("completed", 10_400, 10_400)
    assert Operation.objects.get(pk=begun["id"]).batches.count() <= 54
    assert wiring.runner().run(wiring.backend().inspector(tenant.name).overview(0)).queues[0].total(Status.QUEUED) == 0
