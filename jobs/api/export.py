"""`/namespaces/{namespace}/export`: a job a line, and a last line that says the export is whole."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from functools import partial

from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse
from rest_framework.request import Request

from jobs.api.query import Query
from jobs.api.shapes import encode
from jobs.api.view import ApiView
from jobs.domain.job import Job
from jobs.domain.job_document import job_shape
from jobs.services.export import MAX_JOBS, export_jobs

LINES = "application/x-ndjson"
_MAX_ID = 64


class NamespaceExportView(ApiView):
    """The jobs of a namespace."""

    def get(self, request: Request, namespace: str) -> StreamingHttpResponse:
        """Stream them, newest submission first."""
        query = Query(request, frozenset({"before", "limit"}))
        before, limit = query.text("before", _MAX_ID), query.integer("limit", 1, MAX_JOBS, MAX_JOBS)
        query.finish()
        pages = export_jobs(self.actor, namespace, before=before, limit=limit)
        headers = {"Content-Disposition": f'attachment; filename="{namespace}-jobs.ndjson"'}
        return StreamingHttpResponse(_lines(pages, limit), content_type=LINES, headers=headers)


async def _lines(pages: Iterator[list[Job]], limit: int) -> AsyncIterator[bytes]:
    """Yield the lines of a page at a time; each page is read in a thread, for the store is asked synchronously."""
    number, last = 0, None
    read = sync_to_async(partial(next, pages, None), thread_sensitive=False)
    while (page := await read()) is not None:
        number += len(page)
        last = page[-1].id if page else last
        yield b"".join(encode(job_shape(job)) + b"\n" for job in page)
    more = last if number >= limit else None
    yield encode({"end": {"jobs": number, "next": more}}) + b"\n"
