"""What happened: one entry of the event stream for each call that changed something."""

from __future__ import annotations

import msgspec

from jobs.domain.status import Status


class Change(msgspec.Struct, frozen=True):
    """One job's new status; None when the job was deleted."""

    job_id: str
    status: Status | None


class Event(msgspec.Struct, frozen=True):
    """`id` orders events of one namespace; `queue` is `*` when the batch touched several; `at` is Unix ms.

    `kind` is whose circuit turned, "" where the event is of something else.
    """

    id: str
    verb: str
    queue: str
    at: int
    changes: tuple[Change, ...]
    kind: str = ""
