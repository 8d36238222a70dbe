"""The acts on many jobs and on a job's place, for `tests.api.verbs`."""

from __future__ import annotations

from django.utils import timezone

from jobs.access.operation import Operation
from jobs.domain.status import Status
from jobs.services import operation_turns
from tests.api.lane import Request
from tests.api.tenant import Tenant
from tests.api.verb import Verb


def carry_on() -> None:
    """Do what a server's loop does."""
    while operation_turns.work_on_next():
        pass


def carry_on_at_once() -> None:
    """Do what a server's loop does after its pause behind a failure."""
    Operation.objects.update(next_at=timezone.now())
    carry_on()


def _cancel_two(tenant: Tenant, _: str) -> Request:
    body = {"action": "cancel", "ids": [tenant.bench.submit(), tenant.job_in(Status.SCHEDULED)]}
    return tenant.request("POST", "/bulk-operations", body)


def _cancel_found(tenant: Tenant, mark: str) -> Request:
    for _ in range(3):
        tenant.bench.submit(queue=f"q{mark}")
    return tenant.request("POST", "/bulk-operations", {"action": "cancel", "filter": {"queue": f"q{mark}"}})


def _resume(tenant: Tenant, _: str) -> Request:
    body = {"action": "cancel", "ids": [tenant.bench.submit()], "dry_run": True}
    seen = tenant.ask("POST", "/bulk-operations", body)
    return tenant.request("POST", f"/bulk-operations/{seen.body['id']}/resume", {})


def _move(tenant: Tenant, _: str) -> Request:
    return tenant.request("POST", f"/jobs/{tenant.bench.submit()}/move", {"queue": "other"})


def _reprioritise(tenant: Tenant, _: str) -> Request:
    return tenant.request("POST", f"/jobs/{tenant.bench.submit()}/reprioritise", {"priority": "low"})


OPERATION_VERBS: dict[str, Verb] = {
    "bulk operation": Verb(("bulk-operations", "POST"), _cancel_two, 202, (202,), carry_on_at_once),
    "bulk operation by filter": Verb(("bulk-operations", "POST"), _cancel_found, 202, (202,), carry_on_at_once),
    "resume a bulk operation": Verb(("bulk-resume", "POST"), _resume, 200, (200, 409), carry_on_at_once),
    "move": Verb(("job-move", "POST"), _move),
    "reprioritise": Verb(("job-reprioritise", "POST"), _reprioritise),
}
