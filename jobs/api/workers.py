"""`/workers`: who lives, and what a worker is told to do. The data plane lets workers begin their life here."""

from __future__ import annotations

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from jobs.api.jobs import read_reason
from jobs.api.query import Query, refuse_parameters
from jobs.api.view import ApiView
from jobs.api.worker_protocol import DataPlaneView
from jobs.api.worker_shapes import OrderShape, worker_list_shape
from jobs.domain.worker import WorkerOrder
from jobs.services import workers

_MAX_CURSOR = 128


class WorkersView(DataPlaneView):
    """All workers."""

    def post(self, request: Request) -> Response:
        """Refuse to register one."""
        self.refuse(request)

    def get(self, request: Request) -> Response:
        """Return one page of the workers seen in the last 30 s."""
        query = Query(request, frozenset({"limit", "cursor"}))
        limit = query.integer("limit", 1, workers.MAX_PAGE, workers.MAX_PAGE)
        cursor = query.text("cursor", _MAX_CURSOR)
        query.finish()
        return Response(worker_list_shape(workers.page_of_workers(self.actor, cursor, limit)))


class _OrderView(ApiView):
    """One order to one worker."""

    order: ClassVar[WorkerOrder]

    def post(self, request: Request, worker_id: str) -> Response:
        """Tell the worker; it hears of it with its next heartbeat."""
        refuse_parameters(request)
        workers.order_worker(self.actor, worker_id, self.order, reason=read_reason(request))
        return Response(OrderShape(worker_id, self.order), status=202)


class WorkerQuietView(_OrderView):
    """Taking nothing new."""

    order = WorkerOrder.QUIET


class WorkerResumeView(_OrderView):
    """Taking jobs again."""

    order = WorkerOrder.RUN


class WorkerTerminateView(_OrderView):
    """Stopping in good order."""

    order = WorkerOrder.TERMINATE
