"""The modes for tests of programs: jobs are recorded or run at once, by the rules of workers, without a store."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from datetime import timedelta
from importlib import import_module
from types import ModuleType
from typing import Any

import pytest
from django.db import transaction
from django.test import TestCase
from django_tasks import TaskResultStatus
from pytest_django import Settings

from jobs import wiring
from jobs.domain.errors import BackendUnavailable, InvalidInput
from jobs.domain.status import Status
from jobs.integrations.modes import current_mode
from jobs.integrations.queue import aenqueue, enqueue, enqueue_many, job
from jobs.integrations.testing import EndlessJobs, FakeMode, InlineMode, NoHandler, fake, inline
from workers import Context, Discard, Retry, Snooze, handler
from workers.registry import Registry, registry

ran: list[Any] = []


@pytest.fixture(autouse=True)
def _handlers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Register handlers, and let nobody reach a store."""
    made = Registry()
    for function in (echo, flaky, give_up, snooze, ask_again, chain, endless, keeper):
        handler(f"try.{function.__name__}", into=made)(function)
    monkeypatch.setattr("jobs.integrations.rehearsal.discover", lambda: made)
    monkeypatch.setattr(wiring, "runner", _no_store)
    yield
    ran.clear()


def _no_store() -> None:
    raise BackendUnavailable("there is none")


async def echo(context: Context, payload: Any) -> Any:
    ran.append(payload)
    return payload


def flaky(context: Context, payload: int) -> int:
    ran.append(context.attempt)
    if context.attempt <= payload:
        raise ValueError(f"attempt {context.attempt}")
    return context.attempt


def give_up(context: Context, payload: Any) -> None:
    raise Discard("useless")


def snooze(context: Context, payload: Any) -> str | None:
    if context.attempt == 1:
        raise Snooze(3600)
    return "awake"


def ask_again(context: Context, payload: Any) -> None:
    raise Retry(7200)


def chain(context: Context, payload: int) -> None:
    ran.append(payload)
    if payload:
        enqueue("try.chain", payload - 1, delay=60)


def endless(context: Context, payload: Any) -> None:
    raise Snooze(1)


def keeper(context: Context, payload: Any) -> Any:
    context.progress(0.5, "half")
    context.log("seen")
    if context.last_checkpoint is None:
        context.checkpoint({"at": 3})
        raise ValueError("once more")
    return context.last_checkpoint


def test_a_fake_records_and_finds() -> None:
    with fake() as jobs:
        enqueue("try.echo", {"to": "ann"}, queue="mail", metadata={"order": "1"})
        enqueue_many([job("try.echo", number) for number in (1, 2)])
        assert [found.kind for found in jobs.enqueued()] == ["try.echo"] * 3
        (found,) = jobs.assert_enqueued("try.echo", {"to": "ann"}, queue="mail", metadata={"order": "1"})
        assert (found.status, found.payload) == (Status.QUEUED, b'{"to":"ann"}')
        jobs.assert_enqueued("try.echo", count=3)
        jobs.assert_enqueued("try.chain", count=0)
        jobs.assert_enqueued("try.echo", None, count=0)
        for wrong in ({"payload": 3}, {"count": 2}, {"queue": "other"}):
            with pytest.raises(AssertionError, match=r'match .*Enqueued:\n  try\.echo \{"to":"ann"\} queue=mail'):
                jobs.assert_enqueued("try.echo", **wrong)
    assert ran == []


def test_a_fake_refuses_what_the_store_refuses() -> None:
    with fake():
        with pytest.raises(InvalidInput):
            enqueue("No Kind")
        first = enqueue("try.echo", 1, idempotency_key="one")
        assert enqueue("try.echo", 1, idempotency_key="one") == first
        with pytest.raises(InvalidInput):
            enqueue("try.echo", 2, idempotency_key="one")


def test_a_fake_runs_jobs_in_the_order_of_priority_and_due_time() -> None:
    with fake() as jobs:
        enqueue("try.echo", "later", delay=timedelta(hours=1), priority="critical")
        enqueue("try.echo", "low", priority="low")
        enqueue("try.echo", "first", priority="critical")
        enqueue("try.echo", "soon", delay=30)
        done = jobs.perform_enqueued()
        assert ran == ["first", "low", "soon", "later"]
        assert {it.status for it in done} == {Status.COMPLETED}
        assert jobs.perform_enqueued() == []


def test_a_fake_runs_retries_and_what_handlers_enqueue() -> None:
    with fake() as jobs:
        flaky_id = enqueue("try.flaky", 2)
        enqueue("try.chain", 2)
        jobs.perform_enqueued("try.flaky")
        assert ran == [1, 2, 3]
        found = jobs.find("default", flaky_id)
        assert found is not None
        assert (found.status, found.retry_count, found.result) == (Status.COMPLETED, 2, b"3")
        assert [attempt.error and attempt.error.message for attempt in found.attempts] == [
            "attempt 1",
            "attempt 2",
            None,
        ]
        jobs.perform_enqueued()
        assert ran[3:] == [2, 1, 0]


@pytest.mark.parametrize(
    ("kind", "options", "status", "reason", "attempts"),
    [
        ("flaky", {"payload": 9, "max_retries": 1}, Status.DEAD_LETTER, "retries_exhausted", 2),
        ("flaky", {"payload": 9, "delivery": "at_most_once"}, Status.DEAD_LETTER, "at_most_once", 1),
        ("give_up", {}, Status.DEAD_LETTER, "discard", 1),
        ("snooze", {"max_retries": 0}, Status.COMPLETED, None, 2),
        ("ask_again", {"max_retries": 2}, Status.DEAD_LETTER, "retries_exhausted", 3),
    ],
)
def test_verdicts_count_as_with_a_worker(
    kind: str, options: dict[str, Any], status: Status, reason: str | None, attempts: int
) -> None:
    with fake() as jobs:
        enqueue(f"try.{kind}", **options)
        last = jobs.perform_enqueued()[-1]
        assert (last.status, last.reason, last.attempt) == (status, reason, attempts)
        assert (last.finished_at is not None) == (status is not Status.SCHEDULED)


def test_what_a_handler_reports_is_kept() -> None:
    with fake() as jobs:
        enqueue("try.keeper")
        last = jobs.perform_enqueued()[-1]
        assert (last.result, last.attempt) == (b'{"at":3}', 2)
        assert last.progress is not None
        assert last.progress.fraction == 0.5


def test_jobs_without_end_and_without_handler_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.integrations.fake._MOST_RUNS", 20)
    with fake() as jobs:
        enqueue("try.endless")
        with pytest.raises(EndlessJobs, match=r"try\.endless"):
            jobs.perform_enqueued()
    with fake() as jobs:
        enqueue("try.unknown")
        with pytest.raises(NoHandler, match=r"try\.unknown"):
            jobs.perform_enqueued()


def test_inline_runs_jobs_where_they_are_enqueued() -> None:
    with inline() as jobs:
        assert enqueue("try.echo", 1)
        assert ran == [1]
        enqueue("try.flaky", 2, delay=3600)
        assert ran == [1, 1, 2, 3]
        with pytest.raises(ValueError, match="attempt 4"):
            enqueue("try.flaky", 9)
        with pytest.raises(Discard):
            enqueue("try.give_up")
        snoozed = enqueue("try.snooze")
        found = jobs.find("default", snoozed)
        assert found is not None
        assert found.status is Status.SCHEDULED


def test_inline_may_keep_errors_to_itself() -> None:
    with inline(raises=False) as jobs:
        job_id = enqueue("try.give_up")
        assert isinstance(jobs.errors["default", job_id], Discard)


@inline()
def test_a_mode_is_a_decorator_and_async_code_may_enqueue() -> None:
    asyncio.run(aenqueue("try.echo", "async"))
    assert ran == ["async"]


def test_the_setting_names_the_mode(settings: Settings) -> None:
    settings.IRONFORGE_ENQUEUE = "fake"
    assert isinstance(current_mode(), FakeMode)
    settings.IRONFORGE_ENQUEUE = "inline"
    assert isinstance(current_mode(), InlineMode)
    with fake() as outer, fake() as inner:
        assert current_mode() is inner
        assert outer is not inner


@pytest.mark.django_db(transaction=True)
def test_transactions_count_in_test_modes_too() -> None:
    with fake() as jobs:
        with transaction.atomic():
            enqueue("try.echo")
            assert jobs.enqueued() == []
        with transaction.atomic():
            enqueue("try.echo", "lost")
            transaction.set_rollback(True)
        assert len(jobs.enqueued()) == 1
    with inline():
        with transaction.atomic():
            enqueue("try.echo", "after")
            assert ran == []
        assert ran == ["after"]


class TestInsideATestCase(TestCase):
    """Django calls no hooks there; the fake looks at them itself."""

    def test_the_programs_own_transactions_count(self) -> None:
        with fake() as jobs:
            enqueue("try.echo", "outside")
            with transaction.atomic():
                enqueue("try.echo", "inside")
                assert len(jobs.enqueued()) == 1
                with transaction.atomic():
                    enqueue("try.echo", "lost")
                    transaction.set_rollback(True)
            jobs.assert_enqueued("try.echo", "inside", count=1)
            assert len(jobs.enqueued()) == 2
            with self.captureOnCommitCallbacks(execute=True), transaction.atomic():
                enqueue("try.echo", "captured")
            jobs.assert_enqueued("try.echo", "captured", count=1)


def test_tasks_of_the_framework_are_recorded_and_run(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = _tasks(settings)
    monkeypatch.setattr("jobs.integrations.rehearsal.discover", lambda: registry)
    with inline(raises=False):
        assert tasks.add.enqueue(1, second=2).return_value == 3
        failed = tasks.refuse.enqueue("card")
        assert failed.status == TaskResultStatus.FAILED
        assert failed.errors[0].exception_class is tasks.Refused
        assert tasks.second_time.enqueue(secrets.token_hex(4)).attempts == 2
    with fake() as jobs:
        result = tasks.own_id.enqueue()
        assert result.status == TaskResultStatus.READY
        jobs.perform_enqueued()
        result.refresh()
        assert result.return_value == result.id


def _tasks(settings: Settings) -> ModuleType:
    entry = {"BACKEND": "jobs.integrations.tasks.IronForgeBackend", "QUEUES": []}
    settings.TASKS = {"default": entry, "narrow": {**entry, "QUEUES": ["mail"]}}
    import_module("jobs.integrations.task_handlers")
    return import_module("tests.integrations.sample_tasks")
