"""What a browser is told: which jobs changed and where, in one small message."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from jobs.domain.event import Event

MOST_CHANGES = 200


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """One message. `changes` are (job id, status, queue); a deleted job has the status "".

    `n` rises by one, so that a browser sees a lost message. `gap`: look at everything again. `more`: there were
    more changes than are named.
    """

    type: str = "events"
    n: int
    changes: tuple[tuple[str, str, str], ...] = ()
    queues: tuple[str, ...] = ()
    more: bool = False
    gap: bool = False

    def encode(self) -> str:
        """Return the message as it is sent."""
        return msgspec.json.encode(self).decode()


def frame_of(number: int, events: Sequence[Event], *, is_gap: bool) -> Frame:
    """Return the message of some events; of a job that changed several times, only the last change is told."""
    last: dict[str, tuple[str, str, str]] = {}
    for event in events:
        for change in event.changes:
            last.pop(change.job_id, None)
            last[change.job_id] = (change.job_id, change.status or "", event.queue)
    changes = tuple(last.values())
    return Frame(
        n=number,
        changes=changes[-MOST_CHANGES:],
        queues=tuple(sorted({event.queue for event in events})),
        more=len(changes) > MOST_CHANGES,
        gap=is_gap,
    )
