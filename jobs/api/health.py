"""`/health`: for load balancers and people. Open to all, with details for those who may know them."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from jobs.api.credentials import authenticate, is_local
from jobs.api.health_shapes import StatusShape, health_shape
from jobs.api.problems import problem_response
from jobs.api.view import ApiView
from jobs.domain.errors import IronForgeError
from jobs.domain.problem import problem
from jobs.services import health


class HealthView(ApiView):
    """The whole."""

    is_public = True

    def get(self, request: Request) -> Response:
        """Say whether the store and the database answer; 503 without the store."""
        found = health.system_health()
        shape = health_shape(found, with_details=is_local(request) or _is_known(request))
        if found.store.ok:
            return Response(shape)
        return _unavailable(shape)


class LiveView(ApiView):
    """Liveness: whether to restart this process."""

    is_public = True

    def get(self, request: Request) -> Response:
        """Say that the process answers."""
        return Response(StatusShape("ok"))


class ReadyView(ApiView):
    """Readiness: whether to send requests here."""

    is_public = True

    def get(self, request: Request) -> Response:
        """Say whether jobs can be taken; 503 without the store."""
        return Response(StatusShape("ok")) if health.is_store_up() else _unavailable(StatusShape("unavailable"))


def _is_known(request: Request) -> bool:
    try:
        authenticate(request)
    except IronForgeError:
        return False
    return True


def _unavailable(shape: object) -> Response:
    """Return a problem document, so that this 503 reads like any other, with the health in it."""
    document = problem(503, "store_unavailable", "The store cannot be reached now.", retryable=True)
    answer = problem_response(document, {"Retry-After": "1"})
    answer.data = answer.data | {"health": shape}
    return answer
