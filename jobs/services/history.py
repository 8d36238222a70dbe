"""What a namespace did, as charts show it: throughput, failures, waits and runs over hours and days."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from jobs.access import policy
from jobs.access.actor import Actor
from jobs.access.history import HOUR_S, MINUTE_S, HistoryPoint
from jobs.access.scopes import Action
from jobs.domain.history import Moment, merge, of_kind, of_queue
from jobs.domain.history_range import Range, Span, span_of

_decode = msgspec.json.Decoder(Moment).decode


@dataclass(frozen=True, slots=True)
class History:
    """Moments of a stretch in order, what they come to, and what the stretch before came to."""

    span: Span
    moments: tuple[Moment, ...]
    whole: Moment
    before: Moment


def history_of(
    actor: Actor, wanted: Range, *, queue: str = "", kind: str = "", wall: Callable[[], float] = time.time
) -> History:
    """Return what the namespace did in the range up to now; of one queue or one kind alone if it is named.

    Of a queue alone the moments have its flow, its standing and its attempts, of a kind alone its attempts.
    Raises NotPermitted.
    """
    policy.authorize(actor, Action.QUEUE_READ)
    span = span_of(wanted, int(wall()))
    moments = _moments(actor.namespace, span, queue, kind)
    earlier = _moments(actor.namespace, span.before(), queue, kind)
    return History(span, tuple(moments), _sum(moments), _sum(earlier))


def _moments(namespace: str, span: Span, queue: str, kind: str) -> list[Moment]:
    found = [Moment() for _ in range(span.points)]
    hours = set()
    if span.step_s >= HOUR_S:
        for at, text in _rows(namespace, HOUR_S, span):
            hours.add(at)
            merge(found[span.place(at)], _part(_decode(text), queue, kind))
    # Hours that are not added up yet, and all of a short stretch, are there by the minute.
    since = max(hours) + HOUR_S if hours else span.start
    for at, text in _rows(namespace, MINUTE_S, span, since):
        if at - at % HOUR_S not in hours:
            merge(found[span.place(at)], _part(_decode(text), queue, kind))
    return found


def _rows(namespace: str, step_s: int, span: Span, since: int = 0) -> Iterator[tuple[int, str]]:
    """Yield the rows of a stretch, few at a time: three days of a busy namespace are much text."""
    rows = HistoryPoint.objects.filter(
        namespace=namespace, step_s=step_s, at__gte=max(span.start, since), at__lt=span.end
    )
    return rows.order_by("at").values_list("at", "moment").iterator(chunk_size=200)


def _part(moment: Moment, queue: str, kind: str) -> Moment:
    """Return what a moment tells of one queue or kind; all of it if none is named."""
    if queue:
        return of_queue(moment, queue)
    return of_kind(moment, kind) if kind else moment


def _sum(moments: Sequence[Moment]) -> Moment:
    whole = Moment()
    for moment in moments:
        merge(whole, moment)
    return whole
