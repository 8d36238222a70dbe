"""Jobs that Python code enqueues: what is stored, when, and what is refused."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.exceptions import SynchronousOnlyOperation
from django.db import connection, transaction
from django.test import TestCase

from jobs import wiring
from jobs.domain.backoff import Backoff
from jobs.domain.errors import BackendUnavailable, InvalidInput
from jobs.domain.job import Delivery
from jobs.domain.priority import Priority
from jobs.domain.status import Status
from jobs.integrations.modes import StoreMode, current_mode, entered
from jobs.integrations.queue import aenqueue, aenqueue_many, enqueue, enqueue_many, job
from jobs.services.admission import admission
from tests.stores import Bench, random_namespace

PLACE = datetime(2100, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Return a switch that takes the store away from those who submit."""
    switch = threading.Event()
    runner = wiring.runner()
    run, run_in_turn = runner.run, runner.run_in_turn

    def unless_away(act: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def acted(asked: Any) -> Any:
            if switch.is_set():
                raise BackendUnavailable("away")
            return act(asked)

        return acted

    admission().require_room()
    monkeypatch.setattr(runner, "run", unless_away(run))
    monkeypatch.setattr(runner, "run_in_turn", unless_away(run_in_turn))
    yield switch
    switch.clear()


def test_a_job_is_stored_with_all_that_was_asked_for(space: Bench) -> None:
    job_id = enqueue(
        "email.send",
        {"to": "ann@example.com"},
        queue="mail",
        priority="high",
        max_retries=7,
        timeout_ms=5_000,
        metadata={"order": "1"},
        delivery="at_most_once",
        backoff=Backoff(base_ms=10, max_ms=20),
    )
    stored = space.get(job_id)
    assert (stored.kind, stored.payload, stored.queue) == ("email.send", b'{"to":"ann@example.com"}', "mail")
    assert (stored.priority, stored.max_retries, stored.timeout_ms) == (Priority.HIGH, 7, 5_000)
    assert (stored.metadata, stored.delivery) == ({"order": "1"}, Delivery.AT_MOST_ONCE)
    assert (stored.backoff, stored.status) == (Backoff(base_ms=10, max_ms=20), Status.QUEUED)


@pytest.mark.parametrize("delay", [3600, 3600.0, timedelta(hours=1)])
def test_a_job_waits_for_its_delay(space: Bench, delay: float | timedelta) -> None:
    before = int(time.time() * 1000)
    stored = space.get(enqueue("demo.echo", delay=delay))
    assert stored.status is Status.SCHEDULED
    assert stored.scheduled_for is not None
    assert before <= stored.scheduled_for - 3_600_000 <= int(time.time() * 1000)


def test_a_job_waits_for_its_time(space: Bench) -> None:
    due = datetime.now(UTC) + timedelta(days=1)
    assert space.get(enqueue("demo.echo", at=due)).scheduled_for == round(due.timestamp() * 1000)
    assert space.get(enqueue("demo.echo", delay=0)).status is Status.QUEUED


@pytest.mark.parametrize(
    ("options", "pointer"),
    [
        ({"kind": "No Kind"}, "/kind"),
        ({"payload": object()}, "/payload"),
        ({"payload": float("nan")}, "/payload"),
        ({"payload": "x" * 300_000}, "/payload"),
        ({"queue": "No Queue"}, "/queue"),
        ({"priority": "urgent"}, "/priority"),
        ({"delay": -1}, "/delay"),
        ({"delay": float("inf")}, "/delay"),
        ({"delay": "1"}, "/delay"),
        ({"delay": timedelta(days=4000)}, "/delay"),
        ({"delay": 1, "at": PLACE}, "/delay"),
        ({"at": datetime(2026, 1, 1)}, "/at"),  # noqa: DTZ001
        ({"at": PLACE}, "/scheduled_for"),
        ({"max_retries": 256}, "/max_retries"),
        ({"timeout_ms": 0}, "/timeout_ms"),
        ({"metadata": {"a": 1}}, "/metadata/a"),
        ({"metadata": [("a", "b")]}, "/metadata"),
        ({"idempotency_key": ""}, "Idempotency-Key"),
        ({"namespace": "No Name"}, "/namespace"),
        ({"color": "red"}, "/color"),
    ],
)
def test_what_is_wrong_is_named(space: Bench, options: dict[str, Any], pointer: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        enqueue(**({"kind": "demo.echo"} | options))
    assert [problem.pointer for problem in refused.value.problems] == [pointer]
    assert space.queue_ids() == []


def test_the_same_idempotency_key_names_the_same_job(space: Bench) -> None:
    first = enqueue("demo.echo", {"n": 1}, delay=60, idempotency_key="order:1")
    assert enqueue("demo.echo", {"n": 1}, delay=60, idempotency_key="order:1") == first
    with pytest.raises(InvalidInput) as refused:
        enqueue("demo.echo", {"n": 2}, delay=60, idempotency_key="order:1")
    assert refused.value.code == "idempotency_mismatch"
    with pytest.raises(InvalidInput):
        enqueue("demo.echo", {"n": 1}, delay=61, idempotency_key="order:1")


def test_many_jobs_keep_their_order(space: Bench) -> None:
    ids = enqueue_many([job("demo.echo", number) for number in range(450)])
    assert space.queue_ids() == ids
    assert space.get(ids[449]).payload == b"449"
    assert enqueue_many([]) == []


def test_a_namespace_can_be_named(bench: Bench) -> None:
    with entered(StoreMode(random_namespace())):
        job_id = enqueue("demo.echo", namespace=bench.namespace)
    assert bench.queue_ids() == [job_id]


def test_async_code_enqueues(space: Bench) -> None:
    async def scenario() -> list[str]:
        with pytest.raises(SynchronousOnlyOperation, match="aenqueue"):
            enqueue("demo.echo")
        return [await aenqueue("demo.echo", 1), *await aenqueue_many([job("demo.echo", 2)])]

    ids = asyncio.run(scenario())
    assert space.queue_ids() == ids


@pytest.mark.django_db(transaction=True)
def test_a_job_of_a_transaction_is_stored_after_the_commit(space: Bench) -> None:
    with transaction.atomic():
        waiting = enqueue("demo.echo")
        assert space.queue_ids() == []
        at_once = enqueue("demo.echo", on_commit=False)
        assert space.queue_ids() == [at_once]
    assert space.queue_ids() == [at_once, waiting]


@pytest.mark.django_db(transaction=True)
def test_a_rollback_stores_nothing(space: Bench) -> None:
    with transaction.atomic():
        enqueue("demo.echo", "lost")
        transaction.set_rollback(True)
    with transaction.atomic():
        kept = enqueue("demo.echo", "kept")
        with transaction.atomic():
            enqueue_many([job("demo.echo", "lost too")])
            transaction.set_rollback(True)
    assert space.queue_ids() == [kept]


@pytest.mark.django_db(transaction=True)
def test_async_code_called_in_a_transaction_waits_for_it(space: Bench) -> None:
    with transaction.atomic():
        job_id = async_to_sync(aenqueue)("demo.echo")
        assert space.queue_ids() == []
    assert space.queue_ids() == [job_id]


@pytest.mark.django_db(transaction=True)
def test_without_autocommit_django_says_what_to_do(space: Bench) -> None:
    transaction.set_autocommit(False)
    try:
        with pytest.raises(transaction.TransactionManagementError):
            enqueue("demo.echo")
        assert space.queue_ids() == []
        assert enqueue("demo.echo", on_commit=False)
    finally:
        transaction.set_autocommit(True)


@pytest.mark.django_db(transaction=True)
def test_a_store_that_is_away_is_told_to_who_commits(
    space: Bench, away: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    away.set()
    with pytest.raises(BackendUnavailable):
        enqueue("demo.echo")
    ids: list[str] = []
    with pytest.raises(BackendUnavailable) as told:
        _commit(ids)
    assert any(ids[0] in note and "committed" in note for note in told.value.__notes__)
    assert any(line.startswith("enqueue.failed jobs=") for line in caplog.messages)
    away.clear()
    assert space.queue_ids() == []


def _commit(ids: list[str]) -> None:
    with transaction.atomic():
        ids.append(enqueue("demo.echo"))


@pytest.mark.usefixtures("space")
class TestInsideATestCase(TestCase):
    """The transaction around a test of Django's never commits, so it does not count."""

    def test_a_job_is_stored_at_once_outside_of_the_programs_own_transactions(self) -> None:
        assert connection.in_atomic_block
        job_id = enqueue("demo.echo")
        assert wiring.runner().run(wiring.backend().inspector(current_namespace()).get(job_id)) is not None

    def test_a_job_of_an_inner_transaction_waits_for_captured_callbacks(self) -> None:
        with self.captureOnCommitCallbacks(execute=True) as callbacks, transaction.atomic():
            enqueue("demo.echo")
        assert len(callbacks) == 1


def current_namespace() -> str:
    return current_mode().namespace
