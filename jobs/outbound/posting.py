"""One POST to a receiver: to an address that was checked, under the name that was asked for, and never redirected."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

from jobs.domain.address import Address
from jobs.domain.target import InvalidTarget, Target, read_target
from jobs.outbound.metered import MeteredSocket, TooLong, TooSlow
from jobs.outbound.resolving import UnknownHost
from jobs.outbound.rules import BlockedAddress, Rules

MAX_ANSWER_BYTES = 64 * 1024
_MAX_HEAD_BYTES = 32 * 1024
_MOST_ADDRESSES = 4
# The first that fits counts: an error of TLS and a timeout are errors of the system, too.
_CODES: tuple[tuple[tuple[type[Exception], ...], str], ...] = (
    ((InvalidTarget,), "invalid_url"),
    ((BlockedAddress,), "blocked_address"),
    ((UnknownHost,), "unknown_host"),
    ((TooSlow, TimeoutError), "timeout"),
    ((ssl.SSLError,), "tls_failed"),
    ((http.client.HTTPException, TooLong), "bad_answer"),
    ((OSError,), "unreachable"),
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a receiver said. `body` is at most MAX_ANSWER_BYTES long; `is_cut`: there was more."""

    status: int
    body: bytes
    is_cut: bool = False
    retry_after: str | None = None
    is_json: bool = False
    duration_ms: int = 0


@dataclass(frozen=True, slots=True)
class Unsent:
    """Why there is no answer. `code` is stable: blocked_address, invalid_url, unknown_host, timeout, tls_failed,
    bad_answer or unreachable.
    """

    code: str
    detail: str
    duration_ms: int = field(default=0, compare=False)


def post(url: str, body: bytes, headers: Mapping[str, str], limit_s: float, rules: Rules) -> Answer | Unsent:
    """Send a JSON body and return what came of it. Never raises.

    Looking the name up, connecting, TLS, sending and reading have `limit_s` together.
    """
    began = time.monotonic()
    until = began + limit_s
    try:
        target = read_target(url)
        answer = _exchange(target, rules.addresses_of(target, until), body, headers, until)
    except Exception as failure:  # noqa: BLE001 (whatever a foreign server makes of it is its failure, told as such)
        code, detail = _told(failure, limit_s)
        return Unsent(code, detail, _ms_since(began))
    return replace(answer, duration_ms=_ms_since(began))


def _exchange(
    target: Target, addresses: Sequence[Address], body: bytes, headers: Mapping[str, str], until: float
) -> Answer:
    sock = _connected(target, addresses, until)
    try:
        _send(sock, _head(target, body, headers) + body, until)
        reply = http.client.HTTPResponse(
            MeteredSocket(sock, until, _MAX_HEAD_BYTES + MAX_ANSWER_BYTES),  # type: ignore[arg-type] # reads only
            method="POST",
        )
        reply.begin()
        return _read(reply)
    finally:
        sock.close()


def _send(sock: socket.socket, data: bytes, until: float) -> None:
    """Send all of it. Raises TooSlow or OSError: with TLS `sendall` would give each piece the whole time again."""
    rest = memoryview(data)
    while rest:
        sock.settimeout(_left_s(until))
        rest = rest[sock.send(rest) :]


def _read(reply: http.client.HTTPResponse) -> Answer:
    parts, size, is_cut = [], 0, False
    try:
        while size <= MAX_ANSWER_BYTES:
            part = reply.read1(MAX_ANSWER_BYTES + 1 - size)
            if not part:
                break
            parts.append(part)
            size += len(part)
    except (TooLong, http.client.IncompleteRead):
        is_cut = True
    return Answer(
        reply.status,
        b"".join(parts)[:MAX_ANSWER_BYTES],
        is_cut=is_cut or size > MAX_ANSWER_BYTES,
        retry_after=reply.getheader("retry-after"),
        is_json=(reply.getheader("content-type") or "").partition(";")[0].strip().lower() == "application/json",
    )


def _head(target: Target, body: bytes, headers: Mapping[str, str]) -> bytes:
    lines = [f"POST {target.path} HTTP/1.1", f"host: {target.authority}", f"content-length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += ["content-type: application/json", "accept: application/json", "accept-encoding: identity"]
    return "\r\n".join([*lines, "user-agent: IronForge", "connection: close", "", ""]).encode("ascii")


def _connected(target: Target, addresses: Sequence[Address], until: float) -> socket.socket:
    """Return a connection to the first of the addresses that answers. Raises OSError or TooSlow."""
    failure: OSError = OSError("there is no address")
    for address in addresses[:_MOST_ADDRESSES]:
        left_s = _left_s(until)
        try:
            sock = socket.create_connection((str(address), target.port), left_s)
        except OSError as error:
            failure = error
            continue
        if target.scheme == "http":
            return sock
        try:
            sock.settimeout(_left_s(until))
            return _tls().wrap_socket(sock, server_hostname=target.host)
        except BaseException:
            sock.close()
            raise
    raise failure


def _left_s(until: float) -> float:
    """Return the time that is left. Raises TooSlow if none is."""
    left_s = until - time.monotonic()
    if left_s <= 0:
        raise TooSlow
    return left_s


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


def _told(failure: Exception, limit_s: float) -> tuple[str, str]:
    code = next((code for kinds, code in _CODES if isinstance(failure, kinds)), "bad_answer")
    return code, {
        "timeout": f"The receiver did not answer within {limit_s:g} s.",
        "tls_failed": f"No trusted connection: {getattr(failure, 'verify_message', '') or failure}.",
        "unreachable": f"The receiver cannot be reached: {getattr(failure, 'strerror', '') or failure}.",
        "bad_answer": f"The receiver's answer is no HTTP that anybody reads: {type(failure).__name__}.",
    }.get(code, str(failure))


def _ms_since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
