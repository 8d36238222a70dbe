"""Which requests are plain enough for the data plane, judged by their heads alone."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from django.conf import settings
from django.http.request import split_domain_port, validate_host

from jobs.domain import bulk_body
from jobs.gateway.exchange import Headers, Scope

MAX_BODY_BYTES: Final = 1024 * 1024
VERSIONED: Final = "/api/v1"
JSON_TYPES: Final = frozenset(
    {b"application/json", b"application/json; charset=utf-8", b"application/json;charset=utf-8"}
)
LINES_TYPES: Final = frozenset(name.encode() for name in bulk_body.LINES_TYPES)
_JOB_ID_LENGTH: Final = 36


def route_of(scope: Scope) -> tuple[str, str]:
    """Return the operation (`submit`, `bulk`, `look`, or `` for none of ours) and the prefix of the address."""
    prefix, path = split_prefix(scope["path"])
    method = scope["method"]
    if method == "POST":
        return {"/jobs": "submit", "/jobs/bulk": "bulk"}.get(path, ""), prefix
    if method == "GET" and path.startswith("/jobs/") and len(path) == len("/jobs/") + _JOB_ID_LENGTH:
        return "look", prefix
    return "", prefix


def split_prefix(path: str) -> tuple[str, str]:
    """Return the prefix of an address, "" or "/api/v1", and the rest."""
    return (VERSIONED, path[len(VERSIONED) :]) if path.startswith("/api/v1/") else ("", path)


def plain_headers(scope: Scope, operation: str) -> Headers | None:
    """Return the headers of a request that the data plane may answer, None if the control plane must judge it."""
    pairs = scope["headers"]
    headers: Headers = dict(pairs)
    if len(headers) != len(pairs) or not is_our_host(headers.get(b"host", b"")):
        return None
    if b"cookie" in headers and b"authorization" not in headers and has_session(headers[b"cookie"]):
        return None
    if operation == "look":
        return headers
    media_type = headers.get(b"content-type", b"").lower()
    if media_type not in JSON_TYPES and not (operation == "bulk" and media_type in LINES_TYPES):
        return None
    limit = bulk_body.MAX_BULK_BYTES if operation == "bulk" else MAX_BODY_BYTES
    if b"content-encoding" in headers or not fits(headers.get(b"content-length"), limit):
        return None
    return headers


def fits(declared: bytes | None, limit: int) -> bool:
    """Tell whether the declared length is within the limit; none is declared for a body in chunks, which is counted."""
    return declared is None or (declared.isdigit() and len(declared) < 12 and int(declared) <= limit)


def has_session(cookie: bytes) -> bool:
    """Tell whether a cookie is that of somebody who signed in."""
    return settings.SESSION_COOKIE_NAME.encode() in cookie


@lru_cache(maxsize=1024)
def is_our_host(host: bytes) -> bool:
    """Tell whether the Host is one of ours, as Django's `get_host` judges it."""
    try:
        domain, _ = split_domain_port(host.decode("ascii"))
    except UnicodeDecodeError:
        return False
    return bool(domain) and validate_host(domain, settings.ALLOWED_HOSTS)
