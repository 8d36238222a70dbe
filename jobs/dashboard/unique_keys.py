"""Unique keys: which are held, and by which jobs."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_GET, require_POST

from jobs.dashboard.visit import Visit, page
from jobs.services import unique_locks

_TITLE = gettext_noop("Unique keys")

_PAGE = 50


@require_GET
@page("unique_keys", _TITLE)
def show(visit: Visit) -> HttpResponse:
    """Show one page of keys, those taken last first."""
    found = unique_locks.list_locks(visit.actor, visit.request.GET.get("cursor") or None, _PAGE)
    address = reverse("console:unique_keys")
    context: dict[str, object] = {
        "locks": found.locks,
        "next_url": f"{address}?{urlencode({'cursor': found.next})}" if found.next else "",
        "first_url": address if "cursor" in visit.request.GET else "",
    }
    return visit.show("unique_keys/unique_keys.html", context)


@require_POST
@page("unique_keys", _TITLE)
def release(visit: Visit, job_id: str) -> HttpResponse:
    """Take its key from a job."""
    lock = unique_locks.release_lock_of(visit.actor, job_id)
    return visit.done(_("Job %s goes on without its key.") % lock.job_id[-8:], reverse("console:unique_keys"))
