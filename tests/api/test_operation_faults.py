"""Operations under faults: steps that fail or are lost, wishes that come during a step, and odd requests."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from jobs.access.operation import Operation
from jobs.domain.errors import BackendUnavailable
from jobs.domain.outcome import OutcomeKind
from jobs.loops.operations import OperationsLoop
from jobs.services import operation_failures, operation_steps, operation_turns, operations
from tests.api.operation_verbs import carry_on
from tests.api.tenant import Tenant
from tests.api.test_tracked_operations import _run, letters, look, start, steer, submit


class _Killed(BaseException):
    """The process ended here."""


def _killed(*_: object) -> None:
    raise _Killed


@pytest.fixture
def nothing_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave everything to the loop."""
    monkeypatch.setattr(operations, "_go_on", lambda row: None)


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> dict[str, Exception]:
    """Return what the acts of a namespace fail with."""
    failures: dict[str, Exception] = {}
    real = operation_steps._act

    def act(row: Operation, given: list[str]) -> Any:
        if row.namespace in failures:
            raise failures[row.namespace]
        return real(row, given)

    monkeypatch.setattr(operation_steps, "_act", act)
    return failures


def _again(begun: dict[str, Any]) -> None:
    """Let the time pass until an operation is due."""
    Operation.objects.filter(pk=begun["id"]).update(next_at=timezone.now(), claimed_until=None)


@pytest.mark.parametrize("others", [1, 7])
def test_a_lost_step_is_not_done_twice_though_others_acted_on_the_job_in_between(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, nothing_at_once: None, others: int
) -> None:
    (job_id,) = submit(tenant, 1)
    answer = tenant.ask("POST", "/bulk-operations", {"action": "move", "queue": "b", "ids": [job_id]})
    with monkeypatch.context() as death:
        death.setattr(operation_steps, "_write", _killed)
        with pytest.raises(_Killed):
            operation_turns.work_on_next()
    assert tenant.job(job_id)["queue"] == "b"
    for number in range(others):
        assert tenant.ask("POST", f"/jobs/{job_id}/move", {"queue": f"c{number}"}).status == 200
    _again(answer.body)
    carry_on()
    assert (look(tenant, answer.body)["done"], tenant.job(job_id)["queue"]) == (1, f"c{others - 1}")


def test_an_operation_that_fails_holds_nobody_up_and_says_so_and_stops_in_the_end(
    tenant: Tenant,
    other: Tenant,
    broken: dict[str, Exception],
    nothing_at_once: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # It is not due again while this test is slow.
    monkeypatch.setattr(operation_failures, "_FIRST_S", 60.0)
    broken[tenant.name] = RuntimeError("secret of the inside")
    mine = start(tenant, "cancel", {"kind": "k"}) if submit(tenant, 1) else {}
    theirs = start(other, "cancel", {"kind": "k"}) if submit(other, 1) else {}
    carry_on()
    assert look(other, theirs)["status"] == "completed"
    seen = look(tenant, mine)
    assert (seen["status"], seen["failures"], seen["error"]) == ("running", 1, "unexpected: RuntimeError")
    assert not operation_turns.work_on_next(), "it is tried again later"
    for _ in range(operation_failures.MAX_FAILURES - 1):
        _again(mine)
        assert operation_turns.work_on_next()
    seen = look(tenant, mine)
    assert (seen["status"], seen["stop_reason"]) == (
        "stopped", "Gave up after 12 tries in a row: unexpected: RuntimeError",
    )  # fmt: skip
    broken.clear()
    done = steer(tenant, mine, "resume")
    assert (done["status"], done["done"], done["error"], done["failures"]) == ("completed", 1, None, 0)


def test_a_store_that_is_away_is_waited_for_without_giving_up(
    tenant: Tenant, broken: dict[str, Exception], nothing_at_once: None
) -> None:
    submit(tenant, 1)
    begun = start(tenant, "cancel", {"kind": "k"})
    broken[tenant.name] = BackendUnavailable("its shard is away")
    for _ in range(20):
        _again(begun)
        operation_turns.work_on_next()
    assert (look(tenant, begun)["status"], look(tenant, begun)["error"]) == ("running", "its shard is away")
    broken.clear()
    _again(begun)
    carry_on()
    assert (look(tenant, begun)["status"], look(tenant, begun)["error"]) == ("completed", None)


def test_a_search_that_was_given_up_goes_on_searching(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, nothing_at_once: None
) -> None:
    submit(tenant, 3)
    begun = start(tenant, "cancel", {"kind": "k"})
    with monkeypatch.context() as broken:
        broken.setattr(operation_failures, "MAX_FAILURES", 1)
        broken.setattr(operation_steps, "search", lambda *_: 1 / 0)
        carry_on()
        assert look(tenant, begun)["status"] == "stopped"
    steer(tenant, begun, "resume")
    carry_on()
    assert (look(tenant, begun)["status"], look(tenant, begun)["done"]) == ("completed", 3)


def test_namespaces_take_turns_however_many_operations_each_has(
    tenant: Tenant, other: Tenant, nothing_at_once: None
) -> None:
    for target in [*[tenant] * 5, other]:
        body = {"action": "cancel", "ids": submit(target, 1)}
        assert target.ask("POST", "/bulk-operations", body).status == 202
    turns: operation_turns.Turns = {}
    for _ in range(2):
        assert operation_turns.work_on_next(turns)
    done = Operation.objects.filter(status="completed").values_list("namespace", flat=True)
    assert {*done} >= {tenant.name, other.name}


@pytest.mark.usefixtures("nothing_at_once")
@pytest.mark.parametrize("dry_run", [True, False])
@pytest.mark.parametrize(("verb", "status"), [("abort", "aborted"), ("pause", "paused")])
def test_what_is_wanted_during_the_last_stretch_of_the_search_is_done(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, verb: str, status: str, dry_run: bool
) -> None:
    submit(tenant, 3)
    begun = start(tenant, "cancel", {"kind": "k"}, dry_run=dry_run)
    real = operation_steps.search

    def search(*given: Any) -> Any:
        found = real(*given)
        steer(tenant, begun, verb)
        return found

    with monkeypatch.context() as during:
        during.setattr(operation_steps, "search", search)
        operation_turns.work_on_next()
    carry_on()
    seen = look(tenant, begun)
    assert (seen["status"], seen["stopping"], seen["taken"]) == (status, False, 0)
    if status == "paused":
        steer(tenant, begun, "resume")
        carry_on()
        after = look(tenant, begun)
        # A dry run that was paused does not become more than a dry run by going on.
        assert (after["status"], after["done"]) == (("previewed", 0) if dry_run else ("completed", 3))


def test_resuming_obeys_the_bound_of_operations_at_work(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "MAX_AT_WORK", 1)
    submit(tenant, 30)
    seen = start(tenant, "cancel", {}, 200, dry_run=True)
    start(tenant, "cancel", {}, pace_per_s=1)
    refused = tenant.ask("POST", f"/bulk-operations/{seen['id']}/resume", {})
    assert (refused.status, refused.code) == (409, "too_many_operations")
    assert look(tenant, seen)["status"] == "previewed"


def test_held_operations_are_forgotten_in_the_end(tenant: Tenant) -> None:
    submit(tenant, 30)
    begun = start(tenant, "cancel", {}, pace_per_s=1)
    steer(tenant, begun, "pause")
    operation_turns.forget_old()
    assert look(tenant, begun)["status"] == "paused"
    Operation.objects.filter(pk=begun["id"]).update(next_at=timezone.now() - timedelta(days=31))
    operation_turns.forget_old()
    assert tenant.ask("GET", f"/bulk-operations/{begun['id']}").status == 404


def test_all_that_is_old_is_forgotten_within_an_hour(tenant: Tenant) -> None:
    old = timezone.now() - timedelta(days=31)
    ended = {"namespace": tenant.name, "action": "cancel", "status": "completed", "finished_at": old}
    Operation.objects.bulk_create(Operation(id=f"old-{number}", **ended) for number in range(450))
    now_s = [0.0]
    loop = OperationsLoop(lambda: now_s[0])
    assert loop.round() is False
    assert Operation.objects.count() == 450
    now_s[0] = 3_600.0
    assert [loop.round() for _ in range(4)] == [True, True, False, False]
    assert Operation.objects.count() == 0


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00Z"])
def test_a_moment_that_cannot_be_written_is_refused_and_others_can_be_read(tenant: Tenant, moment: str) -> None:
    is_fine = moment.endswith("Z")
    body = {"action": "cancel", "filter": {"created_after": moment, "kind": "none"}}
    assert tenant.ask("POST", "/bulk-operations", body).status == (202 if is_fine else 422)
    assert tenant.ask("GET", "/bulk-operations").status == 200
    for name in ("after", "before"):
        asked = moment.replace("+", "%2B")
        assert tenant.ask("GET", f"/audit?{name}={asked}").status == (200 if is_fine else 422)


def _ramped(tenant: Tenant, **more: object) -> dict[str, Any]:
    letters(tenant, 60)
    ramp = {"from_per_s": 4, "factor": 2, "every_ms": 60_000}
    canary = {"first": 2, "window_ms": 60_000, "max_failure_rate": 0.5, "ramp": ramp}
    begun = start(tenant, "retry", {"kind": "k"}, canary=canary, pace_per_s=10, **more)
    _run(tenant, 2, OutcomeKind.COMPLETED)
    _again(begun)
    operation_turns.work_on_next()
    return begun


def _raise(begun: dict[str, Any]) -> None:
    Operation.objects.filter(pk=begun["id"]).update(ramp_at=timezone.now())
    _again(begun)
    operation_turns.work_on_next()


def test_behind_a_canary_the_pace_grows_as_long_as_jobs_succeed(tenant: Tenant) -> None:
    begun = _ramped(tenant)
    seen = look(tenant, begun)
    assert (seen["status"], seen["pace_now"], seen["taken"]) == ("running", 4, 2)
    assert seen["canary"]["ramp"] == {"from_per_s": 4, "factor": 2.0, "every_ms": 60_000}
    began = timezone.now()
    _again(begun)
    operation_turns.work_on_next()
    assert look(tenant, begun)["taken"] == 4, "half a second's worth at a time"
    assert Operation.objects.get(pk=begun["id"]).next_at >= began + timedelta(seconds=0.5)
    _run(tenant, 2, OutcomeKind.COMPLETED)
    _raise(begun)
    assert look(tenant, begun)["pace_now"] == 8
    steer(tenant, begun, "pause")
    assert steer(tenant, begun, "resume")["pace_now"] == 8
    _raise(begun)
    assert look(tenant, begun)["pace_now"] == 10, "the pace that was asked for is the top"


def test_a_ramp_stops_by_itself_when_jobs_fail_and_waits_when_none_has_ended(tenant: Tenant) -> None:
    begun = _ramped(tenant)
    for _ in range(3):
        _again(begun)
        operation_turns.work_on_next()
    assert look(tenant, begun)["taken"] == 8
    _run(tenant, 6, OutcomeKind.FAILED)
    _raise(begun)
    stopped = look(tenant, begun)
    assert (stopped["status"], stopped["stop_reason"]) == (
        "stopped", "6 of the last 8 jobs that ended failed, more than 50%.",
    )  # fmt: skip
    Operation.objects.filter(pk=begun["id"]).update(next_at=timezone.now())
    resumed = steer(tenant, begun, "resume")
    assert (resumed["status"], resumed["pace_now"], resumed["stop_reason"]) == ("running", 10, None)


@pytest.mark.parametrize(
    ("ramp", "pointer"),
    [
        ([], "/canary/ramp"),
        ({"factor": 2, "every_ms": 1000}, "/canary/ramp/from_per_s"),
        ({"from_per_s": 10, "factor": 2, "every_ms": 1000}, "/canary/ramp/from_per_s"),
        ({"from_per_s": 1, "factor": 1, "every_ms": 1000}, "/canary/ramp/factor"),
        ({"from_per_s": 1, "factor": True, "every_ms": 1000}, "/canary/ramp/factor"),
        ({"from_per_s": 1, "factor": 2, "every_ms": 1}, "/canary/ramp/every_ms"),
        ({"from_per_s": 1, "factor": 2, "every_ms": 1000, "x": 1}, "/canary/ramp/x"),
    ],
)
def test_a_ramp_that_makes_no_sense_is_refused(tenant: Tenant, ramp: object, pointer: str) -> None:
    canary = {"first": 1, "window_ms": 1_000, "max_failure_rate": 0, "ramp": ramp}
    body = {"action": "retry", "filter": {}, "pace_per_s": 10, "canary": canary}
    refused = tenant.ask("POST", "/bulk-operations", body)
    assert refused.status == 422
    assert [problem["pointer"] for problem in refused.body["errors"]] == [pointer]
