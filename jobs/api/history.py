"""`/history`: what the namespace did over hours and days."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from jobs.api.history_shapes import history_shape
from jobs.api.query import Query
from jobs.api.view import ApiView
from jobs.domain.errors import InvalidInput, Problem
from jobs.domain.history_range import Range
from jobs.domain.naming import is_kind, is_queue
from jobs.services import history


class HistoryView(ApiView):
    """Throughput, failures, waits and runs in points of equal length."""

    def get(self, request: Request) -> Response:
        """Return the points of a range that ends now, of all, of one queue or of one kind."""
        query = Query(request, frozenset({"range", "queue", "kind"}))
        wanted = query.choice("range", Range) or Range.DAY
        queue, kind = query.name("queue", is_queue), query.name("kind", is_kind)
        query.finish()
        if queue and kind:
            detail = "Give queue or kind: no history is kept of both at once."
            raise InvalidInput([Problem("?kind", "conflict", detail)])
        found = history.history_of(self.actor, wanted, queue=queue or "", kind=kind or "")
        return Response(history_shape(found, wanted, queue, kind))
