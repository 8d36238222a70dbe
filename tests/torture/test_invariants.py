"""Each invariant notices what it is there for, in a history that was made up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from jobs.domain.backoff import Backoff
from jobs.domain.job import Attempt, Delivery, Job
from jobs.domain.naming import DELIVERY_KIND
from jobs.domain.priority import Priority
from jobs.domain.status import Status
from tests.torture.history import History, Stored
from tests.torture.invariants import INVARIANTS
from tests.torture.invariants.leases import no_two_leases
from tests.torture.invariants.outbound import webhooks
from tests.torture.ledger import Line
from tests.torture.plans import DEFAULT, JobPlan, Step
from tests.torture.receiver import TOO_OLD, UNSIGNED
from tests.torture.schedule import Schedule
from tests.torture.watcher import Granted, Move

S = Status
TOKEN, OTHER_TOKEN = "first", "second"
PLAN = JobPlan("c1", "torture.ok", {"cid": "c1", "ms": 0, "snooze_ms": 500})


def _client(event: str, verb: str = "submit", at_ms: float = 0.0, **more: Any) -> Line:
    usual = {"ns": DEFAULT, "cids": ["c1"], "key": None, "of": None, "queue": "", "due_ms": None, "ids": ["j1"]}
    asked = {"http": 202, "retry_after": None, "took_ms": 5.0, "sent_ms": at_ms, "status": "queued"}
    return usual | (asked if event != "try" else {}) | {"event": event, "verb": verb, "at_ms": at_ms} | more


def _handler(event: str, at_ms: float, token: str = TOKEN, attempt: int = 1, pid: int = 1) -> Line:
    return {"event": event, "at_ms": at_ms, "token": token, "attempt": attempt, "pid": pid, "job": "j1", "cid": "c1"}


def _moves(*moves: tuple[int, str, Status | None]) -> list[Move]:
    return [Move(at_ms, DEFAULT, verb, status) for at_ms, verb, status in moves]


def _well() -> History:
    """Return the history of one job that was submitted, ran and completed."""
    job = Job(
        id="j1", namespace=DEFAULT, kind="torture.ok", queue="main", priority=Priority.MEDIUM, status=S.COMPLETED,
        max_retries=3, retry_count=0, timeout_ms=1000, delivery=Delivery.AT_LEAST_ONCE, backoff=Backoff(), metadata={},
        created_at=0, attempt=1,
    )  # fmt: skip
    schedule = Schedule(1, 1.0, (Step(0, "submit", DEFAULT, (PLAN,), of="c1"),), ())
    return History(
        schedule, 2000, 10_000.0, [_client("try"), _client("ok")], [_handler("start", 20), _handler("end", 30)], [], [],
        {"j1": _moves((10, "submit", S.QUEUED), (20, "claim", S.RUNNING), (40, "settle", S.COMPLETED))},
        {"j1": [Granted(21, 2020)]}, [], 0, [], [], {}, ended_ms=50_000.0,
        jobs={"j1": Stored(job, TOKEN, {"cid": "c1"}, {"made_by": TOKEN})},
        totals={DEFAULT: {"submitted:medium": 1.0, "completed:torture.ok": 1.0}},
        by_status={DEFAULT: {"completed": 1}},
    )  # fmt: skip


def _change_job(history: History, **fields: Any) -> None:
    stored = history.jobs["j1"]
    document = {name: getattr(stored.job, name) for name in stored.job.__struct_fields__} | fields
    history.jobs["j1"] = replace(stored, job=Job(**document))


def _lost(history: History) -> None:
    history.jobs.clear()


def _miscounted(history: History) -> None:
    history.totals[DEFAULT]["submitted:medium"] = 2.0


def _refused_and_there(history: History) -> None:
    history.clients[1:] = [_client("no", http=422)]


def _result_of_another(history: History) -> None:
    history.jobs["j1"] = replace(history.jobs["j1"], result={"made_by": OTHER_TOKEN})


def _completed_twice(history: History) -> None:
    history.moves["j1"] += _moves((50, "settle", S.COMPLETED))


def _reaped_early(history: History) -> None:
    history.moves["j1"] = _moves((10, "submit", S.QUEUED), (20, "claim", S.RUNNING), (100, "reap", S.QUEUED))


def _overlapping(history: History) -> None:
    history.handlers[1:] = [
        _handler("start", 25, OTHER_TOKEN, 2),
        _handler("end", 30),
        _handler("end", 90, OTHER_TOKEN, 2),
    ]


def _run_after_cancel(history: History) -> None:
    history.moves["j1"] = _moves((10, "submit", S.QUEUED), (15, "cancel", S.CANCELLED), (20, "claim", S.RUNNING))


def _attempt_not_counted(history: History) -> None:
    _change_job(history, attempt=2)


def _snooze_cut_short(history: History) -> None:
    history.moves["j1"][2:] = _moves((40, "settle", S.SCHEDULED), (400, "promote", S.QUEUED))


def _not_recovered(history: History) -> None:
    history.handlers[1:] = []
    history.moves["j1"][2:] = []
    history.faults.append(
        {"event": "broken", "kind": "worker_kill", "target": "worker-1", "at_ms": 30, "for_ms": 0, "victim": 1}
    )


def _key_of_two_jobs(history: History) -> None:
    history.clients += [_client("ok", key="k", ids=[job_id]) for job_id in ("j1", "j2")]


def _repaired(history: History) -> None:
    history.totals[DEFAULT]["repaired"] = 1.0


def _claimed_while_paused(history: History) -> None:
    history.clients.append(_client("ok", "pause", at_ms=15.0, queue="main", cids=[]))


def _broken_answer(history: History) -> None:
    history.clients.append(_client("unknown", http=500))


def _silent_refusal(history: History) -> None:
    history.clients.append(_client("unknown", http=503))


def _dead_loop(history: History) -> None:
    history.probes["default: promotion"] = None


def _ended_without_an_event(history: History) -> None:
    history.moves["j1"].pop()


def _stored_without_an_event(history: History) -> None:
    del history.moves["j1"]


def _told_after_its_end(history: History) -> None:
    history.moves["j1"] += _moves((50, "prune", None), (60, "claim", S.COMPLETED))


def _counted_otherwise(history: History) -> None:
    history.by_status[DEFAULT] = {"completed": 1, "failed": 1}


def _killed_at_the_end(history: History) -> None:
    history.exit_codes["worker-1"] = -9


def _push(history: History, **more: Any) -> None:
    """Make it a job that is pushed, and received as `more` says."""
    for line in history.handlers:
        line["via"] = "push"
    usual = {"event": "pushed", "is_job": True, "ns": DEFAULT, "why": None, "at_ms": 20.0, "job_id": "j1"}
    history.received.append(usual | {"webhook_id": "j1", "body": {"cid": "c1"}} | more)


def _unsigned(history: History) -> None:
    _push(history, event="refused", why=UNSIGNED)


def _sent_with_a_wrong_time(history: History) -> None:
    _push(history, event="refused", why=TOO_OLD)


def _pushed_under_another_id(history: History) -> None:
    _push(history, webhook_id="j2")


def _pushed_to_the_wrong_tenant(history: History) -> None:
    _push(history, ns="another")


def _completed_before_it_arrived(history: History) -> None:
    _push(history)
    history.handlers[1]["at_ms"] = 60.0


def _result_not_read(history: History) -> None:
    _push(history)
    history.jobs["j1"] = replace(history.jobs["j1"], result=None)


def _tell(history: History, status: str = "completed") -> None:
    """Make it a job whose end is told by a delivery, and the delivery one that completed and was received."""
    jobs = (replace(PLAN, webhook=("200",)),)
    history.schedule = Schedule(1, 1.0, (Step(0, "submit", DEFAULT, jobs, of="c1"),), ())
    document = {name: getattr(history.jobs["j1"].job, name) for name in Job.__struct_fields__}
    delivery = Job(**document | {"id": "d1", "kind": DELIVERY_KIND})
    history.jobs["d1"] = Stored(delivery, "third", {"job_id": "j1", "status": status}, None)
    body = {"data": {"id": "j1", "status": status}}
    history.received.append({"event": "told", "is_job": False, "why": None, "webhook_id": "d1", "body": body})


def _end_not_told(history: History) -> None:
    _tell(history)
    del history.jobs["d1"]


def _another_end_told(history: History) -> None:
    _tell(history, "cancelled")


def _told_and_not_received(history: History) -> None:
    _tell(history)
    history.received.clear()


def _lost_with_the_store(history: History) -> None:
    history.faults.append({"event": "broken", "kind": "store_kill", "target": "store", "at_ms": 5, "for_ms": 0})
    history.jobs.clear()


@pytest.mark.parametrize(
    ("number", "spoil"),
    [
        (1, _lost), (2, _miscounted), (3, _refused_and_there), (4, _result_of_another), (5, _completed_twice),
        (6, _reaped_early), (6, _overlapping), (7, _run_after_cancel), (8, _attempt_not_counted),
        (9, _snooze_cut_short),
        (10, _not_recovered), (11, _key_of_two_jobs), (14, _repaired), (15, _claimed_while_paused),
        (16, _broken_answer),
        (16, _silent_refusal), (17, _dead_loop), (18, _killed_at_the_end),
        (19, _ended_without_an_event), (19, _stored_without_an_event), (19, _told_after_its_end),
        (19, _counted_otherwise), (20, _lost_with_the_store),
        (21, _unsigned), (21, _sent_with_a_wrong_time), (21, _pushed_under_another_id),
        (21, _pushed_to_the_wrong_tenant), (21, _completed_before_it_arrived), (21, _result_not_read),
        (22, _end_not_told), (22, _another_end_told), (22, _told_and_not_received),
    ],
)  # fmt: skip
def test_an_invariant_notices_what_it_is_there_for(number: int, spoil: Callable[[History], None]) -> None:
    history = _well()
    spoil(history)
    (invariant,) = [each for each in INVARIANTS if each.number == number]
    assert invariant.judge(history).findings


@pytest.mark.parametrize("make", [lambda _: None, _push], ids=["run", "pushed"])
@pytest.mark.parametrize("invariant", INVARIANTS, ids=lambda invariant: f"I{invariant.number}")
def test_an_invariant_has_nothing_to_say_of_a_job_that_went_well(
    invariant: Any, make: Callable[[History], None]
) -> None:
    history = _well()
    make(history)
    assert invariant.judge(history).findings == []


def test_an_end_that_was_told_is_well() -> None:
    history = _well()
    _tell(history)
    assert webhooks(history).findings == []


@pytest.mark.parametrize("is_named", [False, True], ids=["the store stood still", "the job names it"])
def test_the_claim_of_a_worker_that_died_while_it_was_under_way_is_lost_at_once(is_named: bool) -> None:
    history = _well()
    history.handlers.clear()
    history.moves["j1"] = _moves((10, "submit", S.QUEUED), (2020, "claim", S.RUNNING), (2060, "reap", S.QUEUED))
    history.leases["j1"] = [Granted(2025, 4020)]
    killed = {"event": "broken", "kind": "child_kill", "target": "worker-2", "at_ms": 900, "for_ms": 0, "victim": 1}
    history.faults.append(killed)
    assert no_two_leases(history).findings
    if is_named:
        _change_job(history, attempts=(Attempt(number=1, worker_id="vm-1-a", started_at=2020, finished_at=2060),))
    else:
        history.away.append((500, 2030))
    assert no_two_leases(history).findings == []


@pytest.mark.parametrize("via", ["push", "remote"])
def test_what_arrives_after_its_attempt_is_no_second_lease(via: str) -> None:
    history = _well()
    history.moves["j1"] = _moves(
        (10, "submit", S.QUEUED), (20, "claim", S.RUNNING), (30, "settle", S.FAILED), (40, "promote", S.QUEUED),
        (50, "claim", S.RUNNING), (80, "settle", S.COMPLETED),
    )  # fmt: skip
    late = [_handler("start", 62, OTHER_TOKEN, 1), _handler("end", 90, OTHER_TOKEN, 1)]
    history.handlers = [_handler("start", 55, TOKEN, 2), _handler("end", 70, TOKEN, 2), *late]
    for line in history.handlers:
        line["via"] = via
    assert no_two_leases(history).findings == []
