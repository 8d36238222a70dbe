"""The states of long acts, and what a step writes into the row: started, held or ended as somebody wants it."""

from __future__ import annotations

from django.utils import timezone

ACTIVE = ("matching", "running", "watching")
ENDED = ("completed", "aborted")
# What somebody may want of whoever works on it; most often nothing.
WISHES = ("", "pause", "abort")
PURGE = "purge"
Changes = dict[str, object]


def started(matched: int, taken: int) -> Changes:
    """Return what makes an operation act on what was found, or end where nothing was."""
    if not matched:
        return {"status": "completed"}
    return {"status": "running", "paced_since": timezone.now(), "paced_from": taken, "next_at": timezone.now()}


def obeyed(changes: Changes, status: object, wanted: str) -> Changes:
    """Return what a step changes, with what somebody wanted meanwhile: done now, since nothing else may follow.

    `status` is that before the step. What a step ended stays ended. A pause keeps what it goes on as.
    """
    status = changes.get("status", status)
    if not wanted or status in ENDED:
        return {**changes, "wanted": ""}
    if wanted == "abort":
        return {**changes, "wanted": "", "status": "aborted"}
    return {**changes, "wanted": "", "status": "paused", "paused_at_status": changes.get("paused_at_status") or status}
