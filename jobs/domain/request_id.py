"""The name of the HTTP request being answered: the same in its header, its problem document, the log and the audit."""

from __future__ import annotations

import re
import secrets
from contextvars import ContextVar

_ACCEPTED = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)

_current: ContextVar[str] = ContextVar("ironforge_request_id", default="")


def current_request_id() -> str:
    """Return the name of the request being answered; empty outside of one."""
    return _current.get()


def set_request_id(request_id: str) -> None:
    """Name the request that this task or thread answers from now on; empty when it is answered."""
    _current.set(request_id)


def choose_request_id(offered: str | None) -> str:
    """Return the caller's own name for the request if it is a plain short word, else a new random one."""
    if offered and _ACCEPTED.fullmatch(offered):
        return offered
    return secrets.token_hex(12)
