"""`/unique-locks`: who holds which unique key, and release."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from jobs.api.body import as_object, read_body
from jobs.api.jobs import MAX_REASON
from jobs.api.query import Query, refuse_parameters
from jobs.api.unique_shapes import lock_list_shape, lock_shape
from jobs.api.view import ApiView
from jobs.domain.errors import InvalidInput, Problem
from jobs.domain.field_reader import FieldReader
from jobs.domain.unique_fields import read_key
from jobs.services import unique_locks


class UniqueLocksView(ApiView):
    """All keys that are held."""

    def get(self, request: Request) -> Response:
        """List them, those taken last first."""
        query = Query(request, frozenset({"limit", "cursor"}))
        limit = query.integer("limit", 1, unique_locks.MAX_LIMIT, unique_locks.DEFAULT_LIMIT)
        cursor = query.text("cursor", unique_locks.MAX_CURSOR)
        query.finish()
        return Response(lock_list_shape(unique_locks.list_locks(self.actor, cursor, limit)))


class UniqueReleaseView(ApiView):
    """Release of one key, whose text may hold anything and so stands in the body."""

    def post(self, request: Request) -> Response:
        """Take a key from its holder."""
        refuse_parameters(request)
        problems: list[Problem] = []
        fields = FieldReader(as_object(read_body(request)), "", problems, frozenset({"key", "reason"}))
        key, reason = read_key(fields), fields.text("reason", MAX_REASON)
        if problems:
            raise InvalidInput(problems)
        return Response(lock_shape(unique_locks.release_lock(self.actor, key, reason=reason)))
