"""Which requests of the worker protocol the data plane answers. It is the only lane that does, so a proxy's headers may
come twice; what decides about the request may not, and whatever is wrong with a head the control plane says.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from jobs.domain.bulk_body import MAX_BULK_BYTES
from jobs.gateway.exchange import Headers, Scope
from jobs.gateway.head import MAX_BODY_BYTES, fits, has_session, is_our_host

# Results and checkpoints are large, and many come together.
LIMITS: Final[Mapping[str, int]] = {
    "register": MAX_BODY_BYTES,
    "beat": MAX_BODY_BYTES,
    "leave": MAX_BODY_BYTES,
    "claim": MAX_BODY_BYTES,
    "extend": MAX_BODY_BYTES,
    "settle": MAX_BULK_BYTES,
    "report": MAX_BULK_BYTES,
}
# A request without a body needs no type.
MAY_BE_EMPTY: Final = frozenset({"beat", "leave"})
_ONCE: Final = frozenset(
    b"host authorization content-type content-length content-encoding transfer-encoding x-request-id origin "
    b"sec-fetch-site".split()
)
_POSTED: Final = {
    "/workers": "register",
    "/leases": "claim",
    "/leases/extend": "extend",
    "/leases/settle": "settle",
    "/leases/report": "report",
}
_WORKERS: Final = "/workers/"
_HEARTBEAT: Final = "/heartbeat"


def worker_route(method: str, path: str) -> str:
    """Return the operation of the worker protocol that a request asks for, `` for none."""
    if method == "POST":
        known = _POSTED.get(path)
        if known is not None:
            return known
        is_beat = path.startswith(_WORKERS) and path.endswith(_HEARTBEAT)
        return "beat" if is_beat and _is_name(path[len(_WORKERS) : -len(_HEARTBEAT)]) else ""
    return "leave" if method == "DELETE" and path.startswith(_WORKERS) and _is_name(path[len(_WORKERS) :]) else ""


def worker_of(path: str) -> str:
    """Return the worker's id in the address of `beat` or `leave`."""
    return path.rpartition(_WORKERS)[2].removesuffix(_HEARTBEAT)


def worker_headers(scope: Scope, operation: str) -> Headers | None:
    """Return the headers of a request that the data plane answers, None if the control plane must say what is wrong."""
    headers: Headers = {}
    for name, value in scope["headers"]:
        if name in headers and name in _ONCE:
            return None
        headers[name] = value
    if scope["query_string"] or not is_our_host(headers.get(b"host", b"")):
        return None
    if b"authorization" not in headers and _has_session(scope):
        return None
    encoding = headers.get(b"content-encoding", b"").strip().lower()
    if encoding not in (b"", b"identity") or not fits(headers.get(b"content-length"), LIMITS[operation]):
        return None
    media_type = headers.get(b"content-type")
    if media_type is None:
        return headers if operation in MAY_BE_EMPTY else None
    return headers if _is_json(media_type) else None


def _is_name(text: str) -> bool:
    return bool(text) and "/" not in text


def _is_json(media_type: bytes) -> bool:
    name, _, parameters = media_type.lower().partition(b";")
    return name.strip() == b"application/json" and parameters.strip().replace(b'"', b"") in (b"", b"charset=utf-8")


def _has_session(scope: Scope) -> bool:
    return any(name == b"cookie" and has_session(value) for name, value in scope["headers"])
