"""Refuses what Django would take apart only deep inside, where it would end as a mistake of ours."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from ironforge_site.error_pages import bad_request

_CHARSETS = ("", "utf-8")


class PlainInputMiddleware:
    """Refuses a form that is not in UTF-8, and a session cookie with a NUL, which a database may not be asked for."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the request, or refuse it with 400."""
        charset = (request.content_params or {}).get("charset", "").lower()
        if request.content_type == "multipart/form-data" and charset not in _CHARSETS:
            return bad_request(request)
        if "\0" in request.COOKIES.get(settings.SESSION_COOKIE_NAME, ""):
            return bad_request(request)
        return self._get_response(request)
