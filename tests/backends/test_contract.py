"""Every protocol of the backend, on each kind of store and with each kind of runner."""

from __future__ import annotations

import secrets

import pytest

from jobs.backends.base import (
    MAX_BATCH,
    ActCode,
    Acted,
    Backend,
    Consumer,
    Feed,
    Inspector,
    Operator,
    Producer,
    PurgeProgress,
    Submission,
    SubmitCode,
)
from jobs.backends.call import AsyncRunner, Runner
from jobs.backends.limits import Limits
from jobs.backends.maintainer import Maintainer
from jobs.backends.redis import channel, channels, wake
from jobs.backends.redis.backend import RedisBackend
from jobs.backends.redis.runner import SyncRunner
from jobs.backends.retention import Pruned, Retention
from jobs.backends.waking import Wake
from jobs.domain.job import JobError, JobSpec, NewPayload
from jobs.domain.lease import Extension
from jobs.domain.outcome import OutcomeKind, Settlement
from jobs.domain.status import Status
from tests.backends.test_heartbeat import record
from tests.backends.walking import walk
from tests.stores import BY, LEASE_MS, Bench

PROTOCOLS = [
    (RedisBackend(), Backend), (RedisBackend().producer("n"), Producer), (RedisBackend().consumer("n"), Consumer),
    (RedisBackend().operator("n"), Operator), (RedisBackend().inspector("n"), Inspector),
    (RedisBackend().maintainer("n"), Maintainer), (RedisBackend().feed("n"), Feed),
    (RedisBackend().limits("n"), Limits), (SyncRunner, Runner),
    (channel.Channel, AsyncRunner), (channels.Channels, AsyncRunner), (wake.RedisWake, Wake),
]  # fmt: skip


@pytest.mark.parametrize(("made", "protocol"), PROTOCOLS, ids=lambda value: getattr(value, "__name__", ""))
def test_each_protocol_is_carried_out_in_full(made: object, protocol: type) -> None:
    for name in (name for name in vars(protocol) if not name.startswith("_")):
        assert hasattr(made, name), name


def test_a_job_goes_from_submission_to_completion(any_bench: Bench) -> None:
    job_id = any_bench.submit(payload=b'{"a":1}', metadata={"team": "x"})
    lease = any_bench.lease()
    assert (lease.job.id, lease.job.payload) == (job_id, b'{"a":1}')
    call = any_bench.consumer.extend([(job_id, lease.token)], LEASE_MS)
    assert any_bench.run(call) == Extension(extended=(job_id,))
    assert any_bench.settle(lease, result=b"[2]") is Status.COMPLETED
    job = any_bench.get(job_id)
    assert (job.status, job.result, job.metadata) == (Status.COMPLETED, b"[2]", {"team": "x"})
    assert any_bench.verbs() == ["submit", "claim", "settle"]


def test_a_submission_is_stored_once_by_id_and_by_key(any_bench: Bench) -> None:
    first = Submission(any_bench.ids.make(), JobSpec(kind="demo.echo"), "key", "f")
    (accepted,) = any_bench.twice(any_bench.producer.submit([first]))
    second = Submission(any_bench.ids.make(), JobSpec(kind="demo.echo"), "key", "f")
    other = Submission(any_bench.ids.make(), JobSpec(kind="demo.echo"), "key", "g")
    answers = any_bench.refused(any_bench.producer.submit([second, other]))
    assert [answer.code for answer in answers] == [SubmitCode.REPLAYED, SubmitCode.MISMATCH]
    assert {answer.job_id for answer in answers} == {accepted.job_id}


def test_a_batch_of_200_is_stored_claimed_and_settled_in_order(any_bench: Bench) -> None:
    answers = any_bench.submit_all([JobSpec(kind="demo.echo")] * MAX_BATCH)
    leases = any_bench.claim(MAX_BATCH).leases
    assert [lease.job.id for lease in leases] == [answer.job_id for answer in answers]
    settlements = [Settlement(job_id=x.job.id, token=x.token, outcome=OutcomeKind.COMPLETED) for x in leases]
    settled = any_bench.twice(any_bench.consumer.settle(settlements))
    assert {answer.status for answer in settled} == {Status.COMPLETED}


def test_a_claim_is_repeated_alike(any_bench: Bench) -> None:
    any_bench.submit_all([JobSpec(kind="demo.echo")] * 3)
    token = secrets.token_hex(16)
    call = any_bench.consumer.claim(["main"], "w1", seq=1, token=token, limit=2, lease_ms=LEASE_MS)
    assert any_bench.run(call).leases == any_bench.run(call).leases


def test_a_failure_is_retried_and_then_dead_and_re_injected_with_another_payload(any_bench: Bench) -> None:
    job_id = any_bench.submit(max_retries=1)
    assert any_bench.fail(any_bench.lease()) is Status.FAILED
    any_bench.advance(2_000)
    assert any_bench.run(any_bench.maintainer.promote_due()) == 1
    assert any_bench.fail(any_bench.lease()) is Status.DEAD_LETTER
    (acted,) = any_bench.twice(any_bench.operator.retry([job_id], "r1", by=BY, payload=NewPayload(b"9")))
    assert acted == Acted(job_id, ActCode.DONE, Status.QUEUED)
    assert any_bench.lease().job.payload == b"9"
    assert any_bench.get(job_id).error == JobError("ValueError", "no")


def test_a_lost_lease_cannot_settle_and_the_job_runs_again(any_bench: Bench) -> None:
    job_id = any_bench.submit()
    lost = any_bench.lease()
    any_bench.advance(LEASE_MS + 1)
    assert any_bench.run(any_bench.maintainer.reap()) == 1
    assert any_bench.settle(lost) is None
    assert any_bench.settle(any_bench.lease(worker="w2")) is Status.COMPLETED
    assert [attempt.outcome for attempt in any_bench.get(job_id).attempts] == ["lost_lease", "completed"]


def test_jobs_are_cancelled_discarded_and_promoted(any_bench: Bench) -> None:
    dead, waiting = any_bench.dead_letter(), any_bench.submit()
    later = any_bench.submit(scheduled_for=any_bench.now() + 60_000)
    operator = any_bench.operator
    assert any_bench.twice(operator.discard([dead], "r1", by=BY))[0].code is ActCode.DONE
    assert any_bench.twice(operator.cancel([waiting], "r2", running=False, by=BY))[0].code is ActCode.DONE
    assert any_bench.twice(operator.promote([later], "r3", by=BY))[0].code is ActCode.DONE
    lease = any_bench.lease()
    assert any_bench.twice(operator.cancel([later], "r4", running=True, by=BY))[0].code is ActCode.REQUESTED
    assert any_bench.settle(lease, OutcomeKind.FAILED) is Status.CANCELLED


def test_queues_are_paused_resumed_and_purged(any_bench: Bench) -> None:
    any_bench.submit()
    any_bench.twice(any_bench.operator.pause("main", by=BY, reason="r"))
    assert any_bench.claim().leases == ()
    any_bench.twice(any_bench.operator.resume("main", by=BY))
    call = any_bench.operator.purge("main", "r1", any_bench.now(), 0, by=BY)
    assert any_bench.twice(call) == PurgeProgress(purged=1, after=None)
    assert any_bench.verbs() == ["submit", "pause", "resume", "purge"]


def test_lists_are_walked_in_stretches(any_bench: Bench) -> None:
    specs = [JobSpec(kind="demo.echo", queue=name) for name in ("a", "b") * 4]
    ids = [answer.job_id for answer in any_bench.submit_all(specs)]
    assert walk(any_bench, None, limit=3) == ids[::-1]
    assert walk(any_bench, Status.QUEUED, limit=3) == ids
    assert walk(any_bench, Status.QUEUED, "a", limit=3, backwards=True) == ids[::2][::-1]
    found = any_bench.run(any_bench.inspector.get_many([ids[1], any_bench.ids.make()]))
    assert [job and job.id for job in found] == [ids[1], None]


def test_an_overview_tells_counts_totals_and_minutes(any_bench: Bench) -> None:
    any_bench.dead_letter()
    any_bench.submit()
    overview = any_bench.run(any_bench.inspector.overview(2))
    (stats,) = overview.queues
    assert (stats.total(Status.QUEUED), stats.total(Status.DEAD_LETTER)) == (1, 1)
    assert overview.totals["submitted:medium"] == 2
    assert sum(minute.submitted for minute in overview.minutes) == 2


def test_workers_come_and_go(any_bench: Bench) -> None:
    any_bench.run(any_bench.consumer.heartbeat(record("w1")))
    any_bench.run(any_bench.consumer.heartbeat(record("w2")))
    any_bench.run(any_bench.consumer.farewell("w2"))
    assert [worker.id for worker in any_bench.run(any_bench.inspector.workers())] == ["w1"]


def test_ended_jobs_are_pruned(any_bench: Bench) -> None:
    any_bench.submit()
    any_bench.settle(any_bench.lease())
    any_bench.advance(86_400_000)
    assert any_bench.run(any_bench.maintainer.prune(Retention())) == Pruned(1, 0, 0, more=False)


def test_several_calls_are_answered_in_order(any_bench: Bench) -> None:
    ids = [any_bench.submit() for _ in range(3)]
    calls = [any_bench.inspector.get(job_id) for job_id in ids]
    assert [job and job.id for job in any_bench.run_many(calls)] == ids
    assert any_bench.run_many([]) == []


def test_scripts_that_the_store_forgot_are_brought_again(any_bench: Bench) -> None:
    job_id = any_bench.submit()
    any_bench.client.script_flush()
    lease = any_bench.lease()
    any_bench.client.script_flush()
    answers = any_bench.run_many([any_bench.inspector.get(job_id), any_bench.inspector.get(lease.job.id)])
    assert [job and job.id for job in answers] == [job_id, job_id]
