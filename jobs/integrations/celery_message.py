"""The payload of a job that is a task of Celery, and the request that the task sees of it."""

from __future__ import annotations

import json
import socket
from datetime import UTC, datetime
from typing import Any

import msgspec
from kombu.utils.json import loads

from workers import Context

HOSTNAME = f"ironforge@{socket.gethostname()}"


class TaskMessage(msgspec.Struct, frozen=True):
    """A task's arguments, and what Celery says of it; `ironforge_client.celery` writes it.

    Values that JSON does not know are marked by kombu's `__type__`. A program without Celery needs `args` and `kwargs`
    alone.
    """

    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    task: str = ""
    id: str = ""
    headers: dict[str, Any] = {}
    embed: dict[str, Any] = {}
    priority: int = 0

    def unmarked(self) -> TaskMessage:
        """Return the message with the values themselves in place of what kombu marked."""
        args, kwargs, headers, embed = loads(json.dumps([self.args, self.kwargs, self.headers, self.embed]))
        return TaskMessage(args, kwargs, self.task, self.id, headers, embed, self.priority)

    @property
    def expires_at(self) -> datetime | None:
        """Return when the task is no longer wanted; a time without a zone is UTC. Raises ValueError."""
        text = self.headers.get("expires")
        if not text:
            return None
        instant = text if isinstance(text, datetime) else datetime.fromisoformat(str(text))
        return instant if instant.tzinfo else instant.replace(tzinfo=UTC)

    def request(self, context: Context) -> dict[str, Any]:
        """Return the request for Celery's tracer, as its own worker makes it of a message."""
        task_id = self.id or context.job_id
        return {
            "root_id": task_id,
            **self.headers,
            "id": task_id,
            "task": self.task,
            "args": self.args,
            "kwargs": self.kwargs,
            # Those of a message that was sent again, and those of the job.
            "retries": int(self.headers.get("retries") or 0) + context.retry_count,
            "correlation_id": task_id,
            "hostname": HOSTNAME,
            "is_eager": False,
            "delivery_info": {
                "exchange": "",
                "routing_key": context.queue,
                "priority": self.priority,
                "redelivered": context.attempt > 1,
            },
            **self.embed,
        }
