"""The cursor of a list of jobs as clients see it: an opaque text that names a place in one index and a direction."""

from __future__ import annotations

import base64
import binascii
import math
from dataclasses import dataclass

import msgspec

from jobs.backends.base import Cursor
from jobs.domain.errors import InvalidInput, Problem
from jobs.domain.identity import parse_id
from jobs.domain.status import Status

_MAX_LENGTH = 400


class _Text(msgspec.Struct, array_like=True, frozen=True):
    """What is inside a cursor. The score is text: a float's digits must survive."""

    version: int
    is_backwards: bool
    status: str
    queue: str
    score: str
    job_id: str


@dataclass(frozen=True, slots=True)
class ListPlace:
    """Where to go on in one index, and which way; `after` of None is its beginning."""

    status: Status | None
    queue: str | None
    after: Cursor | None
    is_backwards: bool = False

    def token(self) -> str:
        """Return the place as a cursor. There must be an `after`."""
        if self.after is None:
            raise ValueError("the beginning has no cursor")
        inner = _Text(
            1, self.is_backwards, self.status or "", self.queue or "", repr(self.after.score), self.after.job_id
        )
        return base64.urlsafe_b64encode(msgspec.json.encode(inner)).rstrip(b"=").decode()


def read_place(cursor: str | None, status: Status | None, queue: str | None) -> ListPlace:
    """Return the place of a cursor that belongs to this index. Raises InvalidInput `invalid_cursor`."""
    if cursor is None:
        return ListPlace(status, queue, None)
    place = _decoded(cursor) if len(cursor) <= _MAX_LENGTH else None
    if place is None or (place.status, place.queue) != (status, queue):
        detail = "The cursor is not one of this list. Cursors belong to the status and queue they were made for."
        raise InvalidInput([Problem("?cursor", "invalid_cursor", detail)])
    return place


def _decoded(cursor: str) -> ListPlace | None:
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        inner = msgspec.json.decode(base64.b64decode(padded, altchars=b"-_", validate=True), type=_Text)
        status = Status(inner.status) if inner.status else None
        score = float(inner.score)
    except (ValueError, binascii.Error, msgspec.MsgspecError):
        return None
    job_id = parse_id(inner.job_id)
    if inner.version != 1 or job_id is None or not math.isfinite(score):
        return None
    return ListPlace(status, inner.queue or None, Cursor(score, job_id), inner.is_backwards)
