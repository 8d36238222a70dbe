"""A store that has no memory left refuses new jobs, and nothing that ends, frees or looks at old ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from jobs.backends.base import ActCode
from jobs.backends.call import Call
from jobs.backends.redis.backend import RedisBackend
from jobs.backends.redis.repaging import onto_pages
from jobs.backends.redis.scripts import all_script_names
from jobs.backends.redis.tenants import RedisTenants
from jobs.backends.retention import Retention
from jobs.backends.tenants import Drained
from jobs.domain.circuit import Circuit, CircuitState
from jobs.domain.endpoint import Endpoint
from jobs.domain.errors import BackendUnavailable
from jobs.domain.identity import IdentityMaker
from jobs.domain.job import JobSpec
from jobs.domain.limit import Limit
from jobs.domain.naming import DELIVERY_QUEUE
from jobs.domain.outcome import OutcomeKind
from jobs.domain.priority import Priority
from jobs.domain.quota import CLOSED
from jobs.domain.report import Noted, Report, ReportLine
from jobs.domain.sharing import Share
from jobs.domain.status import Status
from jobs.domain.worker import WorkerOrder
from tests.backends.servers import Server
from tests.backends.test_heartbeat import record
from tests.backends.test_reconcile import reconcile
from tests.backends.test_repaging import to_layout_3
from tests.stores import BY, LEASE_MS, Bench


@pytest.fixture
def bench(spare: Server) -> Iterator[Bench]:
    """Return a namespace on a server whose memory the test may use up."""
    with Bench(url=spare.url) as made:
        yield made


@contextmanager
def full(bench: Bench) -> Iterator[None]:
    """Let the store be beyond its memory."""
    bench.client.config_set("maxmemory", 1)
    try:
        yield
    finally:
        bench.client.config_set("maxmemory", 0)


def test_a_submission_is_refused_and_accepted_when_there_is_room_again(bench: Bench) -> None:
    with full(bench):
        before = bench.contents()
        with pytest.raises(BackendUnavailable) as refusal:
            bench.submit()
        assert refusal.value.code == "queue_full"
        assert bench.contents() == before
    assert bench.get(bench.submit()).status is Status.QUEUED


@pytest.mark.parametrize("outcome", OutcomeKind)
def test_a_running_job_can_be_settled_whatever_its_outcome(bench: Bench, outcome: OutcomeKind) -> None:
    bench.submit()
    lease = bench.lease()
    with full(bench):
        assert bench.settle(lease, outcome, result=b"1" * 10_000, delay_ms=1_000) is not None


def test_jobs_are_claimed_and_leases_renewed(bench: Bench) -> None:
    job_id = bench.submit()
    with full(bench):
        lease = bench.lease()
        assert bench.run(bench.consumer.extend([(job_id, lease.token)], LEASE_MS)).extended


def test_lost_leases_end_and_due_jobs_become_ready(bench: Bench) -> None:
    job_id = bench.submit()
    bench.submit(scheduled_for=bench.now() + 60_000)
    bench.lease()
    bench.advance(60_000)
    with full(bench):
        assert bench.run(bench.maintainer.reap()) == 1
        assert bench.run(bench.maintainer.promote_due()) == 1
        assert bench.lease(limit=1).job.id == job_id


def _order(bench: Bench) -> Call[bool]:
    bench.run(bench.consumer.heartbeat(record()))
    return bench.operator.order("w1", WorkerOrder.QUIET)


# Tried in test_workflow_bounds.py.
WORKFLOW_SCRIPTS = {"stage", "start", "grow", "walk", "tend", "sweep", "workflow", "workflows"}
ACTS: dict[str, Callable[[Bench], Call[object]]] = {
    "cancel": lambda bench: bench.operator.cancel([bench.submit()], "r", running=False, by=BY),
    "discard": lambda bench: bench.operator.discard([bench.dead_letter()], "r", by=BY),
    "retry": lambda bench: bench.operator.retry([bench.dead_letter()], "r", by=BY),
    "promote": lambda bench: bench.operator.promote([bench.submit(scheduled_for=bench.now() + 60_000)], "r", by=BY),
    "move": lambda bench: bench.operator.move([bench.submit()], "r", "other", by=BY),
    "reprioritise": lambda bench: bench.operator.reprioritise([bench.submit()], "r", Priority.LOW, by=BY),
    "pause": lambda bench: bench.operator.pause("main", by=BY, reason=""),
    "resume": lambda bench: bench.operator.resume("main", by=BY),
    "heartbeat": lambda bench: bench.consumer.heartbeat(record()),
    "order": _order,
    "farewell": lambda bench: bench.consumer.farewell("w1"),
    "rouse": lambda bench: bench.consumer.rouse("~w1"),
    "blame": lambda bench: bench.backend.error_groups(bench.namespace).blame([]),
    "unbind": lambda bench: RedisBackend().endpoints(bench.namespace).unbind("k"),
    "subscribe": lambda bench: RedisBackend().endpoints(bench.namespace).subscribe(["completed"]),
}


@pytest.mark.parametrize("act", ACTS)
def test_operators_and_workers_are_not_held_up(bench: Bench, act: str) -> None:
    call = ACTS[act](bench)
    with full(bench):
        answer = bench.run(call)
    assert answer in (None, True, 0, WorkerOrder.RUN) or answer[0].code is ActCode.DONE  # type: ignore[index]


def test_purge_and_retention_make_room(bench: Bench) -> None:
    ended = bench.submit()
    bench.settle(bench.lease())
    waiting = bench.submit()
    with full(bench):
        assert bench.run(bench.operator.purge("main", "r1", bench.now(), 0, by=BY)).purged == 1
        assert bench.run(bench.maintainer.prune(Retention(max_jobs=0))).completed == 1
    assert bench.run(bench.inspector.get_many([ended, waiting])) == [None, None]


def test_leases_of_a_dead_worker_end(bench: Bench) -> None:
    bench.submit()
    bench.lease()
    with full(bench):
        assert bench.run(bench.maintainer.lose_worker("w1", "SIGKILL", 0)) == (-1, 1)


def test_what_does_not_fit_together_is_put_right(bench: Bench) -> None:
    job_id = bench.submit()
    bench.client.delete(bench.keys.queue("main"), bench.keys.named("counts"))
    with full(bench):
        assert reconcile(bench).jobs_put_back == 1
        assert bench.lease().job.id == job_id


def test_all_can_be_seen(bench: Bench) -> None:
    job_id = bench.submit()
    with full(bench):
        assert bench.get(job_id).status is Status.QUEUED
        assert bench.run(bench.inspector.list_jobs(Status.QUEUED, None, None, 10)).jobs[0].id == job_id
        assert bench.run(bench.inspector.list_jobs(None, None, None, 10)).jobs[0].id == job_id
        assert bench.run(bench.inspector.overview(2)).queues[0].name == "main"
        assert bench.run(bench.inspector.queue("main"))[1] is not None
        assert bench.last_event().verb == "submit"
        assert bench.run(bench.inspector.workers()) == []
        assert bench.run(bench.backend.error_groups(bench.namespace).newest(1)) == []
        assert bench.run(bench.inspector.log(job_id, 0, 1)) is not None


def test_a_kind_is_bound_and_workers_are_seen(bench: Bench) -> None:
    bound = Endpoint(kind="k", url="https://a.example/", secrets=())
    with full(bench):
        assert bench.run(RedisBackend().endpoints(bench.namespace).bind(bound, None)) == "bound"
        assert bench.run(RedisBackend().endpoints(bench.namespace).all()) == [bound]
        assert bench.run(bench.consumer.worker("w1")) is None


def test_a_kind_is_limited_and_what_is_held_goes_on(bench: Bench) -> None:
    limits = RedisBackend().limits(bench.namespace)
    bench.submit_all([JobSpec(kind="k"), JobSpec(kind="k")])
    with full(bench):
        assert bench.run(limits.put(Limit(name="k", concurrency=1, circuit=Circuit()))) == "set"
        assert bench.run(limits.turn("k", CircuitState.OPEN, BY, ""))
        assert bench.claim(2).leases == ()
        assert bench.run(limits.turn("k", CircuitState.CLOSED, BY, ""))
        lease = bench.lease(limit=2)
        assert bench.claim(2).leases == ()
        assert [(use.running, use.held) for use in bench.run(limits.all())] == [(1, 1)]
        assert bench.run(limits.paths()) == {}
        bench.settle(lease)
        assert len(bench.claim(2).leases) == 1


def test_attempts_say_how_far_they_are_but_no_line_and_no_large_checkpoint_is_taken(bench: Bench) -> None:
    job_id = bench.submit()
    lease = bench.lease()

    def told(number: int, checkpoint: bytes, fraction: float = 0.5) -> list[Noted]:
        said = Report(
            job_id=job_id, token=lease.token, number=number, fraction=fraction, checkpoint=checkpoint,
            lines=(ReportLine(0, "info", f"line {number}"),),
        )  # fmt: skip
        return bench.run(bench.consumer.report([said]))

    def kept() -> tuple[bytes | None, float | None, int]:
        job = bench.get(job_id)
        log = bench.run(bench.inspector.log(job_id, 0, 100))
        return job.checkpoint, job.progress and job.progress.fraction, len(log.lines if log else ())

    large, larger, small = b"1" * 3_000, b"2" * 3_001, b"3" * 1_000
    assert told(1, large) == [Noted.NOTED]
    with full(bench):
        assert told(2, larger, 0.6) == [Noted.WITHOUT_CHECKPOINT]
        assert kept() == (large, 0.6, 1)
        assert told(3, b"4" * 3_000, 0.7) == [Noted.NOTED], "it needs no more memory than the one before"
        assert told(4, small, 0.8) == [Noted.NOTED]
        assert kept() == (small, 0.8, 1)
    assert told(5, larger, 0.9) == [Noted.NOTED]
    assert kept() == (larger, 0.9, 2)
    assert (bench.totals()["log_lines_dropped"], bench.totals()["checkpoints_dropped"]) == (3, 1)


def test_logs_alone_leave_the_store_the_room_that_new_jobs_need(bench: Bench) -> None:
    """What one worker's reports did to the submissions of all: without a bound these are 20 MB of 24."""
    bench.client.config_set("maxmemory", limit := 24_000_000)
    try:
        for _ in range(100):
            bench.submit()
        leases = bench.claim(100).leases
        line = ReportLine(0, "info", "x" * 2_000)
        for lease in leases:
            bench.run(bench.consumer.report([Report(job_id=lease.job.id, token=lease.token, lines=(line,) * 100)]))
        kept = int(bench.client.hget(bench.keys.named("counts"), "log_bytes"))
        assert 0.09 * limit < kept < 0.11 * limit
        for lease in leases:
            bench.settle(lease)
        assert bench.client.info("memory")["used_memory"] < 0.5 * limit
        bench.submit()
    finally:
        bench.client.config_set("maxmemory", 0)


def test_a_delivery_is_sent_again_when_there_is_room(bench: Bench) -> None:
    bench.run(RedisBackend().endpoints(bench.namespace).subscribe(["completed"]))
    job_id = bench.submit()
    bench.settle(bench.lease())
    (told,) = bench.get(job_id).deliveries
    bench.settle(bench.lease(queues=(DELIVERY_QUEUE,)))
    again = IdentityMaker().make(bench.shard)
    with full(bench), pytest.raises(BackendUnavailable) as refusal:
        bench.run(bench.operator.resend(told, again, job_id, b"{}"))
    assert refusal.value.code == "queue_full"
    assert bench.run(bench.operator.resend(told, again, job_id, b"{}")).code is ActCode.DONE


def test_a_queue_becomes_fair_and_goes_on_while_the_store_is_full(bench: Bench) -> None:
    job_id, sharing = bench.submit(), RedisBackend().sharing(bench.namespace)
    with full(bench):
        assert bench.run(sharing.put("main", Share()))
        assert set(bench.run(sharing.all())) == {"main"}
        assert bench.run(bench.maintainer.reshare()) == 1
        assert bench.lease().job.id == job_id


def test_a_namespace_is_closed_and_drained_while_the_store_is_full(bench: Bench) -> None:
    bench.submit()
    tenants = RedisTenants([bench.keys])
    with full(bench):
        bench.run(tenants.set_quota(CLOSED))
        assert bench.run(tenants.use()).jobs == 1
        assert bench.run(tenants.drain(200)) == Drained(1, more=False)


def test_the_list_of_all_jobs_comes_onto_pages(bench: Bench) -> None:
    ids = [bench.submit() for _ in range(3)]
    to_layout_3(bench)
    with full(bench):
        onto_pages(bench.client, lambda _: None)
        assert [job.id for job in bench.run(bench.inspector.list_jobs(None, None, None, 10)).jobs] == ids[::-1]


def test_every_script_is_tried_here() -> None:
    tried = {"submit", "settle", "claim", "extend", "reap", "purge", "prune"}
    tried |= {"get", "list", "list_all", "list_queued", "overview", "queue", "lose_worker"}
    tried |= {"recount", "reconcile_due", "reconcile_index", "reconcile_jobs", "reconcile_pages", "repage", "log"}
    tried |= {"report", "resend", "bind", "endpoints", "worker", "declare", "declared"}
    tried |= {"limit", "limits", "limit_paths", "circuit", "fire", "fires", "amend"}
    tried |= {"share", "shares", "reshare", "glance", "errors"}
    tried |= {"tenant", "tenant_set", "drain", "drain_workers"}
    tried |= {"explain", "expire", "lock", "locks", "unlock", "reconcile_locks"}
    tried |= {"reconcile_waiting", "reconcile_workflows"}
    assert tried | WORKFLOW_SCRIPTS | {"events", "workers"} | (ACTS.keys() - {"discard"}) == set(all_script_names())
