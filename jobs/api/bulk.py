"""`/jobs/bulk`: many jobs in one request."""

from __future__ import annotations

import time

from rest_framework.request import Request
from rest_framework.response import Response

from jobs.api.body import bulk_body
from jobs.api.query import Query
from jobs.api.view import ApiView
from jobs.domain.bulk_body import split_array, split_lines
from jobs.domain.idempotency import HEADER, checked_key, fingerprint_of
from jobs.domain.request_id import current_request_id
from jobs.services.bulk_submission import (
    bulk_shape,
    read_entries,
    require_atomic,
    submit_atomically,
    submit_bulk,
)
from jobs.services.submission import NewJob
from jobs.telemetry.tracing import trace_asked_for


class BulkSubmissionView(ApiView):
    """Bulk submission."""

    def post(self, request: Request) -> Response:
        """Submit jobs: each by itself, or with `?atomic=true` all or none."""
        query = Query(request, frozenset({"atomic"}))
        is_atomic = query.flag("atomic")
        query.finish()
        key = checked_key(request.headers.get(HEADER))
        body, is_lines = bulk_body(request)
        texts = split_lines(body) if is_lines else split_array(body)
        entries = read_entries(texts, key, fingerprint_of(body) if key else "", time.time_ns() // 1_000_000)
        trace = trace_asked_for(request.headers.get)
        if is_atomic:
            stored = submit_atomically(self.actor, require_atomic(entries), trace)
            return Response(bulk_shape(entries, stored, current_request_id()), status=202)
        sound = [entry for entry in entries if isinstance(entry, NewJob)]
        stored_each = submit_bulk(self.actor, sound, trace)
        return Response(bulk_shape(entries, stored_each, current_request_id()), status=202)
