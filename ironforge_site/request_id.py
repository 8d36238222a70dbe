"""Gives each request a name, `X-Request-ID`, and sends it back on every answer."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from jobs.domain.request_id import choose_request_id, set_request_id

HEADER = "X-Request-ID"


class RequestIdMiddleware:
    """Names the request for everything that is said about it: answer, log, audit."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the request under its name."""
        request_id = choose_request_id(request.headers.get(HEADER))
        set_request_id(request_id)
        try:
            response = self._get_response(request)
        finally:
            set_request_id("")
        response[HEADER] = request_id
        return response
