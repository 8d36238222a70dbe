"""The language of who looks, as their browser says when it opens the socket: that of their pages."""

from __future__ import annotations

from collections.abc import Mapping

from django.http import HttpRequest
from django.utils.translation import get_language_from_request


def language_of(accepted: str, cookies: Mapping[str, str]) -> str:
    """Return the language that a page would have for a browser that accepts these (`Accept-Language`)."""
    request = HttpRequest()
    request.META = {"HTTP_ACCEPT_LANGUAGE": accepted}
    request.COOKIES = dict(cookies)
    return get_language_from_request(request)
