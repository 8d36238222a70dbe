"""Re-injecting a dead letter, with its payload as it is or edited; the form is reached from lists and from the job."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_GET, require_POST

from jobs.access import policy
from jobs.access.scopes import Action
from jobs.dashboard.job_acts import MOST_EDITED, acts_of, address_of, given_payload, names_of
from jobs.dashboard.visit import Visit, own_address, page
from jobs.domain.errors import InvalidInput, IronForgeError
from jobs.domain.status import Status
from jobs.services import job_reading
from jobs.services import jobs as job_service

_TITLE = gettext_noop("Edit and re-inject")


@require_GET
@page("dead_letters", _TITLE)
def show(visit: Visit, job_id: str) -> HttpResponse:
    """Show the form; afterwards it leads to `back`, the list it was opened from."""
    return _form(visit, job_id, own_address(visit.request, visit.request.GET.get("back", "")))


@require_POST
@page("dead_letters", _TITLE)
def retry(visit: Visit, job_id: str) -> HttpResponse:
    """Send a dead letter back, with another payload if one was given; one that no job may have can be put right."""
    given = visit.request.POST.get("payload")
    try:
        payload = given_payload(visit, job_id)
    except InvalidInput as error:
        if given is None or len(given) > MOST_EDITED:
            raise
        back = own_address(visit.request, visit.request.POST.get("back", ""))
        return _form(visit, job_id, back, given, error)
    job = job_service.retry_job(visit.actor, job_id, payload=payload)
    said = _("Re-injected %(kind)s %(id)s into %(queue)s.")
    if payload is not None:
        said = _("Re-injected %(kind)s %(id)s into %(queue)s with the edited payload.")
    return visit.done(said % names_of(job), address_of(job.id))


def _form(
    visit: Visit, job_id: str, back: str, given: str | None = None, error: IronForgeError | None = None
) -> HttpResponse:
    policy.authorize(visit.actor, Action.JOB_RETRY)
    job = job_reading.get_job(visit.actor, job_id)
    acts = acts_of(job, visit.shell.may)
    context: dict[str, object] = {
        "job": job,
        "acts": acts,
        "text": acts.editable if given is None else given,
        "error": error.detail if error else "",
        "back": back or reverse("console:dead_letters"),
        "is_dead": job.status is Status.DEAD_LETTER,
        "is_large": len(job.payload or b"") > MOST_EDITED,
    }
    return visit.show("job/edit.html", context, status=422 if error else 200)
