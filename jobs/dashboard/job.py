"""One job: its life, its payload and result, and its attempts."""

from __future__ import annotations

import json
import time
from collections.abc import Collection
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from django.http import HttpResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_GET, require_POST

from jobs.conf import tracing_conf
from jobs.dashboard.frames import Frame, application_frames
from jobs.dashboard.job_acts import acts_of, address_of
from jobs.dashboard.json_tree import copied_text, json_tree, tag_tree
from jobs.dashboard.lineage import lineage_of
from jobs.dashboard.reinjections import reinjections_of
from jobs.dashboard.reports import log_of, progress_of
from jobs.dashboard.timeline import bars_of, trail_of
from jobs.dashboard.visit import Visit, page
from jobs.domain.errors import InvalidInput, Problem
from jobs.domain.job import Attempt, Job
from jobs.domain.status import Status
from jobs.services import audit_log, deliveries, explanations, job_reading, limits, reveals
from jobs.services.reveals import Part, Revealed, masked_of

_TITLE = gettext_noop("Job")

# So long a page shows what was masked.
REVEALED_S = 60
_REASON = 200
_LONGEST_NUMBER = 9
_WAITS = frozenset({Status.QUEUED, Status.SCHEDULED, Status.WAITING, Status.FAILED})


@dataclass(frozen=True, slots=True)
class Content:
    """The payload, the result or the checkpoint as a tree; `masked` counts the fields that are not shown.

    `copied` is its text with all of them masked, '' where it is large.
    """

    part: str
    title: str
    note: str
    tree: SafeString
    masked: int
    is_revealed: bool
    copied: str


@dataclass(frozen=True, slots=True)
class AttemptView:
    """An attempt with the application's frames of its error."""

    attempt: Attempt
    frames: tuple[Frame, ...]
    is_open: bool


@require_GET
@page("jobs", _TITLE)
def show(visit: Visit, job_id: str) -> HttpResponse:
    """Show one job."""
    return _page(visit, job_reading.get_job(visit.actor, job_id))


@require_POST
@page("jobs", _TITLE)
def reveal(visit: Visit, job_id: str) -> HttpResponse:
    """Answer with the page once, one masked field or all of a part in clear; nothing of it is kept for later."""
    form = visit.request.POST
    name = form.get("part", Part.PAYLOAD)
    if name not in tuple(Part):
        raise InvalidInput(
            [Problem("/part", "invalid_value", _("Only a payload, a result or a checkpoint has fields."))]
        )
    reason = form.get("reason", "")[:_REASON]
    revealed = reveals.reveal(visit.actor, job_id, Part(name), form.get("field", ""), reason=reason)
    visit.say(_("Masked fields are shown, and the audit log has it."))
    # Acts on this page lead back to the job, not to this answer.
    here = replace(visit, shell=replace(visit.shell, here=address_of(revealed.job.id)))
    answer = _page(here, revealed.job, revealed)
    if not visit.is_fragment:
        # The page's script hides it again; this does where none runs.
        answer["Refresh"] = f"{REVEALED_S}; url={address_of(revealed.job.id)}"
    return answer


def _page(visit: Visit, job: Job, revealed: Revealed | None = None) -> HttpResponse:
    may = visit.shell.may
    history = audit_log.history_of_job(visit.actor, job.id)
    reinjections = reinjections_of(job, history)
    context: dict[str, object] = {
        "job": job,
        "acts": acts_of(job, may),
        "trace_url": _trace_url(job),
        "trail": trail_of(job, reinjections),
        "lineage": lineage_of(job, history, reinjections),
        "waits": explanations.explain_job(visit.actor, job.id) if job.status in _WAITS else None,
        "limits": limits.limits_of(visit.actor, job),
        "bars": bars_of(job, int(time.time() * 1000), reinjections),
        "payload": _content(job, Part.PAYLOAD, revealed, may_reveal=may.reveal),
        "result": _content(job, Part.RESULT, revealed, may_reveal=may.reveal),
        "checkpoint": _content(job, Part.CHECKPOINT, revealed, may_reveal=may.reveal),
        "revealed": revealed,
        "revealed_s": REVEALED_S,
        "is_running": job.status is Status.RUNNING,
        "progress": progress_of(job),
        "log": log_of(visit.actor, job, _chosen_attempt(visit)) if may.payload else None,
        "tags": _tags(job),
        "attempts": _attempts(job),
        "history": history,
        "deliveries": deliveries.deliveries_of(visit.actor, job.id).deliveries if job.deliveries else (),
    }
    return visit.show("job/job.html", context)


_TITLES = {
    Part.PAYLOAD: (gettext_noop("Payload"), ""),
    Part.RESULT: (gettext_noop("Result"), ""),
    Part.CHECKPOINT: (gettext_noop("Checkpoint"), gettext_noop("where the next attempt goes on")),
}


def _trace_url(job: Job) -> str:
    return tracing_conf().url.replace("{trace_id}", job.trace.trace_id) if job.trace is not None else ""


def _content(job: Job, part: Part, revealed: Revealed | None, *, may_reveal: bool) -> Content | None:
    text: bytes | None = getattr(job, part.value)
    if text is None:
        return None
    shown: Collection[str] = revealed.fields if revealed and revealed.part is part else ()
    title, note = _TITLES[part]
    tree = json_tree(text, shown, may_reveal=may_reveal)
    return Content(
        part.value, _(title), _(note), tree, len(masked_of(job, part)) - len(shown), bool(shown), copied_text(text)
    )


def _tags(job: Job) -> tuple[SafeString, str] | None:
    """Return the tags as a tree of links to the jobs that have them, and as text; None without any."""
    if not job.metadata:
        return None
    tags = sorted(job.metadata.items())
    tree = tag_tree(tags, lambda tag: f"{reverse('console:jobs')}?{urlencode({'tag': tag})}")
    return tree, json.dumps(dict(tags), ensure_ascii=False, indent=2)


def _chosen_attempt(visit: Visit) -> int:
    """Return the attempt whose log is asked for, 0 for all."""
    wanted = visit.request.GET.get("log", "")
    return int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) <= _LONGEST_NUMBER else 0


def _attempts(job: Job) -> list[AttemptView]:
    """Return the attempts, newest first, the newest failure open."""
    views: list[AttemptView] = []
    is_open = True
    for attempt in reversed(job.attempts):
        frames = tuple(application_frames(attempt.error.traceback)) if attempt.error else ()
        views.append(AttemptView(attempt, frames, is_open and attempt.error is not None))
        is_open = is_open and attempt.error is None
    return views
