"""From a request to an actor: an API key, a session, or open access on the developer's own machine."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from rest_framework.authentication import CSRFCheck
from rest_framework.request import Request

from jobs.access.actor import Actor
from jobs.access.credentials import authenticate_key
from jobs.access.open_access import open_actor
from jobs.conf import conf
from jobs.domain.errors import NotAuthenticated, NotPermitted
from jobs.services.sessions import SESSION_NAMESPACE, actor_of_session

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN_FETCHES = frozenset({"same-origin", "none"})
_MISSING = "Send an API key: Authorization: Bearer ifk_…"


def authenticate(request: Request) -> Actor:
    """Return who asks. Raises NotAuthenticated, NotPermitted (a page of another site), BackendUnavailable.

    A request that shows a key is judged by it alone.
    """
    if "Authorization" in request.headers:
        return authenticate_key(_bearer(request.headers["Authorization"]))
    actor = _from_session(request) or open_actor(is_open=conf().is_open, peer=peer(request), headers=request.headers)
    if actor is None:
        raise NotAuthenticated(_MISSING)
    return actor


def is_local(request: Request) -> bool:
    """Tell whether a program on this machine asks, and not through a proxy or from a page of another site."""
    return open_actor(is_open=True, peer=peer(request), headers=request.headers) is not None


def peer(request: Request) -> str | None:
    """Return the address of the connection itself."""
    address: str | None = request.META.get("REMOTE_ADDR")
    return address


def _bearer(header: str) -> str:
    scheme, _, text = header.partition(" ")
    if scheme.lower() != "bearer":
        raise NotAuthenticated(_MISSING)
    return text.strip()


def _from_session(request: Request) -> Actor | None:
    """Return the signed-in person; None without a session."""
    plain = request._request
    session = getattr(plain, "session", None)
    user = getattr(plain, "user", None)
    if session is None or user is None or not _has_session_cookie(request) or not user.is_authenticated:
        return None
    if request.method not in _SAFE:
        _refuse_forgery(request)
    return actor_of_session(user, session.get(SESSION_NAMESPACE))


def _has_session_cookie(request: Request) -> bool:
    """Tell whether to look for a session at all: without its cookie the database is not asked."""
    return settings.SESSION_COOKIE_NAME in request.COOKIES


def _refuse_forgery(request: Request) -> None:
    """Pass if the request comes from our own pages: by the browser's word and by the CSRF token."""
    if request.headers.get("Sec-Fetch-Site", "none") not in _OWN_FETCHES:
        raise NotPermitted("The request comes from another site.", code="cross_site")
    check = CSRFCheck(_no_answer)
    plain = request._request
    check.process_request(plain)
    if check.process_view(plain, _no_answer, (), {}) is not None:
        raise NotPermitted("The CSRF token is missing or wrong: send it as X-CSRFToken.", code="csrf_failed")


def _no_answer(request: HttpRequest) -> HttpResponse:
    """Stand in for the view that the check wants to know and never calls."""
    return HttpResponse()
