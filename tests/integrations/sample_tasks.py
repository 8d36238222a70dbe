"""Tasks of a program that uses Django's framework."""

from __future__ import annotations

from typing import Any

from django_tasks import TaskContext, task

from workers import Discard, Snooze

attempts: dict[str, int] = {}


class Refused(Exception):
    """An exception of the program's own."""


@task
def add(first: int, second: int = 1) -> int:
    return first + second


@task
async def echo(value: Any = None) -> Any:
    return value


@task
def refuse(text: str) -> None:
    raise Refused(text)


@task
def fail() -> None:
    raise ValueError("no")


@task(max_retries=2)
def second_time(name: str) -> int:
    attempts[name] = attempts.get(name, 0) + 1
    if attempts[name] == 1:
        raise ValueError("not yet")
    return attempts[name]


@task(takes_context=True)
def attempt_number(context: TaskContext) -> list[Any]:
    return [context.attempt, len(context.task_result.worker_ids), str(context.task_result.status)]


@task(takes_context=True)
async def own_id(context: TaskContext) -> str:
    return context.task_result.id


@task
def not_json() -> object:
    return object()


@task
def give_up() -> None:
    raise Discard("useless")


@task
def later() -> None:
    raise Snooze(3600)


@task(queue_name="mail", backend="narrow", priority=60)
def post(to: str) -> str:
    return to


@task(enqueue_on_commit=False)
def at_once() -> None:
    """Stored inside a transaction, not after it."""


def plain() -> None:
    """No task."""
