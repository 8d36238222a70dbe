"""The addresses of the worker protocol, which the data plane serves: here it is said why it did not."""

from __future__ import annotations

from typing import NoReturn

from rest_framework.request import Request
from rest_framework.response import Response

from jobs.access.actor import ActorKind
from jobs.api.body import as_object, read_body, read_optional_object
from jobs.api.problems import ApiRefusal
from jobs.api.query import refuse_parameters
from jobs.api.view import ApiView
from jobs.domain.errors import NotPermitted

_GATEWAY_OFF = (
    "The worker protocol is served by the data plane, and this server runs without it: IRONFORGE_GATEWAY is off. Turn "
    "it on, or run workers that reach the store themselves."
)


class DataPlaneView(ApiView):
    """An address of the protocol. What is wrong with a request is said as everywhere; what is right is not served."""

    def refuse(self, request: Request, *, may_be_empty: bool = False) -> NoReturn:
        """Raise what is wrong with a request, or that nothing is."""
        refuse_parameters(request)
        if self.actor.kind is ActorKind.SESSION:
            raise NotPermitted("Workers speak with a key: Authorization: Bearer ifk_…", code="key_required")
        if may_be_empty:
            read_optional_object(request)
        else:
            as_object(read_body(request))
        raise ApiRefusal(501, "gateway_off", _GATEWAY_OFF)


class LeasesView(DataPlaneView):
    """What workers ask of leases: claims, renewals, settlements, reports."""

    def post(self, request: Request) -> Response:
        """Refuse."""
        self.refuse(request)


class HeartbeatView(DataPlaneView):
    """The signs of life of a worker."""

    def post(self, request: Request, worker_id: str) -> Response:
        """Refuse."""
        self.refuse(request, may_be_empty=True)


class RemoteWorkerView(DataPlaneView):
    """One worker."""

    def delete(self, request: Request, worker_id: str) -> Response:
        """Refuse."""
        self.refuse(request, may_be_empty=True)
