"""The log of deliveries as the API shows it."""

from __future__ import annotations

import msgspec

from jobs.api.shapes import PageShape
from jobs.domain.delivery import answer_to, message_id_of
from jobs.domain.instant import instant, rfc3339
from jobs.domain.job import Attempt
from jobs.domain.status import Status
from jobs.services.deliveries import DeliveryPage, LoggedDelivery


class DeliveryAttemptShape(msgspec.Struct, frozen=True, kw_only=True):
    """One request. `status_code` is null where nothing came back; `answer` is its beginning, or why there is none.

    `answer` has up to 1 024 bytes of it and is null without the scope `payload:read`.
    """

    number: int
    at: str
    duration_ms: int | None
    outcome: str | None
    status_code: int | None
    code: str | None
    answer: str | None


class DeliveryShape(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery. `url` is that of the job's own webhook, without its query; null: it is for the namespace's.

    `webhook_id` is what receivers know it by, the same for all deliveries of one end. `next_attempt_at` is when a
    delivery that failed or was put off is made again.
    """

    id: str
    webhook_id: str
    type: str
    job_id: str
    job_kind: str
    url: str | None
    status: Status
    created_at: str
    next_attempt_at: str | None
    attempts: tuple[DeliveryAttemptShape, ...]


class DeliveryListShape(msgspec.Struct, frozen=True):
    """Deliveries."""

    data: tuple[DeliveryShape, ...]
    page: PageShape


def delivery_list_shape(page: DeliveryPage) -> DeliveryListShape:
    """Return a page."""
    shapes = tuple(map(delivery_shape, page.deliveries))
    return DeliveryListShape(shapes, PageShape(page.next_cursor, page.prev_cursor))


def delivery_shape(logged: LoggedDelivery) -> DeliveryShape:
    """Return a delivery with its attempts."""
    job, told = logged.job, logged.told
    is_waiting = job.status in (Status.FAILED, Status.SCHEDULED)
    return DeliveryShape(
        id=job.id,
        webhook_id=message_id_of(told, job.id),
        type=f"job.{told.status}",
        job_id=told.job_id,
        job_kind=told.kind,
        url=told.url.partition("?")[0] if told.url else None,
        status=job.status,
        created_at=instant(job.created_at),
        next_attempt_at=rfc3339(job.scheduled_for) if is_waiting else None,
        attempts=tuple(_attempt_shape(logged, attempt) for attempt in job.attempts),
    )


def _attempt_shape(logged: LoggedDelivery, attempt: Attempt) -> DeliveryAttemptShape:
    status_code, answer = answer_to(attempt, logged.job.result)
    return DeliveryAttemptShape(
        number=attempt.number,
        at=instant(attempt.started_at),
        duration_ms=None if attempt.finished_at is None else attempt.finished_at - attempt.started_at,
        outcome=attempt.outcome,
        status_code=status_code,
        code=None if attempt.error is None else attempt.error.type,
        answer=answer if logged.may_show else None,
    )
