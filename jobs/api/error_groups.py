"""`/error-groups`: failures that are alike."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from jobs.api.error_group_shapes import error_group_details_shape, error_group_list_shape
from jobs.api.query import Query, refuse_parameters
from jobs.api.view import ApiView
from jobs.services import error_groups

DEFAULT_LIMIT = 50
_MAX_CURSOR = 64


class ErrorGroupsView(ApiView):
    """All groups."""

    def get(self, request: Request) -> Response:
        """Return one page, the group that was seen last first."""
        query = Query(request, frozenset({"limit", "cursor"}))
        limit = query.integer("limit", 1, error_groups.MAX_PAGE, DEFAULT_LIMIT)
        cursor = query.text("cursor", _MAX_CURSOR)
        query.finish()
        return Response(error_group_list_shape(error_groups.list_groups(self.actor, limit, cursor)))


class ErrorGroupView(ApiView):
    """One group."""

    def get(self, request: Request, group_id: str) -> Response:
        """Look at it and its newest jobs."""
        refuse_parameters(request)
        return Response(error_group_details_shape(error_groups.get_group(self.actor, group_id)))
