"""`/bulk-operations`: one act on many jobs, how far it is, and what became of each job."""

from __future__ import annotations

from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from jobs.api.body import as_object, read_body
from jobs.api.jobs import read_reason
from jobs.api.operation_shapes import OperationListShape, operation_shape, outcome_list_shape
from jobs.api.query import Query, refuse_parameters
from jobs.api.shapes import PageShape
from jobs.api.view import ApiView
from jobs.domain.bulk_operation_body import read_bulk_request
from jobs.domain.identity import parse_id
from jobs.services import operations
from jobs.services.operation_outcomes import MAX_PAGE
from jobs.services.operations import MAX_LISTED

_PAGE = 50
_MAX_PLACE = 10**9


class BulkOperationsView(ApiView):
    """All operations."""

    def get(self, request: Request) -> Response:
        """List them."""
        query = Query(request, frozenset({"limit", "cursor"}))
        limit = query.integer("limit", 1, MAX_LISTED, _PAGE)
        before = query.name("cursor", lambda text: parse_id(text) is not None)
        query.finish()
        found, following = operations.list_operations(self.actor, limit, before)
        return Response(OperationListShape(tuple(map(operation_shape, found)), PageShape(following)))

    def post(self, request: Request) -> Response:
        """Begin one, or look what it would do."""
        refuse_parameters(request)
        begun = operations.start(self.actor, read_bulk_request(as_object(read_body(request))))
        headers = {"Location": operation_address(request, begun.id)}
        is_answer = begun.status == "previewed"
        return Response(operation_shape(begun), status=200 if is_answer else 202, headers=headers)


class BulkOperationView(ApiView):
    """One operation."""

    def get(self, request: Request, operation_id: str) -> Response:
        """Look how far it is."""
        refuse_parameters(request)
        return Response(operation_shape(operations.get_operation(self.actor, operation_id)))


class BulkOutcomesView(ApiView):
    """What became of its jobs."""

    def get(self, request: Request, operation_id: str) -> Response:
        """List outcomes."""
        query = Query(request, frozenset({"limit", "cursor", "undone"}))
        limit = query.integer("limit", 1, MAX_PAGE, _PAGE)
        place = query.integer("cursor", 0, _MAX_PLACE, 0)
        only_undone = query.flag("undone")
        query.finish()
        found = operations.list_outcomes(self.actor, operation_id, place, limit, only_undone=only_undone)
        return Response(outcome_list_shape(found))


class BulkAbortView(ApiView):
    """Aborting."""

    def post(self, request: Request, operation_id: str) -> Response:
        """End it where it is."""
        refuse_parameters(request)
        return Response(
            operation_shape(operations.abort_operation(self.actor, operation_id, reason=read_reason(request)))
        )


class BulkPauseView(ApiView):
    """Pausing."""

    def post(self, request: Request, operation_id: str) -> Response:
        """Hold it."""
        refuse_parameters(request)
        return Response(
            operation_shape(operations.pause_operation(self.actor, operation_id, reason=read_reason(request)))
        )


class BulkResumeView(ApiView):
    """Resuming."""

    def post(self, request: Request, operation_id: str) -> Response:
        """Go on with it, after a pause, a canary that stopped it, or a dry run."""
        refuse_parameters(request)
        return Response(
            operation_shape(operations.resume_operation(self.actor, operation_id, reason=read_reason(request)))
        )


def operation_address(request: Request, operation_id: str) -> str:
    """Return the operation's address under the prefix that the client uses."""
    match = request.resolver_match
    prefix = f"{match.namespace}:" if match is not None and match.namespace else ""
    return reverse(f"{prefix}api-bulk-operation", args=[operation_id])
