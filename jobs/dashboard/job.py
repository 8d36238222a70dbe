"""One job: its life, its payload and result, its attempts, and what may be done to it in its present state."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass

from django.http import HttpResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from django.views.decorators.http import require_GET, require_POST

from jobs.dashboard.frames import Frame, application_frames
from jobs.dashboard.json_tree import json_tree
from jobs.dashboard.redaction import has_masked, redact
from jobs.dashboard.reinjections import reinjections_of
from jobs.dashboard.reports import log_of, progress_of
from jobs.dashboard.shell import Rights
from jobs.dashboard.timeline import bars_of, trail_of
from jobs.dashboard.visit import Visit, page
from jobs.domain.errors import InvalidInput, Problem
from jobs.domain.job import Attempt, Job
from jobs.domain.naming import DELIVERY_KIND
from jobs.domain.payload import MAX_DEPTH, MAX_PAYLOAD_BYTES, decode_json, encode_json, read_json
from jobs.domain.status import CANCELLABLE, Status
from jobs.services import audit_log, deliveries, explanations, job_reading, limits
from jobs.services import jobs as job_service

_WAITS = frozenset({Status.QUEUED, Status.SCHEDULED, Status.WAITING, Status.FAILED})


@dataclass(frozen=True, slots=True)
class Acts:
    """Which buttons the page has: what the state allows and the person may do. `editable` is the payload's text."""

    cancel: bool
    stop: bool
    run_now: bool
    retry: bool
    discard: bool
    resend: bool
    editable: str | None


@dataclass(frozen=True, slots=True)
class AttemptView:
    """An attempt with the application's frames of its error."""

    attempt: Attempt
    frames: tuple[Frame, ...]
    is_open: bool


@require_GET
@page("jobs", "Job")
def show(visit: Visit, job_id: str) -> HttpResponse:
    """Show one job."""
    job = job_reading.get_job(visit.actor, job_id)
    history = audit_log.history_of_job(visit.actor, job.id)
    reinjections = reinjections_of(job, history)
    context: dict[str, object] = {
        "job": job,
        "acts": _acts(job, visit.shell.may),
        "trail": trail_of(job, reinjections),
        "waits": explanations.explain_job(visit.actor, job.id) if job.status in _WAITS else None,
        "limits": limits.limits_of(visit.actor, job),
        "bars": bars_of(job, int(time.time() * 1000), reinjections),
        "payload": _tree(job.payload),
        "result": _tree(job.result),
        "checkpoint": _tree(job.checkpoint),
        "progress": progress_of(job),
        "log": log_of(visit.actor, job) if visit.shell.may.payload else None,
        "may_read": visit.shell.may.payload,
        "tags": sorted(job.metadata.items()),
        "attempts": _attempts(job),
        "history": history,
        "deliveries": deliveries.deliveries_of(visit.actor, job.id).deliveries if job.deliveries else (),
    }
    return visit.show("job/job.html", context)


@require_POST
@page("jobs", "Job")
def cancel(visit: Visit, job_id: str) -> HttpResponse:
    """Cancel a waiting job, or ask a running one to stop."""
    job = job_service.cancel_job(visit.actor, job_id, running=True)
    if job.status is Status.CANCELLED:
        return visit.done(f"Cancelled {job.kind} {job.id}.", _address(job.id))
    return visit.done(f"Asked {job.kind} {job.id} to stop.", _address(job.id))


@require_POST
@page("jobs", "Job")
def retry(visit: Visit, job_id: str) -> HttpResponse:
    """Send a dead letter back, with another payload if one was given."""
    text = visit.request.POST.get("payload")
    payload = None if text is None else _edited(text)
    job = job_service.retry_job(visit.actor, job_id, payload=payload)
    with_it = " with the edited payload" if payload is not None else ""
    return visit.done(f"Re-injected {job.kind} {job.id} into {job.queue}{with_it}.", _address(job.id))


@require_POST
@page("jobs", "Job")
def discard(visit: Visit, job_id: str) -> HttpResponse:
    """Give a dead letter up."""
    job = job_service.discard_job(visit.actor, job_id)
    return visit.done(f"Discarded {job.kind} {job.id}.", _address(job.id))


@require_POST
@page("jobs", "Job")
def run_now(visit: Visit, job_id: str) -> HttpResponse:
    """Make a delayed job or a waiting retry ready."""
    job = job_service.promote_job(visit.actor, job_id)
    return visit.done(f"{job.kind} {job.id} runs as soon as a worker is free.", _address(job.id))


def _address(job_id: str) -> str:
    return reverse("console:job", args=[job_id])


def _acts(job: Job, may: Rights) -> Acts:
    is_dead = job.status is Status.DEAD_LETTER
    return Acts(
        cancel=may.cancel and job.status in CANCELLABLE,
        stop=may.cancel and job.status is Status.RUNNING and not job.cancel_requested,
        run_now=may.promote and job.status in (Status.SCHEDULED, Status.FAILED),
        retry=may.retry and is_dead,
        discard=may.discard and is_dead,
        resend=may.resend and job.kind == DELIVERY_KIND and job.status in (Status.COMPLETED, Status.CANCELLED),
        editable=_editable(job) if may.retry and is_dead else None,
    )


def _editable(job: Job) -> str | None:
    """Return the payload for editing; None where the page may not show all of it."""
    if job.payload is None:
        return None
    value = decode_json(job.payload)
    if has_masked(redact(value)):
        return None
    return json.dumps(value, indent=2, ensure_ascii=False)


def _edited(text: str) -> bytes:
    """Return the JSON text of an edited payload. Raises InvalidInput."""
    body = text.encode("utf-8", "surrogatepass")
    if len(body) > MAX_PAYLOAD_BYTES:
        raise InvalidInput([Problem("/payload", "too_large", f"A payload has at most {MAX_PAYLOAD_BYTES} bytes.")])
    return encode_json(read_json(body, max_depth=MAX_DEPTH))


def _tree(text: bytes | None) -> SafeString | None:
    return None if text is None else json_tree(text)


def _attempts(job: Job) -> list[AttemptView]:
    """Return the attempts, newest first, the newest failure open."""
    views: list[AttemptView] = []
    is_open = True
    for attempt in reversed(job.attempts):
        frames = tuple(application_frames(attempt.error.traceback)) if attempt.error else ()
        views.append(AttemptView(attempt, frames, is_open and attempt.error is not None))
        is_open = is_open and attempt.error is None
    return views
