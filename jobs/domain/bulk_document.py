"""The answer to a bulk submission: an item for each job, in order."""

from __future__ import annotations

import msgspec

from jobs.domain.problem import ProblemDocument
from jobs.domain.status import Status


class BulkItemShape(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One job of the request: `id` and `status` of an accepted one, else `problem`, whose pointers are into the job.

    `existing` is true where they are those of the job that holds its unique key.
    """

    index: int
    id: str | msgspec.UnsetType = msgspec.UNSET
    status: Status | msgspec.UnsetType = msgspec.UNSET
    existing: bool | msgspec.UnsetType = msgspec.UNSET
    problem: ProblemDocument | msgspec.UnsetType = msgspec.UNSET


class BulkShape(msgspec.Struct, frozen=True):
    """What became of a bulk submission."""

    items: tuple[BulkItemShape, ...]
    accepted: int
    rejected: int
