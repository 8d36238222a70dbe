"""Many jobs in one request: each read and answered by itself, or all of them stored or none.

The steps before and after the store are the same for every face; `submit_bulk` is the synchronous middle.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from jobs import wiring
from jobs.access.actor import Actor
from jobs.backends.base import MAX_BATCH, Submission, SubmitCode, Submitted
from jobs.domain.bulk_body import MAX_ATOMIC_JOBS
from jobs.domain.bulk_document import BulkItemShape, BulkShape
from jobs.domain.errors import BackendUnavailable, InvalidInput, IronForgeError, Problem
from jobs.domain.problem import problem_of
from jobs.domain.shard import in_order, places_by_shard
from jobs.domain.trace import TraceContext
from jobs.services.placement import keys_of, shard_of_keys
from jobs.services.submission import NewJob, read_spec, refusal_of, require_admission, submissions_of
from jobs.services.submit_span import SubmitSpan

MAX_BULK_PROBLEMS = 1_000
# Shards that did not answer one request: each cost it the time of a call.
_MOST_AWAY = 2

Entry = NewJob | IronForgeError
Outcome = Submitted | IronForgeError


def read_entries(
    texts: Sequence[bytes], key: str | None, fingerprint: str, now_ms: int, *, first: int = 0
) -> list[Entry]:
    """Return each job, or why it is none. Job number i, counted from `first`, uses the idempotency key `<key>:<i>`."""
    entries: list[Entry] = []
    shards = wiring.backend().shards
    for index, text in enumerate(texts, first):
        try:
            spec = read_spec(text, now_ms=now_ms)
            its_key = f"{key}:{index}" if key else None
            shard_of_keys(keys_of(its_key, spec), shards)
        except InvalidInput as invalid:
            entries.append(invalid)
        else:
            entries.append(NewJob(spec, its_key, fingerprint))
    return entries


def require_atomic(entries: Sequence[Entry]) -> list[NewJob]:
    """Return the jobs if all can be stored in one step. Raises InvalidInput, with pointers into the whole request."""
    if len(entries) > MAX_ATOMIC_JOBS:
        detail = f"At most {MAX_ATOMIC_JOBS} jobs can be stored all or none, not {len(entries)}."
        raise InvalidInput([Problem("", "atomic_too_large", detail)], code="atomic_too_large")
    problems: list[Problem] = []
    for index, entry in enumerate(entries):
        if isinstance(entry, InvalidInput):
            problems += [Problem(f"/{index}{it.pointer}", it.code, it.detail) for it in entry.problems]
    if problems:
        raise InvalidInput(problems)
    return [entry for entry in entries if isinstance(entry, NewJob)]


def submit_bulk(actor: Actor, jobs: Sequence[NewJob], trace: TraceContext | None = None) -> list[Outcome]:
    """Store any number of jobs, 200 a step; answers in order. Raises NotPermitted, or BackendUnavailable if none was
    stored; where a step failed, its jobs and those behind it in the same shard are answered with that error.
    """
    with SubmitSpan(actor.namespace, jobs, trace) as span:
        return _put(actor, submissions_of(actor, span.jobs(jobs)))


def submit_placed(actor: Actor, submissions: Sequence[Submission]) -> list[Outcome]:
    """Store jobs that have their ids and keys, as `submit_bulk` does; the same again is answered as the first time."""
    require_admission(actor)
    return _put(actor, submissions)


def _put(actor: Actor, submissions: Sequence[Submission]) -> list[Outcome]:
    producer = wiring.backend().producer(actor.namespace)
    if len(submissions) == 1:
        return [*wiring.runner().run(producer.submit(submissions))]
    groups = places_by_shard([submission.job_id for submission in submissions], wiring.backend().shards)
    # One step after the other: the jobs of one request keep their order in the queue, and a step is stored whole.
    steps: list[Sequence[int]] = []
    answers: list[Sequence[Outcome]] = []
    away: list[BackendUnavailable] = []
    for group in groups.values():
        of_shard = [group[first : first + MAX_BATCH] for first in range(0, len(group), MAX_BATCH)]
        steps += of_shard
        # Elsewhere the jobs would wait as long for the same answer, by and by.
        failure = away[0] if len(away) >= _MOST_AWAY else None
        if failure is None:
            calls = (producer.submit([submissions[place] for place in step]) for step in of_shard)
            try:
                for answer in wiring.runner().run_in_turn(calls):
                    answers.append(answer)
            except BackendUnavailable as unavailable:
                failure = unavailable
                away.append(unavailable)
        if failure is not None:
            answers += [[failure] * len(step) for step in steps[len(answers) :]]
    if away and not any(isinstance(answer[0], Submitted) for answer in answers):
        raise away[0]
    return in_order(steps, answers)


def submit_atomically(actor: Actor, jobs: Sequence[NewJob], trace: TraceContext | None = None) -> list[Submitted]:
    """Store up to 1 000 jobs all or none. Raises NotPermitted, InvalidInput or BackendUnavailable."""
    with SubmitSpan(actor.namespace, jobs, trace) as span:
        submissions = submissions_of(actor, span.jobs(jobs), is_atomic=True)
        producer = wiring.backend().producer(actor.namespace)
        return whole(wiring.runner().run(producer.submit(submissions, is_atomic=True)))


def whole(answers: list[Submitted]) -> list[Submitted]:
    """Return the answers to an atomic submission that was stored. Raises what `refusal_of` has."""
    for index, answer in enumerate(answers):
        refusal = refusal_of(answer, f"/{index}")
        if refusal is not None:
            raise refusal
    return answers


def bulk_shape(entries: Sequence[Entry], outcomes: Sequence[Outcome], request_id: str) -> BulkShape:
    """Return the answer: refused entries as they are, the others by their outcomes, in order."""
    left = iter(outcomes)
    items = []
    accepted = 0
    left_to_tell = MAX_BULK_PROBLEMS
    for index, entry in enumerate(entries):
        outcome = next(left) if isinstance(entry, NewJob) else entry
        error = refusal_of(outcome) if isinstance(outcome, Submitted) else outcome
        if error is not None:
            document = problem_of(error, request_id)
            # Each wrong job is told, and the first thousand things that are wrong.
            told = document.errors[: max(1, left_to_tell)]
            left_to_tell -= len(told)
            items.append(BulkItemShape(index=index, problem=msgspec.structs.replace(document, errors=told)))
        elif isinstance(outcome, Submitted):
            accepted += 1
            is_existing = outcome.code is SubmitCode.EXISTING or msgspec.UNSET
            items.append(BulkItemShape(index=index, id=outcome.job_id, status=outcome.status, existing=is_existing))
    return BulkShape(tuple(items), accepted, len(items) - accepted)
