"""`/jobs/export`: what a list finds, as CSV or as lines of JSON."""

from __future__ import annotations

from django.http import StreamingHttpResponse
from rest_framework.request import Request

from jobs.api.job_filter import FILTER_PARAMETERS, REPEATABLE, read_job_filter
from jobs.api.query import Query
from jobs.api.view import ApiView
from jobs.domain.job_column import COLUMNS, DEFAULT_COLUMNS
from jobs.services.job_export import MAX_JOBS, Export, ExportForm, export_listed, in_threads

_MAX_CURSOR = 400


class JobsExportView(ApiView):
    """The jobs that a filter finds."""

    def get(self, request: Request) -> StreamingHttpResponse:
        """Stream them."""
        query = Query(request, FILTER_PARAMETERS | {"format", "columns", "limit", "cursor"}, repeatable=REPEATABLE)
        wanted = read_job_filter(query)
        asked = Export(
            form=query.choice("format", ExportForm) or ExportForm.NDJSON,
            columns=query.listed("columns", COLUMNS, DEFAULT_COLUMNS),
            limit=query.integer("limit", 1, MAX_JOBS, MAX_JOBS),
            cursor=query.text("cursor", _MAX_CURSOR),
        )
        query.finish()
        pieces = export_listed(self.actor, wanted, asked)
        name = f"{self.actor.namespace}-jobs.{asked.form.value}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return StreamingHttpResponse(in_threads(pieces), content_type=asked.media_type, headers=headers)
