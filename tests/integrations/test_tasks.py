"""The tasks framework on IronForge: what it asks of a backend, on the real store and with a real worker."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import pytest
from django.core.management import call_command
from django.db import transaction
from django_tasks import TaskResult, TaskResultStatus, default_task_backend, task_backends
from django_tasks.exceptions import InvalidTaskError, TaskResultDoesNotExist, TaskResultMismatch
from django_tasks.signals import task_enqueued, task_finished, task_started
from pytest_django import Settings

from jobs.domain.identity import IdentityMaker
from jobs.domain.job import JobSpec
from jobs.domain.priority import Priority
from jobs.domain.status import Status
from jobs.integrations.tasks import IronForgeBackend
from tests.integrations.conftest import worker_on
from tests.stores import Bench
from tests.waiting import until
from workers.registry import Registry

TOMORROW = timedelta(days=1)


def finished(result: TaskResult[Any]) -> TaskResult[Any]:
    """Wait for the end of a task."""

    def is_finished() -> bool:
        result.refresh()
        return result.is_finished

    until(is_finished)
    return result


def test_the_backend_says_what_it_can_do(tasks: ModuleType) -> None:
    backend = task_backends["default"]
    assert isinstance(backend, IronForgeBackend)
    assert default_task_backend == backend
    assert backend.supports_defer
    assert backend.supports_async_task
    assert backend.supports_get_result
    assert backend.supports_priority


@pytest.mark.parametrize("name", ["add", "echo"])
def test_an_enqueued_task_is_ready(tasks: ModuleType, space: Bench, name: str) -> None:
    task = getattr(tasks, name)
    result = task.enqueue(1)
    assert result.status == TaskResultStatus.READY
    assert result.task == task
    assert (result.args, result.kwargs, result.attempts) == ([1], {}, 0)
    assert (result.started_at, result.last_attempted_at, result.finished_at) == (None, None, None)
    assert not result.is_finished
    with pytest.raises(ValueError, match="not finished yet"):
        _ = result.return_value
    assert task.get_result(result.id) == result
    assert space.get(result.id).max_retries == 0


def test_arguments_become_json_and_what_cannot_is_refused(tasks: ModuleType, space: Bench) -> None:
    result = tasks.echo.enqueue(value=(1, b"two", {"three": [None, True, 0.5]}))
    assert result.kwargs == {"value": [1, "two", {"three": [None, True, 0.5]}]}
    assert tasks.echo.get_result(result.id).kwargs == result.kwargs
    for wrong in (object(), {1, 2}, datetime.now(UTC)):
        with pytest.raises(TypeError):
            tasks.echo.enqueue(wrong)
    with pytest.raises(ValueError, match="Unsupported"):
        tasks.echo.enqueue(b"\xff")
    assert space.queue_ids("default") == [result.id]


def test_an_async_program_enqueues_and_looks(tasks: ModuleType) -> None:
    async def scenario() -> None:
        result = await tasks.add.aenqueue(2, second=3)
        assert await tasks.add.aget_result(result.id) == result
        assert await default_task_backend.aget_result(result.id) == result
        await result.arefresh()
        with pytest.raises(TaskResultMismatch):
            await tasks.echo.aget_result(result.id)
        with pytest.raises(TaskResultDoesNotExist):
            await default_task_backend.aget_result("123")

    asyncio.run(scenario())


def test_only_tasks_have_results(tasks: ModuleType, space: Bench) -> None:
    for unknown in ("123", IdentityMaker().make(), space.submit("demo.echo"), space.submit("django.task")):
        with pytest.raises(TaskResultDoesNotExist):
            default_task_backend.get_result(unknown)
    result = tasks.add.enqueue(1)
    with pytest.raises(TaskResultMismatch):
        tasks.echo.get_result(result.id)


@pytest.mark.parametrize(
    ("number", "level"),
    [(-100, "low"), (-1, "low"), (0, "medium"), (1, "high"), (50, "high"), (51, "critical"), (100, "critical")],
)
def test_priorities_become_levels_and_are_kept(tasks: ModuleType, space: Bench, number: int, level: str) -> None:
    result = tasks.add.using(priority=number, queue_name="mail").enqueue(1)
    job = space.get(result.id)
    assert (job.priority, job.queue) == (Priority(level), "mail")
    assert default_task_backend.get_result(result.id) == result


def test_a_task_waits_for_its_time(tasks: ModuleType, space: Bench) -> None:
    due = datetime.now(UTC) + TOMORROW
    result = tasks.add.using(run_after=due).enqueue(1)
    job = space.get(result.id)
    assert job.status is Status.SCHEDULED
    assert job.scheduled_for == round(due.timestamp() * 1000)
    assert default_task_backend.get_result(result.id) == result


def test_what_cannot_be_enqueued_is_refused(tasks: ModuleType, space: Bench) -> None:
    for wrong in ({"priority": 101}, {"priority": -101}, {"run_after": datetime.now()}):  # noqa: DTZ005
        with pytest.raises(InvalidTaskError):
            tasks.add.using(**wrong)
    with pytest.raises(InvalidTaskError, match="not valid for backend"):
        tasks.post.using(queue_name="other")
    with pytest.raises(InvalidTaskError, match="must match"):
        tasks.add.using(queue_name="No Queue")
    hidden = type(tasks.add)(func=tasks.plain)
    with pytest.raises(InvalidTaskError, match="no @task"):
        hidden.enqueue()


@pytest.mark.django_db(transaction=True)
def test_a_task_of_a_transaction_is_stored_after_the_commit(tasks: ModuleType, space: Bench) -> None:
    with transaction.atomic():
        result = tasks.add.enqueue(1)
        now = tasks.at_once.enqueue()
        assert result.enqueued_at is None
        assert now.enqueued_at is not None
        with pytest.raises(TaskResultDoesNotExist):
            result.refresh()
    assert result.enqueued_at is not None
    assert tasks.add.get_result(result.id) == result
    with transaction.atomic():
        lost = tasks.add.enqueue(1)
        transaction.set_rollback(True)
    with pytest.raises(TaskResultDoesNotExist):
        lost.refresh()


@pytest.mark.django_db(transaction=True)
def test_a_backend_may_store_inside_transactions(tasks: ModuleType, settings: Settings) -> None:
    settings.TASKS = {"default": settings.TASKS["default"] | {"ENQUEUE_ON_COMMIT": False}}
    with transaction.atomic():
        result = tasks.add.enqueue(1)
        assert result.enqueued_at is not None
        result.refresh()


@pytest.mark.usefixtures("task_worker")
def test_tasks_run(tasks: ModuleType) -> None:
    results = [tasks.add.enqueue(2, second=3), tasks.echo.enqueue({"a": [1]}), tasks.post.enqueue("ann")]
    values = [finished(result).return_value for result in results]
    assert values == [5, {"a": [1]}, "ann"]
    for result in results:
        assert result.status == TaskResultStatus.SUCCESSFUL
        assert result.enqueued_at <= result.started_at == result.last_attempted_at <= result.finished_at
        assert (result.attempts, result.errors) == (1, [])
    assert finished(tasks.own_id.enqueue()).return_value is not None


@pytest.mark.usefixtures("task_worker")
def test_a_task_that_raises_has_failed_and_says_why(tasks: ModuleType) -> None:
    results = {name: getattr(tasks, name).enqueue(*args) for name, args in (("refuse", ["card"]), ("fail", []))}
    results |= {name: getattr(tasks, name).enqueue() for name in ("not_json", "give_up")}
    errors = {}
    for name, result in results.items():
        assert finished(result).status == TaskResultStatus.FAILED
        with pytest.raises(ValueError, match="Task failed"):
            _ = result.return_value
        (errors[name],) = result.errors
    assert errors["refuse"].exception_class is tasks.Refused
    assert "in refuse" in errors["refuse"].traceback
    assert "card" in errors["refuse"].traceback
    assert errors["fail"].exception_class is ValueError
    assert errors["not_json"].exception_class is TypeError
    assert errors["give_up"].exception_class.__name__ == "Discard"


@pytest.mark.usefixtures("task_worker")
def test_a_task_with_retries_is_ready_again_after_a_failure(tasks: ModuleType) -> None:
    result = finished(tasks.second_time.enqueue(secrets.token_hex(4)))
    assert result.return_value == 2
    assert [error.exception_class for error in result.errors] == [ValueError]
    assert result.attempts == 2
    assert result.started_at < result.last_attempted_at


@pytest.mark.usefixtures("task_worker")
def test_a_task_knows_its_attempt(tasks: ModuleType) -> None:
    assert finished(tasks.attempt_number.enqueue()).return_value == [1, 1, "RUNNING"]
    result = tasks.own_id.enqueue()
    assert finished(result).return_value == result.id


@pytest.mark.usefixtures("task_worker")
def test_a_task_may_ask_for_a_later_time(tasks: ModuleType, space: Bench) -> None:
    result = tasks.later.enqueue()
    until(lambda: space.get(result.id).status is Status.SCHEDULED)
    result.refresh()
    assert result.status == TaskResultStatus.READY


@pytest.mark.usefixtures("task_worker")
def test_a_worker_runs_nothing_but_tasks(tasks: ModuleType, space: Bench) -> None:
    for path in ("os.system", "tests.integrations.sample_tasks.plain", "tests.integrations.sample_tasks.attempts"):
        payload = json.dumps({"task": path, "args": ["true"]}).encode()
        job_id = space.submit("django.task", payload=payload, queue="default", max_retries=0)
        until(lambda job_id=job_id: space.get(job_id).status is Status.DEAD_LETTER)
        assert space.get(job_id).reason == "discard"
    (away,) = space.submit_all([JobSpec(kind="django.task", payload=b'{"task":"no.such"}', max_retries=0)])
    until(lambda: space.get(away.job_id).status is Status.DEAD_LETTER)
    assert "no" in str(space.get(away.job_id).error)


@pytest.mark.usefixtures("task_worker")
def test_signals_are_sent(tasks: ModuleType) -> None:
    seen: list[tuple[str, str, str]] = []

    def hear(name: str) -> Any:
        def receiver(sender: type, task_result: TaskResult[Any], **_: Any) -> None:
            assert sender is IronForgeBackend
            seen.append((name, task_result.id, str(task_result.status)))

        return receiver

    receivers = {"enqueued": task_enqueued, "started": task_started, "finished": task_finished}
    kept = {name: hear(name) for name in receivers}
    for name, signal in receivers.items():
        signal.connect(kept[name])
    try:
        first, second = finished(tasks.add.enqueue(1)).id, finished(tasks.fail.enqueue()).id
    finally:
        for name, signal in receivers.items():
            signal.disconnect(kept[name])
    # A worker may have begun before its caller says that the task is stored.
    for job_id, end in ((first, "SUCCESSFUL"), (second, "FAILED")):
        told = [(name, status) for name, of, status in seen if of == job_id]
        assert sorted(told) == [("enqueued", "READY"), ("finished", end), ("started", "RUNNING")]
        assert told[-1][0] != "started"


def test_enqueuing_is_logged(tasks: ModuleType, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="django_tasks"):
        result = tasks.add.enqueue(1)
    assert any(result.id in line and "enqueued" in line for line in caplog.messages)


def test_a_lost_attempt_and_a_cancelled_task_have_failed(tasks: ModuleType, space: Bench) -> None:
    result = tasks.add.enqueue(1)
    space.cancel(result.id)
    result.refresh()
    assert result.status == TaskResultStatus.FAILED
    with worker_on(space, Registry()):
        unknown = tasks.add.enqueue(1)
        until(lambda: space.get(unknown.id).reason == "unknown_kind")
    unknown.refresh()
    assert unknown.status == TaskResultStatus.READY


def test_checks_name_what_is_wrong_in_the_settings(tasks: ModuleType, settings: Settings) -> None:
    call_command("check")
    assert list(default_task_backend.check()) == []
    options = {"retries": 3, "namespace": "No Name", "max_retries": -1, "timeout_ms": True}
    settings.TASKS = {"default": settings.TASKS["default"] | {"QUEUES": ["Main"], "OPTIONS": options}}
    told = [message.msg for message in default_task_backend.check()]
    assert len(told) == 5
    assert all("TASKS['default']" in text for text in told)
