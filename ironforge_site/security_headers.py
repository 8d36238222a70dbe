"""The headers that keep a browser from being used against the console, on every answer, refusals included."""

from __future__ import annotations

from collections.abc import Callable

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponseBase

from ironforge_site.error_pages import bad_request

# No inline script or style, nothing from elsewhere, in no frame. Libraries that set styles through the CSSOM pass.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)

ALWAYS: dict[str, str] = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class SecurityHeadersMiddleware:
    """Adds the headers to every answer, those of the inner middleware included."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer with the headers. What says nothing about caching holds live or private data: it is not stored."""
        response = self._get_response(request)
        for name, value in ALWAYS.items():
            response.setdefault(name, value)
        response.setdefault("Cache-Control", "no-store")
        return response


class HostMiddleware:
    """Refuses a request for a host that is not ours.

    Django itself looks at the Host only where some code asks for it, so a plain API view would never check.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the request, or refuse it with 400: any stranger can cause that, so it is no error in the log."""
        try:
            request.get_host()
        except DisallowedHost:
            return bad_request(request)
        return self._get_response(request)
