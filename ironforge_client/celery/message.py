"""The message of a Celery task as a job: names, times and the payload that a worker reads again."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from kombu.compression import decompress
from kombu.utils.json import dumps

from ironforge_client.errors import IronForgeError
from ironforge_client.submission import JobFields

# Celery's own default is no limit; a job has one always, and this is the longest.
MAX_TIMEOUT_MS = 86_400_000
# How often a task is tried again is decided where it runs: `max_retries` of the task. This is the most a job can have.
MAX_RETRIES = 255
TASK_ID_TAG = "celery_task_id"
MAX_TAG_VALUE = 256

_KIND = re.compile(r"[a-z0-9][a-z0-9._-]{0,127}")
_QUEUE = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_KEY = re.compile(r"[\x21-\x7e]{1,200}")
_JSON = "application/json"
# What is said elsewhere in the job, and what differs each time the same task is sent.
_NOT_KEPT = frozenset({"lang", "task", "id", "eta", "argsrepr", "kwargsrepr", "origin", "compression"})

# Headers of Celery's own that are left out where they say what a worker takes for granted.
_DEFAULTS: Mapping[str, Any] = {
    "shadow": None,
    "expires": None,
    "group": None,
    "group_index": None,
    "retries": 0,
    "timelimit": [None, None],
    "parent_id": None,
    "ignore_result": False,
    "replaced_task_nesting": 0,
    "stamped_headers": None,
    "stamps": {},
}


class Unsendable(IronForgeError, ValueError):
    """This message cannot be a job; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class NewTask:
    """A job to submit for a task; the same task sent again has the same `idempotency_key`."""

    kind: str
    payload: Mapping[str, Any]
    idempotency_key: str
    fields: JobFields


def task_of(message: Mapping[str, Any], queue: str) -> NewTask:
    """Return the job for a message of kombu that goes to a queue. Raises Unsendable."""
    check_is_task(message)
    headers = message["headers"]
    name, task_id = str(headers["task"]), str(headers["id"])
    fields: JobFields = {
        "queue": _name(queue, _QUEUE, "queue", 64),
        "priority": _priority(message["properties"].get("priority")),
        "max_retries": MAX_RETRIES,
        "timeout_ms": _timeout_ms(headers.get("timelimit")),
        "metadata": {TASK_ID_TAG: task_id[:MAX_TAG_VALUE]},
    }
    if headers.get("eta"):
        fields["at"] = _instant(str(headers["eta"]))
    kind = _name(name, _KIND, "task", 128)
    return NewTask(kind, _payload(message, name, task_id), _idempotency_key(task_id, headers), fields)


def check_is_task(message: Mapping[str, Any]) -> None:
    """Raise Unsendable for what is no task."""
    if not {"task", "id"} <= message["headers"].keys():
        raise Unsendable(
            "only tasks (task_protocol 2) can be sent to IronForge; remote control (revoke, inspect) cannot"
        )


def _name(text: str, grammar: re.Pattern[str], what: str, longest: int) -> str:
    """Return a name in lower case, as kinds and queues are."""
    lower = text.lower()
    if not grammar.fullmatch(lower):
        raise Unsendable(
            f"the {what} name {text!r} cannot be used in IronForge: give it one of at most {longest} letters, digits, "
            f"dots, hyphens and underscores that begins with a letter or a digit"
        )
    return lower


def _payload(message: Mapping[str, Any], name: str, task_id: str) -> dict[str, Any]:
    args, kwargs, embed = _body(message)
    payload: dict[str, Any] = {"task": name, "id": task_id, "args": args, "kwargs": kwargs}
    defaults = {**_DEFAULTS, "root_id": task_id}
    headers = {
        key: value
        for key, value in message["headers"].items()
        if key not in _NOT_KEPT and (key not in defaults or value not in (None, defaults[key]))
    }
    if headers:
        # Headers of the program's own may hold what JSON knows only in kombu's way.
        payload["headers"] = json.loads(dumps(headers))
    if embed := {key: value for key, value in embed.items() if value}:
        payload["embed"] = embed
    if priority := message["properties"].get("priority"):
        payload["priority"] = priority
    return payload


def _body(message: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any], dict[str, Any]]:
    """Return arguments and what Celery embeds beside them; values that kombu marks by `__type__` stay marked."""
    if message["content-type"] != _JSON:
        raise Unsendable(
            f"the task is serialised as {message['content-type']}; IronForge takes JSON: set task_serializer to 'json'"
        )
    text = message["body"]
    if compression := message["headers"].get("compression"):
        text = decompress(text, compression)
    body = json.loads(text)
    if not isinstance(body, list) or len(body) != 3:
        raise Unsendable("the message is not of task_protocol 2, the default of Celery since 4.0")
    args, kwargs, embed = body
    return args, kwargs, embed or {}


def _idempotency_key(task_id: str, headers: Mapping[str, Any]) -> str:
    """Return a key of the task's id, and of what tells two messages apart that Celery sends under one id."""
    known = task_id if _KEY.fullmatch(task_id) else hashlib.sha256(task_id.encode()).hexdigest()
    steps = (int(headers.get("retries") or 0), int(headers.get("replaced_task_nesting") or 0))
    return f"celery:{known}" if steps == (0, 0) else f"celery:{known}:{steps[0]}.{steps[1]}"


def _priority(number: int | None) -> str:
    """Return the level of a priority 0–9, of which 9 is the most urgent as in AMQP.

    kombu sends 0 where the program says nothing, so that is the usual level.
    """
    if not number or number <= 3:
        return "medium"
    return "high" if number <= 6 else "critical"


def _timeout_ms(limits: Any) -> int:
    """Return the hard time limit of (hard, soft) in seconds."""
    hard = limits[0] if isinstance(limits, list | tuple) and limits else None
    return max(1, min(round(float(hard) * 1000), MAX_TIMEOUT_MS)) if hard else MAX_TIMEOUT_MS


def _instant(text: str) -> datetime:
    """Return a time of a message; one without a zone is UTC, as for Celery's workers."""
    instant = datetime.fromisoformat(text)
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
