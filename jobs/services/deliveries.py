"""The log of deliveries: the jobs that tell of the ends of jobs, with their attempts."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from jobs import wiring
from jobs.access import policy
from jobs.access.actor import Actor
from jobs.access.scopes import Action
from jobs.backends.base import ActCode, Acted
from jobs.domain.delivery import Delivery, message_id_of
from jobs.domain.errors import NotFound, StateConflict
from jobs.domain.identity import parse_id
from jobs.domain.job import Job
from jobs.domain.naming import DELIVERY_QUEUE
from jobs.domain.shard import MAX_SHARDS, shard_of
from jobs.domain.status import Status
from jobs.services.acts import act_id, record_act, require_audit_log
from jobs.services.job_list import JobFilter, list_jobs
from jobs.services.job_reading import canonical_id, no_such_job

MAX_DELIVERIES = 50


@dataclass(frozen=True, slots=True)
class LoggedDelivery:
    """A delivery's job, whole, and what it tells; `may_show` says whether the answers of receivers may be seen."""

    job: Job
    told: Delivery
    may_show: bool


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    """Newest first, or in the order of the status; `searched_newest` as of a page of jobs."""

    deliveries: tuple[LoggedDelivery, ...]
    next_cursor: str | None = None
    prev_cursor: str | None = None
    searched_newest: int | None = None


def deliveries_of(actor: Actor, job_id: str) -> DeliveryPage:
    """Return the newest deliveries about a job. Raises NotPermitted or NotFound."""
    policy.authorize(actor, Action.DELIVERY_READ)
    inspector = wiring.backend().inspector(actor.namespace)
    job = wiring.runner().run(inspector.get(canonical_id(job_id)))
    if job is None:
        raise no_such_job(job_id)
    return DeliveryPage(_logged(actor, job.deliveries))


def list_deliveries(actor: Actor, status: Status | None, cursor: str | None, limit: int) -> DeliveryPage:
    """Return one page of all deliveries, those in one status if it is given. Raises NotPermitted or InvalidInput."""
    policy.authorize(actor, Action.DELIVERY_READ)
    page = list_jobs(actor, JobFilter(status=status, queue=DELIVERY_QUEUE), cursor, min(limit, MAX_DELIVERIES))
    found = _logged(actor, tuple(job.id for job in page.jobs))
    return DeliveryPage(found, page.next_cursor, page.prev_cursor, page.searched_newest)


def resend_delivery(actor: Actor, delivery_id: str, *, reason: str = "") -> LoggedDelivery:
    """Tell once more what a delivery tells, under the same `webhook-id`; return the one that is under way now.

    A dead letter goes back to its queue and one that waits for its next attempt is made at once; one that is completed
    or cancelled gets a successor. Raises NotPermitted, NotFound, BackendUnavailable, or StateConflict
    `delivery_under_way`.
    """
    policy.authorize(actor, Action.DELIVERY_RESEND)
    known = _logged(actor, (canonical_id(delivery_id),))
    if not known:
        raise NotFound(f"There is no delivery {delivery_id[:64]!r}.")
    require_audit_log()
    (before,) = known
    under_way, acted = _send_again(actor, before)
    if acted.code is ActCode.NOT_FOUND:
        raise NotFound(f"There is no delivery {delivery_id[:64]!r}.")
    if acted.code is ActCode.CONFLICT:
        raise StateConflict("The delivery is under way.", status=acted.status or "", code="delivery_under_way")
    after = {"delivery": under_way, "job": before.told.job_id}
    record_act(
        actor,
        Action.DELIVERY_RESEND,
        "job",
        before.job.id,
        reason=reason,
        before={"status": before.job.status},
        after=after,
    )
    # It may have been made and pruned by now.
    return next(iter(_logged(actor, (under_way,))), before)


def _send_again(actor: Actor, delivery: LoggedDelivery) -> tuple[str, Acted]:
    """Return the id of the delivery that is under way then, and what became of the act."""
    job, told = delivery.job, delivery.told
    operator, run = wiring.backend().operator(actor.namespace), wiring.runner().run
    if job.status is Status.DEAD_LETTER:
        return job.id, run(operator.retry([job.id], act_id(), by=actor.label))[0]
    if job.status in (Status.FAILED, Status.SCHEDULED):
        return job.id, run(operator.promote([job.id], act_id(), by=actor.label))[0]
    again = wiring.identity().make(shard_of(job.id, MAX_SHARDS))
    payload = msgspec.json.encode(msgspec.structs.replace(told, message_id=message_id_of(told, job.id)))
    return again, run(operator.resend(job.id, again, told.job_id, payload))


def _logged(actor: Actor, ids: tuple[str, ...]) -> tuple[LoggedDelivery, ...]:
    inspector = wiring.backend().inspector(actor.namespace)
    may_show = policy.can(actor, Action.PAYLOAD_READ)
    found = wiring.runner().run_many([inspector.get(job_id) for job_id in ids]) if ids else []
    return tuple(
        LoggedDelivery(job, told, may_show) for job in found if job is not None and (told := _told(job)) is not None
    )


def _told(job: Job) -> Delivery | None:
    """Return what a delivery tells; None for a job of another sort, or one that was damaged from outside."""
    if job.queue != DELIVERY_QUEUE:
        return None
    try:
        told = msgspec.json.decode(job.payload or b"", type=Delivery)
    except msgspec.MsgspecError:
        return None
    return told if parse_id(told.job_id) else None
