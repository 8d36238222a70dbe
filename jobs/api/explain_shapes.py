"""Explanations as the API shows them."""

from __future__ import annotations

import msgspec

from jobs.domain.explanation import Cause, Explanation
from jobs.domain.instant import rfc3339
from jobs.domain.status import Status


class ReasonShape(msgspec.Struct, frozen=True):
    """One cause. `until` is when it ends by itself, null where nobody knows; `jobs` are some that it waits for."""

    code: Cause
    detail: str
    until: str | None
    jobs: tuple[str, ...]


class ExplanationShape(msgspec.Struct, frozen=True):
    """Why a job is not running. `may_start`: nothing but its place in the queue keeps a claim from taking it.

    `ahead` counts the jobs before it, null for one that is not queued; `starts_about` is a guess by the last minute.
    """

    id: str
    status: Status
    may_start: bool
    reasons: tuple[ReasonShape, ...]
    ahead: int | None
    starts_about: str | None


def explanation_shape(found: Explanation) -> ExplanationShape:
    """Return an explanation."""
    reasons = tuple(ReasonShape(it.cause, it.detail, rfc3339(it.until), it.jobs) for it in found.reasons)
    about = rfc3339(found.starts_about)
    return ExplanationShape(found.job_id, found.status, found.may_start, reasons, found.ahead, about)
