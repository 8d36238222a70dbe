"""`/audit`: who did what to what, newest first."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from jobs.api.audit_shapes import AuditListShape, audit_entry_shape
from jobs.api.query import Query
from jobs.api.shapes import PageShape
from jobs.api.view import ApiView
from jobs.services import audit_log
from jobs.services.audit_log import AuditFilter

_LONGEST = 200
_TEXTS = ("actor", "action", "target_kind", "target_id")
_KNOWN = frozenset({*_TEXTS, "after", "before", "limit", "cursor"})
DEFAULT_LIMIT = 50


class AuditView(ApiView):
    """The audit log of the caller's namespace."""

    def get(self, request: Request) -> Response:
        """List entries."""
        query = Query(request, _KNOWN)
        texts = {name: query.text(name, _LONGEST) or "" for name in _TEXTS}
        after, before = query.instant("after"), query.instant("before")
        limit = query.integer("limit", 1, audit_log.MAX_LIMIT, DEFAULT_LIMIT)
        cursor = query.text("cursor", _LONGEST) or ""
        query.finish()
        wanted = AuditFilter(**texts, after_ms=after, before_ms=before)
        found = audit_log.list_entries(self.actor, wanted, cursor=cursor, limit=limit)
        shapes = tuple(map(audit_entry_shape, found.entries))
        return Response(AuditListShape(shapes, PageShape(next=found.next, prev=found.prev)))
