"""`/queues/scaling`: what autoscalers poll."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from jobs.api.query import Query
from jobs.api.scaling_shapes import scaling_shape
from jobs.api.view import ApiView
from jobs.domain.naming import is_queue
from jobs.services import scaling


class QueueScalingView(ApiView):
    """How much work waits, and for whom."""

    def get(self, request: Request) -> Response:
        """Return the load of all queues, or of one."""
        query = Query(request, frozenset({"queue", "target_s"}))
        name = query.name("queue", is_queue)
        target_s = query.integer("target_s", 1, scaling.MAX_TARGET_S, scaling.TARGET_S)
        query.finish()
        load = scaling.load_of_all(self.actor) if name is None else scaling.load_of(self.actor, name)
        return Response(scaling_shape(load, target_s))
