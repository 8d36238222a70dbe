"""One attempt at a task of Celery, by Celery's own tracer, and how it ends for IronForge."""

from __future__ import annotations

import json
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, cast

import msgspec
from billiard.einfo import ExceptionInfo
from celery import Celery, Task, signals, states
from celery.app.task import Context as TaskRequest
from celery.app.trace import build_tracer, trace_ok_t
from celery.canvas import Signature
from celery.exceptions import Reject
from kombu.utils.json import dumps

from jobs.integrations.celery_message import HOSTNAME, TaskMessage
from jobs.integrations.soft_limit import soft_limit
from workers import Context, Discard, Retry, Snooze
from workers.verdict import StatedDiscard

# A message that a task rejects to have it again comes back after this long, lest it come back all the time.
REQUEUE_S = 1.0

# Retries that a task asked for in this attempt. Celery would send each as a message; here the job itself is retried.
_asked: ContextVar[list[Signature[Any]]] = ContextVar("ironforge_celery_retries")


class TaskRunner:
    """Runs one task, any number of attempts at the same time. `has_alarm`: in the main thread of a process."""

    def __init__(self, app: Celery, task: Task[..., Any], *, has_alarm: bool) -> None:
        self.task = task
        self._app = app
        self._has_alarm = has_alarm
        _hold_retries(task)
        self._trace = build_tracer(task.name, task, app=app, hostname=HOSTNAME)

    def run(self, context: Context, payload: object) -> object:
        """Return the task's value. Raises what it raised, or the verdict that Celery's way of ending it comes to."""
        message = self._message(context, payload)
        request = message.request(context)
        self._refuse_expired(message, request)
        asked: list[Signature[Any]] = []
        mark = _asked.set(asked)
        try:
            with soft_limit(self._soft_limit_s(message) if self._has_alarm else None):
                traced = self._trace(request["id"], message.args, message.kwargs, request)
        except Reject as rejected:
            raise _verdict_of(rejected) from rejected
        finally:
            _asked.reset(mark)
        return self._ended(context, message, traced, asked)

    def _message(self, context: Context, payload: object) -> TaskMessage:
        """Return the message, with the arguments that an earlier attempt asked to be retried with."""
        try:
            message = msgspec.convert(payload, TaskMessage)
            if isinstance(changed := context.last_checkpoint, dict):
                message = msgspec.structs.replace(message, args=changed["args"], kwargs=changed["kwargs"])
            message = msgspec.structs.replace(message, task=message.task or self.task.name).unmarked()
        except (msgspec.ValidationError, ValueError, TypeError, KeyError) as error:
            raise Discard(f"This is no call of a Celery task: {error}") from error
        if message.task != self.task.name:
            raise Discard(f"The Celery task {message.task!r} is not here; {context.kind} is {self.task.name!r}.")
        return message

    def _refuse_expired(self, message: TaskMessage, request: dict[str, Any]) -> None:
        expires_at = message.expires_at
        if expires_at is None or datetime.now(UTC) <= expires_at:
            return
        seen = TaskRequest(request)
        task_id: str = request["id"]
        signals.task_revoked.send(sender=self.task, request=seen, terminated=False, signum=None, expired=True)
        self.task.backend.mark_as_revoked(task_id, "expired", request=seen, store_result=not self._is_ignored(message))
        raise StatedDiscard("expired", f"The task expired at {expires_at.isoformat()}.")

    def _soft_limit_s(self, message: TaskMessage) -> float | None:
        limits = message.headers.get("timelimit") or [None, None]
        return limits[1] or self.task.soft_time_limit or self._app.conf.task_soft_time_limit

    def _is_ignored(self, message: TaskMessage) -> bool:
        return bool(message.headers.get("ignore_result") or self.task.ignore_result)

    def _ended(self, context: Context, message: TaskMessage, traced: trace_ok_t, asked: list[Signature[Any]]) -> object:
        state = states.SUCCESS if traced.info is None else traced.info.state
        value: Any = traced.retval if traced.info is None else traced.info.retval
        if state == states.RETRY:
            raise self._retry_of(context, message, value) from value.exc
        for signature in asked:
            # `retry(throw=False)`, or its exception was caught: the task ends as it likes, and is sent again.
            Signature.apply_async(signature)
        if isinstance(value, ExceptionInfo):  # the tracer itself failed, outside of the task
            raise cast("BaseException", getattr(value.exception, "exc", value.exception))
        if state == states.REJECTED:
            raise _verdict_of(value) from value
        if state == states.FAILURE:
            raise cast("BaseException", value)
        return None if state == states.IGNORED or self._is_ignored(message) else value

    def _retry_of(self, context: Context, message: TaskMessage, asked: Any) -> Retry:
        """Return the verdict for Celery's `Retry`, which tells when, and how the message would have been."""
        signature: Signature[Any] | None = asked.sig
        if signature is not None:
            args, kwargs = list(signature.args), dict(signature.kwargs)
            if args != list(message.args) or kwargs != message.kwargs:
                context.checkpoint(json.loads(dumps({"args": args, "kwargs": kwargs})))
            if (queue := signature.options.get("queue")) not in (None, context.queue):
                context.log.warning("A retry stays in its queue %s; the task asked for %s.", context.queue, queue)
        return Retry(_delay_s(asked.when), str(asked))


def _hold_retries(task: Task[..., Any]) -> None:
    """Have `task.retry` note its message instead of sending it."""
    make = task.signature_from_request

    def held(*args: Any, **options: Any) -> Signature[Any]:
        signature = make(*args, **options)

        def note(*_: Any, **__: Any) -> None:
            _asked.get().append(signature)

        setattr(signature, "apply_async", note)  # noqa: B010 (a method of the class, hidden for this one)
        return signature

    setattr(task, "signature_from_request", held)  # noqa: B010 (as above)


def _verdict_of(rejected: Any) -> Snooze | StatedDiscard:
    if rejected.requeue:
        return Snooze(REQUEUE_S)
    return StatedDiscard("Reject", str(rejected.reason or "The task rejected its message."))


def _delay_s(when: float | datetime | None) -> float | None:
    """Return how long to wait, in seconds; None for the usual backoff."""
    if not isinstance(when, datetime):
        return when
    due = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max(0.0, (due - datetime.now(UTC)).total_seconds())
