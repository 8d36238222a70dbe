"""Ways in which a task of Celery ends that only a worker of IronForge can show, and other programs that send tasks."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from celery import Celery
from celery.canvas import Signature
from kombu.exceptions import OperationalError

from ironforge_client import Invalid, Job
from ironforge_client.celery import Unsendable
from jobs.integrations.celery_handlers import add_tasks, tasks_by_kind
from tests.celery_bridge.conftest import BROKERS, Shop
from tests.processes.running import free_port
from tests.waiting import until
from workers.registry import HandlerError, Registry

TRANSPORT = BROKERS["ironforge"].split('"')[1]


@pytest.fixture
def app(shop: Shop) -> Iterator[Celery]:
    """Return an application that knows no task, as a program that sends by name."""
    made = Celery("sender", set_as_current=False, broker=shop.url, broker_transport=TRANSPORT)
    yield made
    made.close()


def sent(shop: Shop, app: Celery, name: str, *args: object, **options: object) -> Job:
    """Send a task and return its first job in its final state."""
    task_id = app.send_task(name, args, **options).id
    first = min(shop.client.list(metadata={"celery_task_id": task_id}), key=lambda job: job.created_at)
    return shop.client.wait(first.id)


@pytest.mark.parametrize(
    ("name", "options", "end"),
    [
        ("refuse", {}, ("dead_letter", "Reject: no flour")),
        ("ignore", {}, ("completed", None)),
        ("add", {"expires": datetime(2026, 1, 1, tzinfo=UTC)}, ("dead_letter", "expired: .* at 2026-01-01T00:00")),
        ("proof", {"queue": "slow"}, ("completed", "taken out in time")),
        ("rest", {"queue": "slow"}, ("dead_letter", "timeout: .* 300 ms")),
    ],
)
def test_a_task_ends_as_it_says(
    shop: Shop, app: Celery, name: str, options: dict[str, object], end: tuple[str, str | None]
) -> None:
    job = sent(shop, app, f"bakery.tasks.{name}", **options)
    assert (job.status, len(job.attempts)) == (end[0], 1)
    if job.error is None:
        assert job.result == end[1]
    else:
        assert re.match(str(end[1]), f"{job.error.type}: {job.error.message}")


def test_a_retry_that_does_not_end_the_task_is_a_job_of_its_own(shop: Shop, app: Celery) -> None:
    assert sent(shop, app, "bakery.tasks.order_again", task_id="order").result == "ordered"
    first, second = sorted(shop.client.list(metadata={"celery_task_id": "order"}), key=lambda job: job.created_at)
    assert shop.client.wait(second.id).result == "ordered again"
    assert first.retry_count == 0


def test_a_program_without_celery_calls_a_task(shop: Shop) -> None:
    job = shop.client.submit("bakery.tasks.bake", {"args": ["rye"], "kwargs": {"loaves": 3}}, queue="celery")
    assert shop.client.wait(job.id).result == "3 rye"
    wrong = shop.client.submit("bakery.tasks.bake", {"args": "rye"}, queue="celery")
    ended = shop.client.wait(wrong.id)
    assert (ended.status, ended.error.type if ended.error else None) == ("dead_letter", "discard")


def test_one_task_id_is_one_job(shop: Shop, app: Celery) -> None:
    name = uuid.uuid4().hex
    for _ in range(2):
        app.send_task("bakery.tasks.add", [1, 2], task_id=name, queue="unserved")
    with pytest.raises(Invalid, match="idempotency_mismatch"):
        app.send_task("bakery.tasks.add", [1, 3], task_id=name, queue="unserved")
    (job,) = shop.client.list(metadata={"celery_task_id": name})
    assert job.payload is None
    assert shop.client.get(job.id).payload["args"] == [1, 2]


def test_options_become_fields(shop: Shop, app: Celery) -> None:
    due = datetime.now(UTC) + timedelta(hours=2)
    result = app.send_task(
        "bakery.tasks.add",
        [1, 2],
        eta=due,
        time_limit=90,
        priority=5,
        compression="gzip",
        headers={"tenant": "north", "is_new": False},
        link=Signature("bakery.tasks.total"),
    )
    (found,) = shop.client.list(metadata={"celery_task_id": result.id})
    job = shop.client.get(found.id)
    assert (job.status, job.queue, job.priority, job.timeout_ms) == ("scheduled", "celery", "high", 90_000)
    assert job.scheduled_for is not None
    assert abs(job.scheduled_for - due) < timedelta(milliseconds=1)
    assert job.payload["args"] == [1, 2]
    assert job.payload["headers"] == {"timelimit": [90, None], "tenant": "north", "is_new": False}
    assert job.payload["embed"]["callbacks"][0]["task"] == "bakery.tasks.total"


@pytest.mark.parametrize(
    ("name", "options", "told"),
    [
        ("bakery: bake", {}, "task name 'bakery: bake' cannot be used"),
        ("x" * 129, {}, "at most 128"),
        ("bake", {"queue": "_slow"}, "queue name '_slow' cannot be used"),
        ("bake", {"serializer": "pickle"}, "application/x-python-serialize; IronForge takes JSON"),
        ("bake", {"exchange": "events", "routing_key": "nobody"}, "leads to 0 queues"),
    ],
)
def test_what_cannot_be_a_job_is_refused_where_it_is_sent(
    app: Celery, name: str, options: dict[str, object], told: str
) -> None:
    with pytest.raises(Unsendable, match=told):
        app.send_task(name, [1], **options)


def test_what_is_no_task_is_refused(app: Celery) -> None:
    with pytest.raises(Unsendable, match="remote control"):
        app.control.revoke("some-task")
    with app.connection() as connection, pytest.raises(NotImplementedError, match="runworker_ironforge"):
        app.amqp.TaskConsumer(connection.channel()).consume()


def test_a_server_that_is_away_is_celerys_own_error() -> None:
    away = f"http://127.0.0.1:{free_port()}"
    app = Celery("sender", set_as_current=False, broker=away, broker_transport=TRANSPORT)
    with pytest.raises(OperationalError, match="POST /jobs"):
        app.send_task("bakery.tasks.add", [1, 2])
    app.close()


@pytest.mark.parametrize(
    ("names", "told"),
    [(("shop.Bake", "shop.bake"), "'shop.Bake' and 'shop.bake' are both kind"), (("_bake",), "'_bake' needs another")],
)
def test_names_that_are_no_kinds_of_their_own_are_refused(names: tuple[str, ...], told: str) -> None:
    app = Celery("shop", set_as_current=False)
    for name in names:
        app.task(until, name=name)
    with pytest.raises(HandlerError, match=told):
        tasks_by_kind(app)


def test_what_is_no_application_is_refused() -> None:
    with pytest.raises(HandlerError, match="json:loads is no Celery application"):
        add_tasks("json:loads", "thread", Registry())
