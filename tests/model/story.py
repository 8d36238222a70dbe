"""The events of a namespace as the story of its jobs."""

from __future__ import annotations

from jobs.domain.status import Status, may_move
from tests.model.reference import Reference
from tests.stores import Bench


def tell_the_story(bench: Bench, model: Reference) -> None:
    """Follow the events: they tell all that happened, and nothing in it is forbidden by the table of states."""
    events, has_missed = bench.run(bench.feed.events_since("0-0", 5_000))
    assert not has_missed
    told: dict[str, Status | None] = {}
    for event in events:
        for change in event.changes:
            before = told.get(change.job_id)
            is_request = before is change.status is Status.RUNNING and event.verb == "cancel"
            is_shift = before is change.status and event.verb in {"move", "reprioritise"}
            assert is_request or is_shift or change.status is None or may_move(before, change.status), (event, before)
            told[change.job_id] = change.status
    assert told == {job_id: None if job.is_deleted else job.status for job_id, job in model.jobs.items()}
