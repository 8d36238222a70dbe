"""submit.lua in mode `atomic`: a batch is stored whole or not at all."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from jobs.backends.base import MAX_ATOMIC_BATCH, Submission, SubmitCode, Submitted
from jobs.domain.job import JobSpec
from jobs.domain.status import Status
from tests.stores import Bench


def entry(bench: Bench, key: str | None = None, fingerprint: str = "f") -> Submission:
    return Submission(bench.ids.make(), JobSpec(kind="demo.echo"), key, fingerprint)


def submit(bench: Bench, batch: list[Submission]) -> list[Submitted]:
    return bench.twice(bench.producer.submit(batch, is_atomic=True))


def test_a_batch_of_a_thousand_is_stored_in_one_step(any_bench: Bench) -> None:
    batch = [entry(any_bench, f"k{number}") for number in range(MAX_ATOMIC_BATCH)]
    answers = submit(any_bench, batch)
    assert [answer.job_id for answer in answers] == [submission.job_id for submission in batch]
    assert {answer.code for answer in answers} == {SubmitCode.ACCEPTED}
    assert any_bench.depth(Status.QUEUED) == MAX_ATOMIC_BATCH
    events, _ = any_bench.run(any_bench.feed.events_since("0-0", 10))
    assert [(event.verb, event.queue, len(event.changes)) for event in events] == [("submit", "main", 200)] * 5
    assert [change.job_id for event in events for change in event.changes] == [answer.job_id for answer in answers]


def test_a_batch_of_more_is_refused(bench: Bench) -> None:
    with pytest.raises(ValueError, match="at most 1000"):
        bench.producer.submit([entry(bench)] * (MAX_ATOMIC_BATCH + 1), is_atomic=True)


def test_one_key_used_with_another_body_refuses_the_whole_batch(bench: Bench) -> None:
    (first,) = bench.run(bench.producer.submit([entry(bench, "used")]))
    batch = [entry(bench), entry(bench, "used", "other"), entry(bench, "fresh")]
    answers = bench.refused(bench.producer.submit(batch, is_atomic=True))
    assert [answer.code for answer in answers] == [SubmitCode.ABORTED, SubmitCode.MISMATCH, SubmitCode.ABORTED]
    assert answers[1].job_id == first.job_id
    assert submit(bench, [batch[0], batch[2]])[1].code is SubmitCode.ACCEPTED


def test_jobs_that_are_there_already_do_not_keep_the_rest_from_being_stored(bench: Bench) -> None:
    known = entry(bench, "used")
    (first,) = bench.run(bench.producer.submit([known]))
    answers = submit(bench, [known, entry(bench, "used"), entry(bench)])
    assert [answer.code for answer in answers] == [SubmitCode.ACCEPTED, SubmitCode.REPLAYED, SubmitCode.ACCEPTED]
    assert answers[0] == first
    assert answers[1] == replace(first, code=SubmitCode.REPLAYED)
    assert bench.depth(Status.QUEUED) == 2
