"""The answers of the worker protocol, as programs see them over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from jobs.domain.errors import BackendUnavailable
from jobs.domain.instant import instant
from jobs.domain.job_document import JobShape, job_shape
from jobs.domain.lease import Extension, Lease
from jobs.domain.lease_body import Settlements
from jobs.domain.outcome import Settled
from jobs.domain.report import Noted, Report
from jobs.domain.status import Status

LEASE_LOST: Final = "lease_lost"


class RegisteredShape(msgspec.Struct, frozen=True):
    """A worker's new name, how long a lease is unless it says otherwise, and how often to say that it lives."""

    worker_id: str
    lease_ms: int
    heartbeat_ms: int


class LeaseShape(msgspec.Struct, frozen=True):
    """A job that the worker holds until `expires_at`. The token goes with everything that it says of this attempt.

    `checkpoint` is what an earlier attempt left for this one, `parents` what a workflow's step gets of its parents.
    """

    job_id: str
    lease_token: str
    attempt: int
    expires_at: str
    job: JobShape
    checkpoint: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    parents: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class ClaimedShape(msgspec.Struct, frozen=True):
    """What a claim brought, perhaps nothing. `server_time` is the clock by which leases expire."""

    leases: tuple[LeaseShape, ...]
    server_time: str


class ExtendedShape(msgspec.Struct, frozen=True):
    """Ids of jobs by what became of their leases. What is in neither of the first two could not be asked: ask again."""

    extended: tuple[str, ...]
    lost: tuple[str, ...]
    cancel_requested: tuple[str, ...]


class HeartbeatShape(msgspec.Struct, frozen=True):
    """What the worker shall do, and what became of the leases that it named."""

    order: str
    extended: tuple[str, ...]
    lost: tuple[str, ...]
    cancel_requested: tuple[str, ...]
    server_time: str


class SettledItemShape(msgspec.Struct, frozen=True, omit_defaults=True):
    """The job's new status; or `code`: `lease_lost`, and nothing was written, or `store_unavailable`: settle it again.

    `result_dropped` says why a result was not kept.
    """

    job_id: str
    status: Status | msgspec.UnsetType = msgspec.UNSET
    code: str | msgspec.UnsetType = msgspec.UNSET
    result_dropped: str | msgspec.UnsetType = msgspec.UNSET


class SettledShape(msgspec.Struct, frozen=True):
    """An entry for each settlement, in order."""

    results: tuple[SettledItemShape, ...]


class ReportedItemShape(msgspec.Struct, frozen=True, omit_defaults=True):
    """`accepted`; or `code` as in a settlement.

    `checkpoint_dropped`: all was noted but the checkpoint, for the store's memory is nearly full.
    """

    job_id: str
    accepted: bool = False
    code: str | msgspec.UnsetType = msgspec.UNSET
    checkpoint_dropped: bool | msgspec.UnsetType = msgspec.UNSET


class ReportedShape(msgspec.Struct, frozen=True):
    """An entry for each report, in order."""

    results: tuple[ReportedItemShape, ...]


def claimed_shape(leases: tuple[Lease, ...], worker_id: str, server_time: int) -> ClaimedShape:
    """Return what a claim brought; `server_time` is Unix ms."""
    return ClaimedShape(tuple(_lease_shape(lease, worker_id, server_time) for lease in leases), instant(server_time))


def extended_shape(extension: Extension) -> ExtendedShape:
    """Return what became of leases."""
    return ExtendedShape(extension.extended, extension.lost, extension.cancel_requested)


def _lease_shape(lease: Lease, worker_id: str, server_time: int) -> LeaseShape:
    job = msgspec.structs.replace(lease.job, worker_id=worker_id, started_at=server_time)
    shape = job_shape(job, is_whole=False)
    checkpoint = msgspec.UNSET if lease.checkpoint is None else msgspec.Raw(lease.checkpoint)
    parents = msgspec.UNSET if lease.parents is None else msgspec.Raw(lease.parents)
    return LeaseShape(job.id, lease.token, lease.attempt, instant(lease.expires_at), shape, checkpoint, parents)


def settled_shape(settlements: Settlements, answers: Sequence[Settled | BackendUnavailable]) -> SettledShape:
    """Return what became of settlements, in order."""
    items = []
    for place, (settlement, answer) in enumerate(zip(settlements.items, answers, strict=True)):
        dropped = settlements.dropped.get(place, msgspec.UNSET)
        if isinstance(answer, BackendUnavailable):
            items.append(SettledItemShape(settlement.job_id, code=answer.code))
        elif answer.status is None:
            items.append(SettledItemShape(settlement.job_id, code=LEASE_LOST))
        else:
            items.append(SettledItemShape(settlement.job_id, status=answer.status, result_dropped=dropped))
    return SettledShape(tuple(items))


def reported_shape(reports: Sequence[Report], answers: Sequence[Noted | BackendUnavailable]) -> ReportedShape:
    """Return what became of reports, in order."""
    items = []
    for report, answer in zip(reports, answers, strict=True):
        if isinstance(answer, Noted) and answer:
            is_dropped = True if answer is Noted.WITHOUT_CHECKPOINT else msgspec.UNSET
            items.append(ReportedItemShape(report.job_id, accepted=True, checkpoint_dropped=is_dropped))
        else:
            code = answer.code if isinstance(answer, BackendUnavailable) else LEASE_LOST
            items.append(ReportedItemShape(report.job_id, code=code))
    return ReportedShape(tuple(items))
