"""What may be done to one job in its present state, and doing it."""

from __future__ import annotations

import json
from dataclasses import dataclass

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_POST

from jobs.dashboard.shell import Rights
from jobs.dashboard.visit import Visit, page
from jobs.domain.errors import InvalidInput, Problem
from jobs.domain.job import Job
from jobs.domain.naming import DELIVERY_KIND, is_reserved
from jobs.domain.payload import MAX_DEPTH, MAX_PAYLOAD_BYTES, decode_json, encode_json, read_json
from jobs.domain.redaction import masked_places, to_edit
from jobs.domain.status import CANCELLABLE, Status
from jobs.services import duplicates, reveals
from jobs.services import jobs as job_service

_TITLE = gettext_noop("Job")

# A larger payload is edited elsewhere, and sent by API: the page holds it twice.
MOST_EDITED = 32 * 1024


@dataclass(frozen=True, slots=True)
class Acts:
    """Which buttons the page has: what the state allows and the person may do.

    `editable` is the payload's text, None where it is large or the person may not send all of it; `has_masks`: it holds
    texts that stand for secrets.
    """

    cancel: bool
    stop: bool
    run_now: bool
    retry: bool
    discard: bool
    duplicate: bool
    resend: bool
    editable: str | None
    has_masks: bool


def acts_of(job: Job, may: Rights) -> Acts:
    """Return what may be done to a job."""
    is_dead = job.status is Status.DEAD_LETTER
    may_duplicate = may.duplicate and not is_reserved(job.kind)
    text = job.payload if may_duplicate or (may.retry and is_dead) else None
    value = None if text is None or len(text) > MOST_EDITED else decode_json(text)
    has_masks = bool(masked_places(value))
    can_edit = text is not None and len(text) <= MOST_EDITED and (may.reveal or not has_masks)
    return Acts(
        cancel=may.cancel and job.status in CANCELLABLE,
        stop=may.cancel and job.status is Status.RUNNING and not job.cancel_requested,
        run_now=may.promote and job.status in (Status.SCHEDULED, Status.FAILED),
        retry=may.retry and is_dead,
        discard=may.discard and is_dead,
        duplicate=may_duplicate,
        resend=may.resend and job.kind == DELIVERY_KIND and job.status in (Status.COMPLETED, Status.CANCELLED),
        editable=json.dumps(to_edit(value), indent=2, ensure_ascii=False) if can_edit else None,
        has_masks=has_masks,
    )


@require_POST
@page("jobs", _TITLE)
def cancel(visit: Visit, job_id: str) -> HttpResponse:
    """Cancel a waiting job, or ask a running one to stop."""
    job = job_service.cancel_job(visit.actor, job_id, running=True)
    if job.status is Status.CANCELLED:
        return visit.done(_("Cancelled %(kind)s %(id)s.") % names_of(job), address_of(job.id))
    return visit.done(_("Asked %(kind)s %(id)s to stop.") % names_of(job), address_of(job.id))


@require_POST
@page("jobs", _TITLE)
def discard(visit: Visit, job_id: str) -> HttpResponse:
    """Give a dead letter up."""
    job = job_service.discard_job(visit.actor, job_id)
    return visit.done(_("Discarded %(kind)s %(id)s.") % names_of(job), address_of(job.id))


@require_POST
@page("jobs", _TITLE)
def duplicate(visit: Visit, job_id: str) -> HttpResponse:
    """Submit a job like this one, with another payload if one was given, and lead to it."""
    payload = given_payload(visit, job_id)
    job = duplicates.duplicate_job(visit.actor, job_id, payload=payload)
    return visit.done(_("Submitted %(kind)s %(id)s to %(queue)s.") % names_of(job), address_of(job.id))


@require_POST
@page("jobs", _TITLE)
def run_now(visit: Visit, job_id: str) -> HttpResponse:
    """Make a delayed job or a waiting retry ready."""
    job = job_service.promote_job(visit.actor, job_id)
    return visit.done(_("%(kind)s %(id)s runs as soon as a worker is free.") % names_of(job), address_of(job.id))


def names_of(job: Job) -> dict[str, str]:
    """Return what notes call a job by."""
    return {"kind": job.kind, "id": job.id, "queue": job.queue}


def address_of(job_id: str) -> str:
    """Return the address of a job's page."""
    return reverse("console:job", args=[job_id])


def given_payload(visit: Visit, job_id: str) -> bytes | None:
    """Return the JSON text of the payload that was given, with the secrets that were left masked; None without one.

    Raises InvalidInput.
    """
    text = visit.request.POST.get("payload")
    if text is None:
        return None
    value = reveals.with_kept_secrets(visit.actor, job_id, read_json(_bounded(text), max_depth=MAX_DEPTH))
    return _bounded_bytes(encode_json(value))


def _bounded(text: str) -> bytes:
    return _bounded_bytes(text.encode("utf-8", "surrogatepass"))


def _bounded_bytes(body: bytes) -> bytes:
    if len(body) > MAX_PAYLOAD_BYTES:
        raise InvalidInput([Problem("/payload", "too_large", _("A payload has at most %s bytes.") % MAX_PAYLOAD_BYTES)])
    return body
