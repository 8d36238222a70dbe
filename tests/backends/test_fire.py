"""`fire`: each instant of a schedule is decided once, in the step that stores its job."""

from __future__ import annotations

from dataclasses import replace

import pytest

from jobs.backends.redis.backend import RedisBackend
from jobs.backends.schedules import BY_HAND, Fire
from jobs.domain.errors import BackendUnavailable
from jobs.domain.fire import Decided
from jobs.domain.job import JobSpec
from jobs.domain.outcome import OutcomeKind
from jobs.domain.quota import Quota
from jobs.domain.schedule_policy import Overlap
from jobs.domain.status import Status
from tests.backends.servers import Server
from tests.backends.situations import fill_queues
from tests.backends.test_memory import full
from tests.stores import Bench

SPEC = JobSpec(kind="report.daily", payload=b'{"a":1}')


class Clockwork:
    """One schedule on a bench."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.id = bench.ids.make()
        self.calls = RedisBackend(shards=bench.shards).schedules(bench.namespace)
        self.begin = bench.now()

    def fire(self, *nominals: int, until: int, seen: int = 0, **changes: object) -> Fire:
        """Return a decision; instants are ms after the begin."""
        spec = changes.pop("spec", SPEC)
        instants = [self.begin + nominal for nominal in nominals]
        jobs = [(self.bench.ids.make(), JobSpec(**_fields(spec), schedule=(self.id, at))) for at in instants]
        act = self.bench.ids.make()
        fire = Fire(self.id, act, 1, self.begin + seen, self.begin + until, Overlap.ALLOW, instants, jobs)
        return replace(fire, **changes)  # type: ignore[arg-type]

    def run(self, fire: Fire) -> Decided:
        return self.bench.run(self.calls.fire(fire))

    def outcomes(self) -> list[tuple[int, str, int]]:
        """Return what became of the instants (ms after the begin), oldest first."""
        notes = reversed(self.bench.run(self.calls.history(self.id, 100)))
        return [(note.nominal_ms - self.begin, note.outcome, note.count) for note in notes]


def _fields(spec: object) -> dict[str, object]:
    assert isinstance(spec, JobSpec)
    return {name: getattr(spec, name) for name in ("kind", "payload", "queue", "scheduled_for")}


@pytest.fixture
def clockwork(bench: Bench) -> Clockwork:
    return Clockwork(bench)


def test_due_instants_become_jobs_that_name_their_schedule(clockwork: Clockwork) -> None:
    bench = clockwork.bench
    bench.advance(5_000)
    fire = clockwork.fire(1_000, 2_000, until=2_500)
    answer = bench.twice(clockwork.calls.fire(fire))
    assert answer.outcomes == tuple((job_id, "fired") for job_id, _ in fire.jobs)
    job = bench.get(fire.jobs[0][0])
    assert (job.status, job.schedule_id, job.payload) == (Status.QUEUED, clockwork.id, b'{"a":1}')
    assert bench.run(clockwork.calls.state(clockwork.id)).mark_ms == clockwork.begin + 2_500
    assert clockwork.outcomes() == [(1_000, "fired", 1), (2_000, "fired", 1)]
    assert [lease.job.schedule_id for lease in bench.claim(9).leases] == [clockwork.id] * 2
    assert bench.totals()["submitted:medium"] == 2


def test_of_two_that_decide_about_the_same_instants_one_does(clockwork: Clockwork) -> None:
    clockwork.bench.advance(9_000)
    assert clockwork.run(clockwork.fire(1_000, until=1_500)).code == "fired"
    for late in (clockwork.fire(1_000, until=1_500), clockwork.fire(1_000, 2_000, until=3_000)):
        answer = clockwork.bench.refused(clockwork.calls.fire(late))
        assert (answer.code, answer.mark_ms) == ("stale", clockwork.begin + 1_500)
    assert clockwork.run(clockwork.fire(2_000, seen=1_500, until=3_000)).code == "fired"
    assert [nominal for nominal, *_ in clockwork.outcomes()] == [1_000, 2_000]


def test_nothing_fires_before_its_time_at_the_store(clockwork: Clockwork) -> None:
    assert clockwork.bench.refused(clockwork.calls.fire(clockwork.fire(60_000, until=60_000))).code == "early"


def test_who_has_read_an_older_schedule_decides_nothing(clockwork: Clockwork) -> None:
    bench = clockwork.bench
    bench.advance(9_000)
    bench.twice(clockwork.calls.amend(clockwork.id, 2, "keep"))
    assert bench.refused(clockwork.calls.fire(clockwork.fire(1_000, until=1_500))).code == "changed"
    assert clockwork.run(clockwork.fire(1_000, until=1_500, revision=2)).code == "fired"
    bench.twice(clockwork.calls.amend(clockwork.id, 2, "remove"))
    assert clockwork.outcomes() == []
    assert clockwork.run(clockwork.fire(2_000, until=2_500, revision=9)).code == "changed"


def test_what_is_missed_is_told_with_its_number(clockwork: Clockwork) -> None:
    clockwork.bench.advance(90_000)
    missed = {"missed": 59, "last_missed": clockwork.begin + 59_000}
    clockwork.run(clockwork.fire(60_000, until=60_500, **missed))
    assert clockwork.outcomes() == [(59_000, "missed", 59), (60_000, "fired", 1)]


@pytest.mark.parametrize(
    ("overlap", "while_queued", "while_running"),
    [(Overlap.ALLOW, "fired", "fired"), (Overlap.SKIP, "overlap", "overlap"), (Overlap.QUEUE_ONE, "overlap", "fired")],
)
def test_an_instant_that_comes_while_the_last_job_is_under_way_is_treated_by_policy(
    clockwork: Clockwork, overlap: Overlap, while_queued: str, while_running: str
) -> None:
    bench = clockwork.bench
    bench.advance(90_000)
    clockwork.run(clockwork.fire(1_000, 2_000, until=2_500, overlap=overlap))
    leases = bench.claim(9).leases
    clockwork.run(clockwork.fire(3_000, seen=2_500, until=3_500, overlap=overlap))
    assert [outcome for _, outcome, _ in clockwork.outcomes()] == ["fired", while_queued, while_running]
    for lease in (*leases, *bench.claim(9).leases):
        bench.settle(lease, OutcomeKind.COMPLETED)
    clockwork.run(clockwork.fire(4_000, seen=3_500, until=4_500, overlap=overlap))
    assert clockwork.outcomes()[-1] == (4_000, "fired", 1)


def test_a_job_by_hand_moves_no_mark_and_waits_for_nobody(clockwork: Clockwork) -> None:
    bench = clockwork.bench
    bench.advance(9_000)
    clockwork.run(clockwork.fire(1_000, until=1_500, overlap=Overlap.SKIP))
    by_hand = clockwork.fire(2_000, until=0, overlap=Overlap.SKIP, until_ms=BY_HAND)
    assert bench.twice(clockwork.calls.fire(by_hand)).mark_ms == clockwork.begin + 1_500
    assert clockwork.run(clockwork.fire(2_000, seen=1_500, until=2_500, overlap=Overlap.SKIP)).code == "fired"
    # Its reply may be lost and asked for again after others have fired.
    assert bench.refused(clockwork.calls.fire(by_hand)).outcomes == ((by_hand.jobs[0][0], "fired"),)
    assert [outcome for _, outcome, _ in clockwork.outcomes()] == ["fired", "by_hand", "overlap"]


def test_a_job_that_is_refused_is_told_with_the_reason(clockwork: Clockwork) -> None:
    bench = clockwork.bench
    fill_queues(bench)
    bench.advance(9_000)
    answer = clockwork.run(clockwork.fire(1_000, until=1_500, spec=JobSpec(kind="k", queue="one-too-many")))
    assert [outcome for _, outcome in answer.outcomes] == ["too_many_queues"]
    bench.run(RedisBackend(shards=bench.shards).tenants(bench.namespace).set_quota(Quota(jobs=0)))
    clockwork.run(clockwork.fire(2_000, seen=1_500, until=2_500))
    assert clockwork.outcomes() == [(1_000, "too_many_queues", 1), (2_000, "quota_jobs", 1)]


def test_a_jittered_job_waits_for_its_time(clockwork: Clockwork) -> None:
    clockwork.bench.advance(9_000)
    due = clockwork.begin + 30_000
    fire = clockwork.fire(1_000, until=1_500, spec=JobSpec(kind="k", scheduled_for=due))
    clockwork.run(fire)
    job = clockwork.bench.get(fire.jobs[0][0])
    assert (job.status, job.scheduled_for) == (Status.SCHEDULED, due)


def test_only_the_last_hundred_instants_are_told(clockwork: Clockwork) -> None:
    clockwork.bench.advance(300_000)
    clockwork.run(clockwork.fire(*range(1_000, 151_000, 1_000), until=150_500 + 500))
    told = clockwork.outcomes()
    assert (len(told), told[0][0], told[-1][0]) == (100, 51_000, 150_000)


def test_a_schedule_fires_when_there_is_room_and_can_be_seen_and_changed_all_the_time(spare: Server) -> None:
    with Bench(url=spare.url) as bench:
        _fire_while_full(bench)


def _fire_while_full(bench: Bench) -> None:
    schedules, now = RedisBackend().schedules(bench.namespace), bench.now()
    fire = Fire(bench.ids.make(), "a", 1, 0, now, Overlap.ALLOW, [now], [(bench.ids.make(), JobSpec(kind="k"))])
    with full(bench):
        with pytest.raises(BackendUnavailable):
            bench.run(schedules.fire(fire))
        assert bench.run(schedules.state(fire.schedule_id)).mark_ms is None
        bench.run(schedules.amend(fire.schedule_id, 1, "keep"))
        bench.run(schedules.declare({"nightly": "{}"}, 1))
        assert [told.name for told in bench.run(schedules.declared())] == ["nightly"]
    assert bench.run(schedules.fire(fire)).code == "fired"
