"""`/views`: saved views of the list of jobs."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from jobs.api.body import Fields, as_object, read_body, read_fields
from jobs.api.job_view_shapes import ViewListShape, view_shape
from jobs.api.query import refuse_parameters
from jobs.api.view import ApiView
from jobs.domain.job_view import MAX_QUERY
from jobs.services import job_views

_FIELDS = frozenset({"query", "shared"})


class ViewsView(ApiView):
    """All views."""

    def get(self, request: Request) -> Response:
        """List them."""
        refuse_parameters(request)
        return Response(ViewListShape(tuple(map(view_shape, job_views.list_views(self.actor)))))


class ViewView(ApiView):
    """One view of one's own."""

    def put(self, request: Request, name: str) -> Response:
        """Keep it."""
        refuse_parameters(request)
        given: list[tuple[str, bool]] = []

        def take(fields: Fields) -> None:
            given.append((fields.text("query", MAX_QUERY, default=""), fields.flag("shared", default=False)))

        read_fields(as_object(read_body(request)), _FIELDS, take)
        query, is_shared = given[0]
        kept, is_new = job_views.keep_view(self.actor, name, query, is_shared=is_shared)
        return Response(view_shape(kept), status=201 if is_new else 200)

    def delete(self, request: Request, name: str) -> Response:
        """Remove it."""
        refuse_parameters(request)
        job_views.remove_view(self.actor, name)
        return Response(status=204)
