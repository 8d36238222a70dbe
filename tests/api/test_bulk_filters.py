"""What a filter of `/bulk-operations` finds, compared with a plain reference."""

from __future__ import annotations

import random
from typing import Any

import pytest

from jobs.access.operation import Operation
from jobs.domain.bulk_operation import ACTS_ON, BulkAction
from jobs.domain.instant import instant
from jobs.domain.job import Job, JobError, JobSpec
from jobs.domain.outcome import OutcomeKind
from jobs.domain.priority import Priority
from jobs.domain.status import Status
from tests.api.tenant import Tenant
from tests.api.test_tracked_operations import start


def _crowd(tenant: Tenant, chance: random.Random, number: int) -> list[Job]:
    """Return jobs of all kinds of states and fields."""
    ids = []
    for _ in range(number):
        spec = JobSpec(
            kind=chance.choice(("a", "b")),
            queue=chance.choice(("main", "mail")),
            priority=chance.choice((Priority.HIGH, Priority.LOW)),
            metadata=chance.choice(({}, {"team": "x"}, {"team": "x", "day": "mo"})),
            max_retries=chance.choice((0, 1)),
            scheduled_for=chance.choice((None, None, None, 4_000_000_000_000)),
        )
        ids += [answer.job_id for answer in tenant.bench.submit_all([spec])]
    for lease in tenant.bench.claim(number // 2, ("main", "mail")).leases:
        error = JobError(chance.choice(("ValueError", "OSError")), "no")
        if chance.random() < 0.7:
            tenant.bench.settle(lease, chance.choice((OutcomeKind.FAILED, OutcomeKind.COMPLETED)), error=error)
    return [tenant.bench.get(job_id) for job_id in ids]


def _filter(chance: random.Random, jobs: list[Job], action: BulkAction) -> dict[str, Any]:
    middle, dead = sorted(job.created_at for job in jobs)[len(jobs) // 2], [job for job in jobs if job.finished_at]
    fields: dict[str, Any] = {
        "status": chance.choice(sorted(ACTS_ON[action] - {Status.WAITING})),
        "queue": "mail",
        "kind": "a",
        "priority": "low",
        "metadata": {"team": "x"},
        "error_type": "OSError",
        "created_after": instant(middle),
        "created_before": instant(middle),
        "finished_before": instant(max((job.finished_at or 0 for job in dead), default=middle)),
    }
    return {name: fields[name] for name in chance.sample(sorted(fields), chance.randint(0, 3))}


def _plain(job: Job, wanted: dict[str, Any], action: BulkAction) -> bool:
    """Say in the plainest way whether a job is meant."""
    error = (job.error.type if job.error else "") or job.reason or "(no error)"
    answers = {
        "status": job.status.value == wanted.get("status"),
        "queue": job.queue == wanted.get("queue"),
        "kind": job.kind == wanted.get("kind"),
        "priority": job.priority.value == wanted.get("priority"),
        "metadata": job.metadata.get("team") == "x",
        "error_type": error == wanted.get("error_type"),
        "created_after": instant(job.created_at) >= wanted.get("created_after", ""),
        "created_before": instant(job.created_at) <= wanted.get("created_before", ""),
        "finished_before": bool(job.finished_at) and instant(job.finished_at or 0) <= wanted.get("finished_before", ""),
    }
    return job.status in ACTS_ON[action] and all(answers[name] for name in wanted)


@pytest.mark.parametrize("seed", range(6))
def test_a_filter_means_what_a_plain_reference_says(tenant: Tenant, seed: int) -> None:
    chance = random.Random(seed)
    jobs = _crowd(tenant, chance, 60)
    before = tenant.stored()
    for _ in range(12):
        action = chance.choice(list(BulkAction))
        wanted, more = _filter(chance, jobs, action), {"reprioritise": {"priority": "low"}, "move": {"queue": "q"}}
        seen = start(tenant, action.value, wanted, 200, dry_run=True, **more.get(action.value, {}))
        batches = Operation.objects.get(pk=seen["id"]).batches.all()
        found = [job_id for batch in batches for job_id in batch.ids]
        assert sorted(found) == sorted(job.id for job in jobs if _plain(job, wanted, action)), (action, wanted)
        assert sum(row["count"] for row in seen["counts"]) == seen["total"] == len(found)
    assert tenant.stored() == before


def test_a_tag_that_no_database_keeps_is_refused(tenant: Tenant) -> None:
    body = {"action": "cancel", "filter": {"metadata": {"team": "a\0b"}}}
    answer = tenant.ask("POST", "/bulk-operations", body)
    assert (answer.status, answer.problems) == (422, [("/filter/metadata", "invalid_text")])
