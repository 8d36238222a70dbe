"""Renders a page of the console for those who look at it, without a request of theirs."""

from __future__ import annotations

import gzip

import msgspec
from django.contrib.auth import get_user
from django.contrib.sessions.backends.db import SessionStore
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import set_script_prefix
from django.utils import translation

from jobs.conf import conf
from jobs.live.admission import admit
from jobs.live.place import Place, match_of

# A page, or what stands in its place when it is gone, forbidden, or the store is away.
_SHOWN = frozenset({200, 403, 404, 503})
_LARGEST = 1_000_000


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A page as it is pushed. `is_good`: the store answered."""

    type: str = "page"
    at: str
    html: str
    is_good: bool


class _Request(HttpRequest):
    """A request that nobody sent."""

    def __init__(self, place: Place, session_key: str) -> None:
        super().__init__()
        path, _, query = place.wish.at.partition("?")
        self._asked_scheme = place.scheme
        self.method, self.path = "GET", path
        self.path_info = path.removeprefix(conf().base_path)
        self.META = {"QUERY_STRING": query, "HTTP_HOST": place.host, "HTTP_HX_REQUEST": "true"}
        self.GET = QueryDict(query)
        self.session = SessionStore(session_key)
        self.user = get_user(self)
        # The browser has a token of its own for the forms.
        self.is_pushed = True

    def _get_scheme(self) -> str:
        return self._asked_scheme


def picture_of(place: Place, session_key: str) -> bytes | None:
    """Return the page as one message, gzip of JSON; None where the browser had better ask for it itself, or where the
    session has other rights by now, or another namespace, than those with whom the page would be shared.

    Raises whatever the view raises.
    """
    match = match_of(place.wish.at)
    if match is None:
        return None
    set_script_prefix(f"{conf().base_path}/")
    request = _Request(place, session_key)
    request.resolver_match = match
    try:
        with translation.override(place.language):
            answer = match.func(request, *match.args, **match.kwargs)
    except SuspiciousOperation:
        # A name of this host that is not allowed, say: the same request from the browser gets its answer.
        return None
    if not isinstance(answer, HttpResponse) or not _can_be_shown(answer) or not _is_still_theirs(place, session_key):
        return None
    page = Page(at=place.wish.at, html=answer.content.decode(), is_good=answer.status_code < 500)
    return gzip.compress(msgspec.json.encode(page), 1, mtime=0)


def _can_be_shown(answer: HttpResponse) -> bool:
    is_page = answer.status_code in _SHOWN and answer.get("Content-Type", "").startswith("text/html")
    return is_page and len(answer.content) <= _LARGEST


def _is_still_theirs(place: Place, session_key: str) -> bool:
    """Tell whether the session sees the place, looked up when the page is made: nothing changed meanwhile either."""
    seen_by = admit(session_key)
    if seen_by is None or place.person not in ("", seen_by.person):
        return False
    return (seen_by.namespace, seen_by.scopes) == (place.namespace, place.scopes)
