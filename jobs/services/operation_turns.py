"""Whose turn it is among the operations of all namespaces, and which are old enough to be forgotten."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Min, Q
from django.utils import timezone

from jobs.access.operation import Operation, OperationBatch
from jobs.services.operation_states import ACTIVE
from jobs.services.operation_steps import work_on
from jobs.services.turns import Turns, whose_turn

_KEPT = timedelta(days=30)
_KEPT_PREVIEW = timedelta(days=1)
MAX_FORGOTTEN = 200
# Namespaces among which one call chooses; those beyond have waited less.
_MAX_DUE = 200


def work_on_next(turns: Turns | None = None) -> bool:
    """Do one step of an operation that is due, if any is; True if so. Safe in any number of processes.

    Namespaces take turns however many operations each has: `turns` remembers between calls who had the last ones.
    Within a namespace the operation that has waited longest goes first. What fails is tried again later, see
    `operation_steps.work_on`. Authorizes nothing: its request was authorized when it was made.
    """
    now = timezone.now()
    free = Q(claimed_until__isnull=True) | Q(claimed_until__lte=now)
    due = Operation.objects.filter(
        free, Q(next_at__isnull=True) | Q(next_at__lte=now), status__in=ACTIVE
    )  # fmt: skip
    rows = due.order_by().values("namespace").annotate(first=Min("next_at")).order_by("first")[:_MAX_DUE]
    names = [row["namespace"] for row in rows]
    if not names:
        return False
    name = whose_turn(names, {} if turns is None else turns)
    row = due.filter(namespace=name).order_by("next_at").first()
    if row is not None:
        work_on(row)
    return True


def forget_old() -> int:
    """Remove operations that ended 30 days ago, that were held for 30 days, and dry runs of yesterday.

    Return how many rows, at most MAX_FORGOTTEN: after so many there may be more. A large operation goes in pieces, so
    that others may write in between. The audit log keeps the record.
    """
    now = timezone.now()
    ended = Q(finished_at__lte=now - _KEPT)
    held = Q(status__in=("paused", "stopped"), next_at__lte=now - _KEPT)
    unused = Q(status="previewed", created_at__lte=now - _KEPT_PREVIEW)
    forgotten = list(Operation.objects.filter(ended | held | unused).values_list("id", flat=True)[:MAX_FORGOTTEN])
    named = Operation.objects.filter(id__in=forgotten)
    # Nobody goes on with one that has lost a part of its jobs; whoever goes on with it just now keeps it.
    named.filter(held | unused).update(status="aborted", wanted="", finished_at=now - _KEPT)
    over = named.filter(ended)
    some = list(OperationBatch.objects.filter(operation__in=over).values_list("pk", flat=True)[:MAX_FORGOTTEN])
    OperationBatch.objects.filter(pk__in=some).delete()
    if len(some) == MAX_FORGOTTEN:
        return MAX_FORGOTTEN
    over.delete()
    return len(forgotten)
