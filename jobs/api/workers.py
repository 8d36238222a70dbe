"""`/workers`: who lives."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from jobs.api.query import refuse_parameters
from jobs.api.view import ApiView
from jobs.api.worker_shapes import worker_list_shape
from jobs.services import workers


class WorkersView(ApiView):
    """All workers."""

    def get(self, request: Request) -> Response:
        """List the workers seen in the last 30 s."""
        refuse_parameters(request)
        return Response(worker_list_shape(workers.list_workers(self.actor)))
