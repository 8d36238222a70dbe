"""`@schedule` on a handler: workers with that code tell it, servers take it over; what nobody tells sleeps."""

from __future__ import annotations

import json
import logging

import pytest

from jobs import wiring
from jobs.access.actor import system_actor
from jobs.access.models import AuditEntry, Schedule
from jobs.backends.redis.backend import RedisBackend
from jobs.domain.errors import StateConflict
from jobs.domain.fire import Declaration
from jobs.services import schedule_runs, schedules
from jobs.services.code_schedules import ASLEEP_AFTER_MS, Adopter
from jobs.services.ticking import Ticker
from tests.stores import Bench
from tests.waiting import until
from tests.workers.test_worker import working
from workers import Context, handler, schedule
from workers.registry import HandlerError, Registry
from workers.schedule_checks import require_sound


def code(**changes: object) -> Registry:
    """Return handlers as a version of the code has them; the decorators may stand in either order."""
    registry = Registry()

    @schedule("0 9 * * 1-5", tz="Europe/Paris", overlap="skip", payload={"of": 1}, into=registry)
    @handler("report.build", into=registry)
    def build(context: Context, payload: object) -> None: ...

    @handler("pulse", into=registry)
    @schedule(every_ms=60_000, name="beat", into=registry, **changes)
    async def pulse(context: Context, payload: object) -> None: ...

    return registry


class Installation:
    """The servers of one namespace."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.actor = system_actor("test", bench.namespace)
        self.schedules = RedisBackend().schedules(bench.namespace)
        self.adopter = Adopter()
        self.since = bench.now()

    def tell(self, registry: Registry, *, since: int = 0) -> None:
        """Let a worker that started then (ms) say what its code has, and a server look."""
        texts = {name: text_of(source) for name, source in registry.schedules().items()}
        self.bench.run(self.schedules.declare(texts, self.since + since))
        self.look()

    def look(self) -> None:
        self.adopter.adopt([self.bench.namespace])

    def statuses(self) -> dict[str, str]:
        return {it.name: it.status for it in schedules.list_schedules(self.actor)}


def text_of(source: object) -> str:
    return json.dumps(source, sort_keys=True)


@pytest.fixture
def installation(bench: Bench, db: None, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """Return the servers, which go by the clock of the bench."""
    if bench.shards > 1:
        pytest.skip("tests/backends/test_fire.py has the scripts on shards")
    monkeypatch.setattr(wiring, "runner", lambda: bench.runner)
    return Installation(bench)


def test_a_worker_tells_the_schedules_of_its_handlers_and_a_server_takes_them_over(installation: Installation) -> None:
    with working(installation.bench, code()):
        until(lambda: len(installation.bench.run(installation.schedules.declared())) == 2)
    installation.look()
    daily = schedules.get_schedule(installation.actor, "report.build")
    assert (daily.timing.cron, daily.timing.zone, daily.kind, daily.is_code) == (
        "0 9 * * 1-5",
        "Europe/Paris",
        "report.build",
        True,
    )
    assert daily.job == {"kind": "report.build", "payload": {"of": 1}}
    installation.bench.advance(61_000)
    Ticker(installation.bench.namespace, only_there=True).tick()
    (fire,) = schedule_runs.history_of(installation.actor, "beat")
    assert (fire.note.outcome, fire.status) == ("fired", "queued")


def test_what_code_owns_is_paused_and_run_by_hand_and_not_changed(installation: Installation) -> None:
    installation.tell(code())
    for act in (
        lambda: schedules.patch_schedule(installation.actor, "beat", {"every_ms": 1_000}),
        lambda: schedules.delete_schedule(installation.actor, "beat"),
    ):
        with pytest.raises(StateConflict) as refusal:
            act()
        assert refusal.value.code == "owned_by_code"
    schedules.pause_schedule(installation.actor, "beat", reason="too many")
    installation.tell(code())
    assert installation.statuses() == {"beat": "paused", "report.build": "active"}
    assert schedule_runs.run_schedule(installation.actor, "beat").schedule_id


def test_new_code_changes_it_and_old_workers_that_still_run_do_not_change_it_back(installation: Installation) -> None:
    installation.tell(code(payload={"password": "hunter2"}, webhook="https://8.8.8.8/?k=hunter2"), since=1_000)
    installation.tell(code(queue="slow"), since=2_000)
    installation.tell(code(), since=1_000)
    row = schedules.get_schedule(installation.actor, "beat")
    assert (row.job["queue"], row.timing.every_ms) == ("slow", 60_000)
    acts = AuditEntry.objects.filter(namespace=installation.bench.namespace, target_id=row.id).order_by("id")
    assert [act.action for act in acts] == ["schedule.create", "schedule.change"]
    assert "hunter2" not in str([(act.before, act.after) for act in acts])


def test_what_no_worker_tells_any_more_sleeps_and_makes_good_what_it_missed_when_told_again(
    installation: Installation,
) -> None:
    installation.tell(code())
    ticker = Ticker(installation.bench.namespace, only_there=True)
    installation.bench.advance(ASLEEP_AFTER_MS + 1_000)
    installation.look()
    assert installation.statuses() == {"beat": "asleep", "report.build": "asleep"}
    ticker.tick()
    assert schedule_runs.history_of(installation.actor, "beat") == []
    installation.tell(code())
    ticker.tick()
    outcomes = [(it.note.outcome, it.note.count) for it in schedule_runs.history_of(installation.actor, "beat")]
    assert outcomes in ([("fired", 1), ("missed", 4)], [("fired", 1), ("missed", 3)])
    installation.bench.advance(2 * ASLEEP_AFTER_MS)
    installation.look()
    schedules.delete_schedule(installation.actor, "beat")
    assert installation.statuses() == {"report.build": "asleep"}


def test_a_name_that_somebody_has_taken_is_left_to_them_and_told_once(
    installation: Installation, caplog: pytest.LogCaptureFixture
) -> None:
    schedules.create_schedule(installation.actor, {"name": "beat", "kind": "k", "every_ms": 5_000})
    with caplog.at_level(logging.ERROR):
        installation.tell(code())
        installation.tell(code())
    assert Schedule.objects.get(namespace=installation.bench.namespace, name="beat").every_ms == 5_000
    assert [record.getMessage() for record in caplog.records].count("schedule.refused") <= 1


def test_two_servers_that_take_it_at_once_have_nothing_to_complain_about(installation: Installation) -> None:
    source = next(source for source in code().schedules().values() if source["name"] == "beat")
    servers = Adopter(), Adopter()
    for server in servers:
        # Neither has seen what the other made.
        server._take(installation.actor, [Declaration("beat", text_of(source), 0)], {})
    assert Schedule.objects.filter(namespace=installation.bench.namespace, name="beat").count() == 1
    assert not any(server._told for server in servers)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"cron": "0 25 * * *"}, "no hour"),
        ({"cron": "@daily", "tz": "Mars/Olympus"}, "no zone"),
        ({}, "Give one of"),
        ({"every_ms": 1}, "every_ms must be"),
        ({"cron": "@daily", "shape": "round"}, "not a field"),
    ],
)
def test_what_is_no_schedule_ends_the_start_of_a_worker(given: dict[str, object], told: str) -> None:
    registry = Registry()
    schedule(into=registry, **given)(handler("k", into=registry)(lambda context, payload: None))  # type: ignore[arg-type]
    with pytest.raises(HandlerError, match=told):
        require_sound(registry)


def test_two_of_a_name_and_one_without_a_handler_are_refused() -> None:
    registry = code()
    schedule("@daily", name="beat", into=registry)(handler("k", into=registry)(lambda context, payload: None))
    with pytest.raises(HandlerError, match="two @schedule 'beat'"):
        registry.schedules()
    homeless = Registry()
    schedule("@daily", into=homeless)(lambda context, payload: None)
    with pytest.raises(HandlerError, match="no @handler"):
        homeless.schedules()
