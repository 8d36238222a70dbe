"""The base of every view: who asks, whether it may, and how refusals are said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from django.http import HttpRequest
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from jobs.access import policy
from jobs.access.actor import Actor
from jobs.access.scopes import Action
from jobs.api.credentials import authenticate
from jobs.api.openapi import DocumentedSchema
from jobs.api.problems import refusal
from jobs.api.shapes import encode


class CompactJson(BaseRenderer):
    """Writes structs as compact JSON."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self, data: object, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        """Return the body."""
        return b"" if data is None else encode(data)


class AlwaysJson(BaseContentNegotiation):
    """There is one representation, so what a client accepts is not asked."""

    def select_parser(self, request: Request, parsers: Iterable[Any]) -> None:
        """Choose none: bodies are read by `jobs.api.body`."""

    def select_renderer(
        self, request: Request, renderers: Iterable[Any], format_suffix: str | None = None
    ) -> tuple[Any, str]:
        """Choose JSON."""
        return next(iter(renderers)), CompactJson.media_type


class ApiView(APIView):
    """A resource. Its route names the action that each method needs; a method without one is refused."""

    actions: ClassVar[Mapping[str, Action]] = {}
    is_public: ClassVar[bool] = False
    route_name: ClassVar[str] = ""

    authentication_classes = ()
    permission_classes = ()
    parser_classes = ()
    throttle_classes = ()
    renderer_classes = (CompactJson,)
    content_negotiation_class = AlwaysJson
    schema = DocumentedSchema()

    actor: Actor

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse unknown methods, unknown callers and what the caller may not do, in this order."""
        method = "GET" if request.method == "HEAD" else str(request.method)
        if method == "OPTIONS":
            return
        if method.lower() not in self.http_method_names or not hasattr(self, method.lower()):
            raise MethodNotAllowed(str(request.method))
        if self.is_public:
            return
        self.actor = authenticate(request)
        policy.authorize(self.actor, self.actions[method])

    def options(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Response:
        """Say which methods there are. Nothing about other origins: they have no access."""
        return Response(status=204, headers={"Allow": ", ".join(self.allowed_methods)})

    def handle_exception(self, exc: Exception) -> Response:
        """Answer with a problem document, whatever was raised."""
        answer = refusal(self.request, exc)
        answer.exception = True
        return answer
