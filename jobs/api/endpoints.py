"""`/endpoints`: kinds that are bound to URLs."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from jobs.api.body import Fields, as_object, read_body, read_fields
from jobs.api.endpoint_shapes import EndpointListShape, endpoint_shape, endpoint_test_shape
from jobs.api.jobs import MAX_REASON, read_reason
from jobs.api.query import refuse_parameters
from jobs.api.view import ApiView
from jobs.domain.endpoint import DEFAULT_ENDPOINT_TIMEOUT_MS, MAX_ENDPOINT_TIMEOUT_MS, MIN_ENDPOINT_TIMEOUT_MS
from jobs.domain.target import MAX_URL
from jobs.services import endpoints


class EndpointsView(ApiView):
    """All bindings."""

    def get(self, request: Request) -> Response:
        """List the bindings."""
        refuse_parameters(request)
        now = endpoints.now_ms()
        return Response(EndpointListShape(tuple(endpoint_shape(e, now) for e in endpoints.list_endpoints(self.actor))))


class EndpointView(ApiView):
    """One binding."""

    def get(self, request: Request, kind: str) -> Response:
        """Look at it."""
        refuse_parameters(request)
        return Response(endpoint_shape(endpoints.get_endpoint(self.actor, kind), endpoints.now_ms()))

    def put(self, request: Request, kind: str) -> Response:
        """Bind the kind."""
        refuse_parameters(request)
        texts: list[str] = []
        numbers: list[int] = []

        def take(fields: Fields) -> None:
            texts.extend([fields.text("url", MAX_URL), fields.text("reason", MAX_REASON, default="")])
            bounds = (MIN_ENDPOINT_TIMEOUT_MS, MAX_ENDPOINT_TIMEOUT_MS, DEFAULT_ENDPOINT_TIMEOUT_MS)
            numbers.append(fields.reader.integer("timeout_ms", *bounds))

        read_fields(as_object(read_body(request)), frozenset({"url", "timeout_ms", "reason"}), take)
        url, reason = texts
        bound = endpoints.bind_endpoint(self.actor, kind, url, numbers[0], reason=reason)
        shape = endpoint_shape(bound.endpoint, endpoints.now_ms(), bound.secret)
        return Response(shape, status=201 if bound.is_new else 200)

    def delete(self, request: Request, kind: str) -> Response:
        """Unbind the kind."""
        refuse_parameters(request)
        endpoints.unbind_endpoint(self.actor, kind, reason=read_reason(request))
        return Response(status=204)


class EndpointTestView(ApiView):
    """Trying a binding out."""

    def post(self, request: Request, kind: str) -> Response:
        """Send a signed test."""
        refuse_parameters(request)
        reason = read_reason(request)
        return Response(endpoint_test_shape(endpoints.try_endpoint(self.actor, kind, reason=reason)))


class EndpointRotateView(ApiView):
    """New secrets."""

    def post(self, request: Request, kind: str) -> Response:
        """Make a new secret."""
        refuse_parameters(request)
        bound = endpoints.rotate_endpoint(self.actor, kind, reason=read_reason(request))
        return Response(endpoint_shape(bound.endpoint, endpoints.now_ms(), bound.secret))
