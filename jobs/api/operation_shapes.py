"""Long acts as the API shows them."""

from __future__ import annotations

import msgspec

from jobs.api.shapes import text_of
from jobs.services.operations import OperationDetails


class OperationItemShape(msgspec.Struct, frozen=True):
    """What became of one job: done, requested, conflict or not_found."""

    id: str
    code: str
    status: str | None


class OperationShape(msgspec.Struct, frozen=True, kw_only=True):
    """How far an operation is. `total` is null for a purge, whose number shows at its end."""

    id: str
    action: str
    queue: str | None
    status: str
    total: int | None
    done: int
    failed: int
    items: tuple[OperationItemShape, ...]
    created_by: str
    created_at: str
    finished_at: str | None


def operation_shape(operation: OperationDetails) -> OperationShape:
    """Return an operation."""
    return OperationShape(
        id=operation.id,
        action=operation.action,
        queue=operation.queue,
        status=operation.status,
        total=operation.total,
        done=operation.done,
        failed=operation.failed,
        items=tuple(OperationItemShape(item.id, item.code, item.status) for item in operation.items),
        created_by=operation.created_by,
        created_at=text_of(operation.created_at),
        finished_at=None if operation.finished_at is None else text_of(operation.finished_at),
    )
