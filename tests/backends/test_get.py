"""get.lua: one job with all it has, or the summaries of many."""

from __future__ import annotations

import pytest

from jobs.backends.base import MAX_BATCH
from jobs.domain.job import JobError
from jobs.domain.outcome import OutcomeKind
from jobs.domain.status import Status
from tests.backends.situations import REACHABLE, in_status
from tests.stores import Bench

ERROR = JobError("ValueError", "no", "line 1")


def test_a_whole_job_has_payload_result_and_attempts(bench: Bench) -> None:
    job_id = bench.submit(payload=b'{"a": [1]}', metadata={"team": "x"})
    bench.settle(bench.lease(), OutcomeKind.FAILED, error=ERROR, delay_ms=0)
    bench.settle(bench.lease(), result=b'{"b":2}')
    job = bench.get(job_id)
    assert (job.id, job.namespace, job.payload, job.result) == (job_id, bench.namespace, b'{"a": [1]}', b'{"b":2}')
    assert [attempt.error for attempt in job.attempts] == [ERROR, None]


def test_a_summary_leaves_out_what_may_be_large(bench: Bench) -> None:
    job_id = bench.submit(payload=b"[1]", metadata={"team": "x"}, max_retries=0)
    bench.settle(bench.lease(), OutcomeKind.FAILED, error=ERROR)
    whole = bench.get(job_id)
    (summary,) = bench.run(bench.inspector.get_many([job_id]))
    assert summary is not None
    assert (summary.payload, summary.result, summary.attempts) == (None, None, ())
    assert summary.error == JobError("ValueError", "no")
    left_out = {"payload", "result", "error", "attempts"}
    for name in set(whole.__struct_fields__) - left_out:
        assert getattr(summary, name) == getattr(whole, name), name


@pytest.mark.parametrize("status", REACHABLE)
def test_a_summary_agrees_with_the_whole_job_in_every_status(bench: Bench, status: Status) -> None:
    job_id = in_status(bench, status)
    (summary,) = bench.run(bench.inspector.get_many([job_id]))
    whole = bench.get(job_id)
    assert summary is not None
    for name in ("status", "worker_id", "reason", "scheduled_for", "started_at", "finished_at", "attempt"):
        assert getattr(summary, name) == getattr(whole, name), name


def test_answers_are_in_the_order_of_the_question_with_none_where_there_is_no_job(bench: Bench) -> None:
    ids = [bench.submit(), bench.ids.make(), bench.submit()]
    found = bench.run(bench.inspector.get_many([ids[2], ids[1], ids[0], ids[2]]))
    assert [job and job.id for job in found] == [ids[2], None, ids[0], ids[2]]
    assert bench.run(bench.inspector.get(ids[1])) is None


def test_a_job_of_another_namespace_is_none(bench: Bench) -> None:
    job_id = bench.submit()
    with Bench() as other:
        assert other.run(other.inspector.get(job_id)) is None
        assert other.run(other.inspector.get_many([job_id])) == [None]


def test_looking_changes_nothing(bench: Bench) -> None:
    job_id = bench.submit()
    bench.refused(bench.inspector.get(job_id))
    bench.refused(bench.inspector.get_many([job_id]))


def test_a_question_is_for_at_most_200_jobs(bench: Bench) -> None:
    ids = [bench.ids.make() for _ in range(MAX_BATCH)]
    assert bench.run(bench.inspector.get_many(ids)) == [None] * MAX_BATCH
    assert bench.run(bench.inspector.get_many([])) == []
    with pytest.raises(ValueError, match="at most 200"):
        bench.inspector.get_many([*ids, ids[0]])


def test_bytes_that_are_not_text_do_not_keep_a_job_from_being_seen(bench: Bench) -> None:
    job_id = bench.submit(payload=b"\xff\x00")
    key = bench.keys.named("job_prefix") + job_id
    bench.client.hset(key, mapping={"error_type": b"\xff", "error_message": b"a\xc3", "reason": b"\xfe"})
    job = bench.get(job_id)
    assert job.payload == b"\xff\x00"
    assert job.error == JobError("�", "a�")
