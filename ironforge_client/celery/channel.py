"""A channel of kombu that submits what is published, and from which nothing can be consumed."""

from __future__ import annotations

from typing import Any, NoReturn, Protocol, cast

from kombu.transport import virtual

from ironforge_client.celery.message import Unsendable, check_is_task, task_of
from ironforge_client.client import Client

# Where Celery publishes what happened to tasks, for whoever listens. Here nobody can.
EVENTS_EXCHANGE = "celeryev"
_CONSUME = "no Celery worker can consume from IronForge: run the tasks with `manage.py runworker_ironforge`"


class Submitter(Protocol):
    """The connection of a channel, as far as a channel needs it."""

    http: Client


class Channel(virtual.Channel):
    """Routes as every virtual transport of kombu does; what a queue gets becomes a job."""

    # The text of a message is wanted as it is.
    body_encoding = None  # type: ignore[assignment]

    def basic_publish(self, message: dict[str, Any], exchange: str, routing_key: str, **kwargs: Any) -> None:
        """Submit a task and return once it is accepted. Raises Unsendable and the errors of the SDK."""
        if exchange == EVENTS_EXCHANGE:
            return
        check_is_task(message)
        queues = list(self._lookup(exchange, routing_key))
        if len(queues) != 1:
            told = ", ".join(sorted(queues)) or "none"
            raise Unsendable(
                f"exchange {exchange!r} with routing key {routing_key!r} leads to {len(queues)} queues ({told}); "
                f"a task goes to exactly one"
            )
        self._inplace_augment_message(message, exchange, routing_key)
        self._put(queues[0], message)

    def _put(self, queue: str, message: dict[str, Any], **kwargs: Any) -> None:
        task = task_of(message, queue)
        connection = cast("Submitter", self.connection)
        connection.http.submit(task.kind, task.payload, idempotency_key=task.idempotency_key, **task.fields)

    def _new_queue(self, queue: str, **kwargs: Any) -> None:
        """Do nothing: a queue of IronForge is there once a job is in it."""

    def _has_queue(self, queue: str, **kwargs: Any) -> bool:
        return True

    def _size(self, queue: str) -> int:
        return 0

    def _get(self, queue: str, timeout: float | None = None) -> NoReturn:
        raise NotImplementedError(_CONSUME)

    def _purge(self, queue: str) -> NoReturn:
        raise NotImplementedError("purge the queue with IronForge's console or API")

    def basic_consume(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Raise NotImplementedError that names the worker to run."""
        raise NotImplementedError(_CONSUME)
