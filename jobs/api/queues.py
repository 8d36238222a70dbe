"""`/queues`: list, numbers, pause, resume, purge."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from rest_framework.request import Request
from rest_framework.response import Response

from jobs.access import policy
from jobs.access.actor import Actor
from jobs.access.scopes import Action
from jobs.api.body import Fields, as_object, read_body, read_fields, read_optional_object
from jobs.api.jobs import MAX_REASON, read_reason
from jobs.api.limits import read_limit
from jobs.api.operation_shapes import operation_shape
from jobs.api.operations import operation_address
from jobs.api.query import Query, refuse_parameters
from jobs.api.queue_shapes import PurgedShape, QueueShape, queue_list_shape, queue_shape, stats_shape, whole_queue_shape
from jobs.api.view import ApiView
from jobs.domain.errors import NotFound, Problem
from jobs.domain.limit import Limit, LimitBy, Rate
from jobs.services import limits, queues, sharing, workers
from jobs.services.queues import QueueNow

_QUEUE_LENGTH = 64
_DEFAULT_MINUTES = 15
_CHANGES = frozenset({"paused", "limit", "fair", "reason"})


@dataclass(frozen=True, slots=True)
class _Change:
    """What is to be of a queue; None of `paused`: as it is."""

    paused: bool | None
    limit: tuple[int | None, Rate | None] | None
    weights: dict[str, int] | None
    reason: str


class QueuesView(ApiView):
    """All queues."""

    def get(self, request: Request) -> Response:
        """List the queues."""
        refuse_parameters(request)
        return Response(queue_list_shape(queues.overview(self.actor)))


class QueueStatsView(ApiView):
    """The numbers of the whole namespace."""

    def get(self, request: Request) -> Response:
        """Count jobs by status and priority, with the last minutes."""
        query = Query(request, frozenset({"minutes"}))
        minutes = query.integer("minutes", 2, queues.MAX_MINUTES, _DEFAULT_MINUTES)
        query.finish()
        overview = queues.overview(self.actor, minutes)
        return Response(stats_shape(overview, workers.count_workers(self.actor)))


class QueueView(ApiView):
    """One queue."""

    def get(self, request: Request, name: str) -> Response:
        """Look at it."""
        refuse_parameters(request)
        return Response(_whole(self.actor, queues.look_at_queue(self.actor, name)))

    def patch(self, request: Request, name: str) -> Response:
        """Change what is named of it: whether jobs are handed out, how many at once and in a time, and if by turns."""
        refuse_parameters(request)
        asked: list[_Change] = []
        source = as_object(read_body(request))
        read_fields(source, _CHANGES, lambda fields: asked.append(_read_change(fields)))
        change = asked[0]
        if "fair" in source:
            _share(self.actor, name, change)
        if "limit" in source:
            _limit(self.actor, name, change)
        if change.paused is None:
            queue = queues.present_queue(self.actor, name)
        else:
            act = queues.pause_queue if change.paused else queues.resume_queue
            queue = act(self.actor, name, reason=change.reason)
        return Response(_whole(self.actor, queue))


def _whole(actor: Actor, queue: QueueNow) -> QueueShape:
    """Return a queue with what is set for it, where the actor may read it; others are told of the queue alone."""
    shape, name = queue_shape(queue.stats, queue.server_time), queue.stats.name
    if not policy.can(actor, Action.LIMIT_READ):
        return shape
    share, limit = sharing.find_share(actor, name), limits.find_limit(actor, name, LimitBy.QUEUE)
    return whole_queue_shape(shape, share, limit)


class QueuePauseView(ApiView):
    """Pausing."""

    def post(self, request: Request, name: str) -> Response:
        """Stop handing out the queue's jobs."""
        refuse_parameters(request)
        queue = queues.pause_queue(self.actor, name, reason=read_reason(request))
        return Response(queue_shape(queue.stats, queue.server_time))


class QueueResumeView(ApiView):
    """Resuming."""

    def post(self, request: Request, name: str) -> Response:
        """Hand out the queue's jobs again."""
        refuse_parameters(request)
        queue = queues.resume_queue(self.actor, name, reason=read_reason(request))
        return Response(queue_shape(queue.stats, queue.server_time))


class QueuePurgeView(ApiView):
    """Purging."""

    def post(self, request: Request, name: str) -> Response:
        """Delete the jobs of the queue that are ready now."""
        refuse_parameters(request)
        given: list[str] = []

        def take(fields: Fields) -> None:
            given.extend([fields.text("confirm", _QUEUE_LENGTH), fields.text("reason", MAX_REASON, default="")])

        read_fields(read_optional_object(request), frozenset({"confirm", "reason"}), take)
        confirm, reason = given
        done = queues.purge_queue(self.actor, name, confirm=confirm, reason=reason)
        if done.operation is None:
            return Response(PurgedShape(done.purged))
        headers = {"Location": operation_address(request, done.operation.id)}
        return Response(operation_shape(done.operation), status=202, headers=headers)


def _read_change(fields: Fields) -> _Change:
    paused = fields.source.get("paused")
    if not (_CHANGES - {"reason"}) & fields.source.keys():
        fields.reader.refuse("paused", "required", "Give paused, limit, fair or more: they are what can be changed.")
    elif "paused" in fields.source and not isinstance(paused, bool):
        fields.reader.refuse("paused", "invalid_type", "paused must be true or false.")
    found = read_limit(fields, "limit")
    reason = fields.text("reason", MAX_REASON, default="")
    return _Change(paused if isinstance(paused, bool) else None, found, _read_weights(fields), reason)


def _read_weights(fields: Fields) -> dict[str, int] | None:
    """Return the weights of a queue that is to be fair; what they are is judged with the act."""
    fair = fields.source.get("fair")
    if fair is None:
        return None
    if not isinstance(fair, dict):
        fields.reader.refuse("fair", "invalid_type", "fair must be an object, or null.")
        return None
    inner = Fields(fair)
    inner.reader.refuse_unknown(frozenset({"weights"}))
    weights = fair.get("weights", {})
    if not isinstance(weights, dict):
        inner.reader.refuse("weights", "invalid_type", "weights must be an object.")
    fields.problems.extend(Problem(f"/fair{it.pointer}", it.code, it.detail) for it in inner.problems)
    return weights if isinstance(weights, dict) else None


def _share(actor: Actor, name: str, change: _Change) -> None:
    """Make the queue fair, or one that goes by time."""
    if change.weights is not None:
        sharing.set_share(actor, name, change.weights, reason=change.reason)
    else:
        sharing.drop_share(actor, name, reason=change.reason)


def _limit(actor: Actor, name: str, change: _Change) -> None:
    """Limit the queue, or end its limit; to end none is no error."""
    if change.limit is not None:
        concurrency, rate = change.limit
        terms = Limit(by=LimitBy.QUEUE, name=name, concurrency=concurrency, rate=rate)
        limits.set_limit(actor, terms, reason=change.reason)
    else:
        with suppress(NotFound):
            limits.drop_limit(actor, name, LimitBy.QUEUE, reason=change.reason)
