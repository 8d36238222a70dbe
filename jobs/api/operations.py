"""`/bulk-operations`: one act on many jobs, and how far it is."""

from __future__ import annotations

from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from jobs.api.body import Fields, as_object, read_body, read_fields
from jobs.api.operation_shapes import operation_shape
from jobs.api.query import refuse_parameters
from jobs.api.view import ApiView
from jobs.services import operations
from jobs.services.operations import MAX_IDS, BulkAction

_MAX_REASON = 500


class BulkOperationsView(ApiView):
    """All operations."""

    def post(self, request: Request) -> Response:
        """Retry, cancel or discard up to 1 000 jobs."""
        refuse_parameters(request)
        taken: list[tuple[BulkAction, list[str], str]] = []

        def take(fields: Fields) -> None:
            action = fields.reader.choice("action", tuple(BulkAction), "") if "action" in fields.source else ""
            if "action" not in fields.source:
                fields.reader.refuse("action", "required", "action is required.")
            ids = fields.texts("ids", MAX_IDS)
            reason = fields.text("reason", _MAX_REASON, default="")
            if not fields.problems:
                taken.append((BulkAction(action), ids, reason))

        read_fields(as_object(read_body(request)), frozenset({"action", "ids", "reason"}), take)
        action, ids, reason = taken[0]
        done = operations.start_bulk(self.actor, action, ids, reason=reason)
        headers = {"Location": operation_address(request, done.id)}
        return Response(operation_shape(done), status=202, headers=headers)


class BulkOperationView(ApiView):
    """One operation."""

    def get(self, request: Request, operation_id: str) -> Response:
        """Look how far it is."""
        refuse_parameters(request)
        return Response(operation_shape(operations.get_operation(self.actor, operation_id)))


def operation_address(request: Request, operation_id: str) -> str:
    """Return the operation's address under the prefix that the client uses."""
    match = request.resolver_match
    prefix = f"{match.namespace}:" if match is not None and match.namespace else ""
    return reverse(f"{prefix}api-bulk-operation", args=[operation_id])
