"""What people keep of the list of jobs: its columns and named views. They lead back to the list."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext, gettext_noop
from django.views.decorators.http import require_POST

from jobs.dashboard.job_columns import known_columns
from jobs.dashboard.visit import Visit, own_address, page
from jobs.services import job_views

_TITLE = gettext_noop("Jobs")


@require_POST
@page("jobs", _TITLE)
def choose_columns(visit: Visit) -> HttpResponse:
    """Keep a choice of columns, and lead to the list with it in the address; none at all are the usual ones."""
    form = visit.request.POST
    chosen = "" if form.get("usual") else ",".join(known_columns(form.getlist("column")))
    job_views.choose_columns(visit.actor, chosen)
    path, _, query = own_address(visit.request, form.get("back", "")).partition("?")
    kept = [(name, value) for name, value in parse_qsl(query) if name != "columns"]
    kept += [("columns", chosen)] if chosen else []
    return HttpResponseRedirect(f"{path or reverse('console:jobs')}{'?' if kept else ''}{urlencode(kept)}", status=303)


@require_POST
@page("jobs", _TITLE)
def keep(visit: Visit) -> HttpResponse:
    """Keep the list as it is under a name."""
    form = visit.request.POST
    name = form.get("name", "").strip()
    job_views.keep_view(visit.actor, name, form.get("query", ""), is_shared=form.get("shared") == "yes")
    return visit.done(gettext("The view “%(name)s” is kept.") % {"name": name}, reverse("console:jobs"))


@require_POST
@page("jobs", _TITLE)
def remove(visit: Visit) -> HttpResponse:
    """Remove a view."""
    name = visit.request.POST.get("name", "")
    job_views.remove_view(visit.actor, name)
    return visit.done(gettext("The view “%(name)s” is removed.") % {"name": name}, reverse("console:jobs"))
