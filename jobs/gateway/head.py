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
    path: str = scope["path"]
    prefix = ""
    if path.startswith("/api/v1/"):
        path, prefix = path[len(VERSIONED) :], VERSIONED
    method = scope["method"]
    if method == "POST":
        return {"/jobs": "submit", "/jobs/bulk": "bulk"}.get(path, ""), prefix
    if method == "GET" and path.startswith("/jobs/") and len(path) == len("/jobs/") + _JOB_ID_LENGTH:
        return "look", prefix
    return "", prefix


def plain_headers(scope: Scope, operation: str) -> Headers | None:
    """Return the headers of a request that the data plane may answer, None if the control plane must judge it."""
    pairs = scope["headers"]
    headers: Headers = dict(pairs)
    if len(headers) != len(pairs) or not _is_our_host(headers.get(b"host", b"")):
        return None
    if b"cookie" in headers and b"authorization" not in headers and _has_session(headers[b"cookie"]):
        return None
    if operation == "look":
        return headers
    media_type = headers.get(b"content-type", b"").lower()
    if media_type not in JSON_TYPES and not (operation == "bulk" and media_type in LINES_TYPES):
        return None
    limit = bulk_body.MAX_BULK_BYTES if operation == "bulk" else MAX_BODY_BYTES
    if b"content-encoding" in headers or not _fits(headers.get(b"content-length"), limit):
        return None
    return headers


def _fits(declared: bytes | None, limit: int) -> bool:
    """Tell whether the declared length is within the limit; none is declared for a body in chunks, which is counted."""
    return declared is None or (declared.isdigit() and len(declared) < 12 and int(declared) <= limit)


def _has_session(cookie: bytes) -> bool:
    return settings.SESSION_COOKIE_NAME.encode() in cookie


@lru_cache(maxsize=1024)
def _is_our_host(host: bytes) -> bool:
    """Tell whether the Host is one of ours, as Django's `get_host` judges it."""
    try:
        domain, _ = split_domain_port(host.decode("ascii"))
    except UnicodeDecodeError:
        return False
    return bool(domain) and validate_host(domain, settings.ALLOWED_HOSTS)
