"""The master dies and the sentinels name another: what was promised and is gone, counted in each mode."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from jobs.backends.redis.backend import RedisBackend
from jobs.backends.redis.runner import SyncRunner
from jobs.domain.naming import DEFAULT_NAMESPACE
from tests.conftest import FIGURE
from tests.failover.guarded import REPLICAS, Guarded
from tests.failover.site import Site
from tests.failover.trial import KEYS, Break, Mode, Outcome, trial
from tests.journeys.moment import seconds

pytestmark = pytest.mark.journey

Record = Callable[[str, object], None]

PLAIN = Mode("no wait for a replica")
LAGGING = Mode(
    "min-replicas-to-write 1, max-lag 2",
    store_options=("--min-replicas-to-write", "1", "--min-replicas-max-lag", "2"),
)
REPLICATED = Mode("replicated", durability="replicated")
BY_ALL = Mode("replicated, waiting for both", durability="replicated", replicas=REPLICAS)
NO_HOLE, SHORT, LONG = Break(), Break(hole_s=1.5), Break(hole_s=5.0)
# The other replica has everything, and the sentinels must choose that one.
HALF = Break(hole_s=5.0, held=1)
PAUSE = Break(is_pause=True)
ROUNDS = 5
ANSWERS_AGAIN_S = 45.0
ANSWER_S = 2.0
# What one of ten answers may take on top, of processes that wait for a processor.
BUSY_S = 8.0
# A promise whose copy was still on its way when the line fell silent, or the master died.
UNDER_WAY_S = 0.5
# Until the sentinels have told an old master that it is none.
TOLD_S = 5.0
LEASE_MS = 8_000
LONG_MARKS = [pytest.mark.long, pytest.mark.timeout(600)]


def long_form(*values: object) -> object:
    """Return a case of the long form."""
    return pytest.param(*values, marks=LONG_MARKS)


class Trials:
    """Runs trials in a folder, and tells what was counted in them."""

    def __init__(self, folder: Path, data_dir: Path, record: Record) -> None:
        self.folder, self.data_dir, self._record = folder, data_dir, record

    def run(self, mode: Mode, broken: Break, rounds: int) -> list[Outcome]:
        """Run as many, each of which must come back by itself; whoever was refused was told how to go on."""
        found = []
        for number in range(rounds):
            with trial(self.folder / str(number), self.data_dir, mode, broken) as outcome:
                found.append(outcome)
            assert outcome.recovered_s < ANSWERS_AGAIN_S
            # Each refused submission, repeated with its key, is one job.
            assert outcome.repeated[0] == outcome.repeated[1]
            assert all((told.status, told.is_problem) == (503, True) for told in outcome.refused), outcome.refused[:3]
            assert all(int(told.retry_after) >= 1 for told in outcome.refused)
            waits = sorted(outcome.waited_s(told) for told in outcome.refused)
            assert all(waited_s < ANSWER_S for waited_s in waits[: len(waits) * 9 // 10])
            assert all(waited_s < ANSWER_S + BUSY_S for waited_s in waits)
        self._record(FIGURE, figure_of(found, broken))
        return found


@pytest.fixture
def trials(tmp_path: Path, data_dir: Path, record_property: Record) -> Trials:
    """Return what runs the trials of one test."""
    return Trials(tmp_path, data_dir, record_property)


def figure_of(found: list[Outcome], broken: Break) -> str:
    """Say in one line what was lost in trials of one kind."""
    acknowledged, lost = sum(len(each.acknowledged) for each in found), [len(each.lost) for each in found]
    silence = f"after {broken.hole_s:g} s of silence to {broken.held} of {REPLICAS} replicas"
    how = "from a master that stood still" if broken.is_pause else silence if broken.hole_s else "without a silence"
    recovered, window_s = sorted(each.recovered_s for each in found), max(each.window_s for each in found)
    window = f", the first promised {window_s:.1f} s before that" if window_s > 0 else ""
    return (
        f"failover {how}, {found[0].mode.name}: {sum(lost)} of {acknowledged} acknowledged jobs lost in {len(lost)} "
        f"({', '.join(map(str, lost))}){window}; first answer after {recovered[0]:.1f}–{recovered[-1]:.1f} s"
    )


@pytest.mark.parametrize("rounds", [pytest.param(1, marks=pytest.mark.long), long_form(ROUNDS)])
def test_without_a_silence_before_only_the_last_moment_may_be_lost(trials: Trials, rounds: int) -> None:
    for found in trials.run(PLAIN, NO_HOLE, rounds):
        assert found.window_s < UNDER_WAY_S


@pytest.mark.parametrize(("broken", "rounds"), [(SHORT, 1), long_form(LONG, ROUNDS)])
def test_without_waiting_what_was_promised_in_a_silence_is_lost_and_nothing_else(
    trials: Trials, broken: Break, rounds: int
) -> None:
    for found in trials.run(PLAIN, broken, rounds):
        assert found.lost, "the links were not silent"
        assert all(told.told_at > found.hole_at - UNDER_WAY_S for told in found.lost)
        assert all(told.asked_at < found.killed_at for told in found.lost)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_store_that_wants_replicas_bounds_what_a_silence_costs(trials: Trials) -> None:
    for found in trials.run(LAGGING, LONG, ROUNDS):
        assert found.lost, "the links were not silent"
        assert all(told.told_at > found.hole_at - UNDER_WAY_S for told in found.lost)
        # For the rest of the silence nothing was promised.
        assert max(told.told_at for told in found.lost) < found.hole_at + LONG.hole_s - UNDER_WAY_S


@pytest.mark.parametrize(
    ("broken", "rounds"), [(SHORT, 1), long_form(LONG, ROUNDS), long_form(NO_HOLE, ROUNDS), long_form(HALF, ROUNDS)]
)
def test_what_was_promised_behind_a_replica_survives_and_what_was_not_is_one_job_when_repeated(
    trials: Trials, broken: Break, rounds: int
) -> None:
    for found in trials.run(REPLICATED, broken, rounds):
        assert found.lost == []
        codes = {told.code for told in found.refused if told.told_at < found.killed_at}
        # A store that stands still for a moment is refused in another word.
        assert ("not_durable" in codes) == (broken in (SHORT, LONG))
        ids = [told.job_id for told in found.acknowledged] + list(found.repeated[0].values())
        assert len(set(ids)) == len(ids) == found.stored
        assert set(found.completions.values()) == {1}, "a job completed twice"


@pytest.mark.parametrize(("mode", "rounds"), [long_form(REPLICATED, ROUNDS), long_form(PLAIN, ROUNDS)])
def test_a_master_that_stood_still_and_came_back_makes_empty_promises_only_until_it_is_told(
    trials: Trials, mode: Mode, rounds: int
) -> None:
    for found in trials.run(mode, PAUSE, rounds):
        # One replica's word is not that of the heir: the other may still follow the old master for a moment.
        from_s = found.woken_at if mode is REPLICATED else found.killed_at - UNDER_WAY_S
        assert all(from_s < told.told_at < found.woken_at + TOLD_S for told in found.lost)
        ids = {told.job_id for told in found.acknowledged} | set(found.repeated[0].values())
        assert len(ids) - len(found.lost) == found.stored


@pytest.mark.parametrize("rounds", [pytest.param(1, marks=pytest.mark.long), long_form(ROUNDS)])
def test_a_master_that_stood_still_and_came_back_promises_nothing_that_all_replicas_must_have(
    trials: Trials, rounds: int
) -> None:
    for found in trials.run(BY_ALL, PAUSE, rounds):
        assert found.lost == []
        ids = {told.job_id for told in found.acknowledged} | set(found.repeated[0].values())
        assert len(ids) == found.stored


@pytest.mark.long
def test_leases_that_ran_while_the_master_died_get_one_lease_of_grace(tmp_path: Path, data_dir: Path) -> None:
    held: dict[str, str] = {}

    def at_death(guarded: Guarded, site: Site) -> None:
        held["silent"] = site.api.submit("demo.echo", queue="nobody")
        held["slow"] = site.api.submit("demo.sleep", {"ms": 4_000})
        site.worker.told("job.started", job_id=held["slow"])
        claim_in_silence(guarded)

    with trial(tmp_path, data_dir, PLAIN, NO_HOLE, lease_ms=LEASE_MS, at_death=at_death) as found:
        slow, silent = found.site.api.completed(held["slow"]), found.site.api.job(held["silent"])
        killed_at_s = time.time() - (time.monotonic() - found.killed_at)
        with found.heir.client() as client:
            grace_until_s = int(client.hget(KEYS.named("store_life"), "grace_until")) / 1000
    assert grace_until_s - killed_at_s >= LEASE_MS / 1000
    # Its lease ended before there was an heir.
    assert [attempt["outcome"] for attempt in silent["attempts"]] == ["lost_lease"]
    assert seconds(silent["attempts"][0]["finished_at"]) >= grace_until_s
    # A worker that was never away for a whole lease keeps what it runs.
    if found.recovered_s < LEASE_MS / 2000:
        assert [attempt["outcome"] for attempt in slow["attempts"]] == ["completed"]


def claim_in_silence(guarded: Guarded) -> None:
    """Take the job of queue `nobody` for a second, as a worker does that is never heard of again; all replicas know."""
    consumer = RedisBackend().consumer(DEFAULT_NAMESPACE)
    claim = consumer.claim(("nobody",), "silent", seq=1, token="0" * 32, limit=1, lease_ms=1_000)
    with guarded.master.client() as client:
        assert len(SyncRunner(client).run(claim).leases) == 1
        mark = KEYS.wake("nobody")
        # A connection waits for what it wrote itself.
        assert client.pipeline(transaction=False).rpush(mark, 1).delete(mark).wait(REPLICAS, 5_000).execute()[-1] == 2
