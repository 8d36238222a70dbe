"""The list of jobs as a file: what its filters find, with secret-looking fields masked as everywhere in the console."""

from __future__ import annotations

from django.http import StreamingHttpResponse
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_GET

from jobs.dashboard.export_file import asked_form, named_file
from jobs.dashboard.job_filters import read_filters
from jobs.dashboard.visit import Visit, page
from jobs.domain.job_column import CONTENT, DEFAULT_COLUMNS
from jobs.services.job_export import Export, export_listed, in_threads

_TITLE = gettext_noop("Export of jobs")


@require_GET
@page("jobs", _TITLE)
def show(visit: Visit) -> StreamingHttpResponse:
    """Stream what the filters of the address find."""
    query = visit.request.GET
    filters = read_filters(query)
    form = asked_form(query, filters.errors)
    content = tuple(sorted(CONTENT)) if query.get("content") == "yes" else ()
    asked = Export(form, (*DEFAULT_COLUMNS, *content), is_masked=True)
    pieces = export_listed(visit.actor, filters.wanted, asked)
    headers = named_file(visit.actor.namespace, "jobs", form)
    return StreamingHttpResponse(in_threads(pieces), content_type=asked.media_type, headers=headers)
