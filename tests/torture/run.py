"""One run from the first process to the verdict: chaos, heal, drain, probe, leave, judge."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import redis

from jobs.backends.redis.keys import Keys
from jobs.domain.errors import BackendUnavailable
from jobs.domain.naming import DELIVERY_QUEUE
from jobs.domain.status import Status
from tests.journeys.api import Answer, Api
from tests.journeys.installation import processes_of
from tests.torture import footprint, logs, operations, workflows
from tests.torture.actor import Actor
from tests.torture.cast import START_S, Cast, Stage
from tests.torture.chaos import Chaos
from tests.torture.customers import Customers
from tests.torture.history import History, read_store
from tests.torture.invariants import INVARIANTS
from tests.torture.invariants.finding import Invariant, Judgement
from tests.torture.ledger import lines_of, now_ms
from tests.torture.plans import DEFAULT, NAMESPACES, QUEUES, REMOTE_QUEUE, Step
from tests.torture.probes import Probes, probe
from tests.torture.pulse import Pulse
from tests.torture.sabotage import SABOTAGES
from tests.torture.schedule import EVERYTHING, Schedule, plan
from tests.torture.ticks import Ticks
from tests.torture.watcher import Watcher
from tests.waiting import until

LEASE_MS = 2000
# Third crash of a job that kills its workers: lease, lease, 10 s, lease, and a restart each time.
DRAIN_S = 120.0
SABOTAGE_DRAIN_S = 5.0
SAY_EVERY_S = 5.0
EVERY_QUEUE = (*QUEUES, REMOTE_QUEUE, DELIVERY_QUEUE)
Say = Callable[[str], None]


@dataclass(frozen=True)
class Options:
    """What a run is asked to be. `seconds` of chaos; the drain comes on top."""

    seed: int
    seconds: float
    sabotage: str | None = None
    lease_ms: int = LEASE_MS


@dataclass
class Verdict:
    """What a run showed."""

    options: Options
    history: History
    judgements: list[tuple[Invariant, Judgement]]
    took_s: float = 0.0
    drained_s: float | None = None

    @property
    def broken(self) -> list[int]:
        """Return the numbers of the invariants that do not hold."""
        return [invariant.number for invariant, judgement in self.judgements if judgement.findings]


def planned(options: Options) -> Schedule:
    """Return the schedule of a run: the same for the same options, on any machine."""
    sabotage = SABOTAGES[options.sabotage] if options.sabotage else None
    return plan(options.seed, options.seconds, options.lease_ms, sabotage.focus if sabotage else EVERYTHING)


def torture(options: Options, folder: Path, say: Say) -> Verdict:
    """Run, and judge. `folder` keeps ledgers and stores; it must be empty."""
    began = time.monotonic()
    sabotage = SABOTAGES[options.sabotage] if options.sabotage else None
    stage = Stage(folder, options.lease_ms, sabotage)
    schedule = planned(options)
    say(f"seed {options.seed}, {options.seconds:.0f} s, {len(schedule.steps)} requests, {len(schedule.faults)} faults, "
        f"plan {schedule.fingerprint}, sabotage {options.sabotage or 'none'}")  # fmt: skip
    cast = Cast(stage)
    pulse = Pulse()
    try:
        with cast:
            say("everybody is up")
            history, drained_s = _perform(cast, schedule, pulse, say)
    finally:
        pulse.stop()
        _keep_logs(cast, folder)
    history.log = [text for actor in _speakers(cast) for text in logs.oddities(actor)]
    judgements = [(invariant, invariant.judge(history)) for invariant in INVARIANTS]
    return Verdict(options, history, judgements, time.monotonic() - began, drained_s)


def _perform(cast: Cast, schedule: Schedule, pulse: Pulse, say: Say) -> tuple[History, float | None]:
    stage, folder = cast.stage, cast.stage.folder
    watcher = Watcher(cast)
    customers = Customers(cast, folder / "clients.jsonl")
    chaos = Chaos(cast, folder / "faults.jsonl", say)
    ticks = Ticks(cast, schedule.seed, schedule.seconds)
    ticks.begin()
    at_start, connected = footprint.footprints(cast), footprint.connections(cast)
    began = time.monotonic()
    with ThreadPoolExecutor(2, thread_name_prefix="play") as pool:
        asked = pool.submit(customers.follow, schedule, began, say)
        chaos.follow(schedule, began)
        asked.result()
    healed_ms = now_ms()
    say("healed; draining")
    hand = Customers(cast, folder / "hand.jsonl")
    until(lambda: all(actor.is_up for actor in cast.actors.values()), START_S)
    _resume_all(hand)
    until(lambda: operations.have_ended(cast), START_S)
    ticks.end(healed_ms)
    drained_s = _drain(cast, SABOTAGE_DRAIN_S if stage.sabotage else DRAIN_S, say)
    probes = Probes() if stage.sabotage else probe(cast)
    watcher.stop()
    history = History(
        schedule, stage.lease_ms, healed_ms, lines_of(folder / "clients.jsonl") + lines_of(folder / "hand.jsonl"),
        lines_of(stage.ledger), lines_of(stage.received), lines_of(folder / "faults.jsonl"),
        watcher.moves, watcher.leases, watcher.strays, watcher.missed, watcher.away, pulse.stalls,
        {name: _downs(actor) for name, actor in cast.actors.items()},
        ended_ms=now_ms(), probes=probes.taken, probed_due_ms=probes.due_ms,
    )  # fmt: skip
    _read(history, cast, ticks)
    history.leaks = footprint.growth(at_start, footprint.footprints(cast))
    if (more := footprint.connections(cast) - connected) > footprint.MORE_CONNECTIONS:
        history.leaks.append(f"the store has {more} more connections than at the start")
    history.exit_codes = cast.leave()
    history.leaks += [f"left behind: {line}" for line in processes_of(folder / "data")]
    return history, drained_s


def _read(history: History, cast: Cast, ticks: Ticks) -> None:
    """Add what the store and the API say."""
    with cast.client("history") as client:
        read_store(history, client)
        history.ticks = ticks.read(client)
        history.graphs = workflows.read_graphs(client)
    history.grown = lines_of(cast.stage.grown)
    history.blocked = lines_of(cast.stage.folder / "blocked.jsonl")
    history.operations = operations.read(cast)
    history.by_status = {ns: _by_status(cast, ns) for ns in NAMESPACES}


def _resume_all(hand: Customers) -> None:
    """Resume every queue that is there: the answer to one who asked before may have been lost."""
    for ns, queue in [(DEFAULT, REMOTE_QUEUE), *itertools.product(NAMESPACES, QUEUES)]:
        step = Step(0, "resume", ns, queue=queue)
        until(lambda step=step: _is_done(hand.ask(step)), START_S)


def _is_done(answer: Answer | None) -> bool:
    return answer is not None and answer.status in (200, 404)


def _drain(cast: Cast, within_s: float, say: Say) -> float | None:
    """Wait until nothing is live; return how long it took (s), None when that was not enough."""
    began, said = time.monotonic(), time.monotonic()
    pause, blocked = threading.Event(), workflows.Blocked(cast)
    while time.monotonic() - began < within_s:
        live, waiting = _live(cast), _waiting(cast)
        if live == waiting == 0:
            return time.monotonic() - began
        blocked.look(is_calm=live == 0)
        if time.monotonic() - said > SAY_EVERY_S:
            said = time.monotonic()
            say(f"{live} jobs to go, {waiting} steps wait")
        pause.wait(0.1)
    return None


def _live(cast: Cast) -> int | None:
    try:
        with cast.client("drain", timeout_s=2.0) as client:
            return sum(_live_in(client, Keys(ns)) for ns in NAMESPACES)
    except redis.RedisError:
        return None


def _waiting(cast: Cast) -> int | None:
    try:
        with cast.client("drain", timeout_s=2.0) as client:
            workflows.sweep(client)
            return workflows.waiting_in(client)
    except (redis.RedisError, BackendUnavailable):
        return None


def _live_in(client: redis.Redis, keys: Keys) -> int:
    indexes = [keys.index(status) for status in (Status.SCHEDULED, Status.FAILED, Status.RUNNING)]
    return sum(int(client.zcard(key)) for key in [*indexes, *(keys.queue(queue) for queue in EVERY_QUEUE)])


def _by_status(cast: Cast, ns: str) -> dict[str, int]:
    answer = Api(cast.http.port).ask("GET", "/queues/stats", authorization=f"Bearer {cast.keys[ns]}")
    assert answer.status == 200, answer
    return {status: count for status, count in answer.body["by_status"].items() if count}


def _downs(actor: Actor) -> list[tuple[float, float]]:
    """Return from each end of a life until the next was ready (Unix ms)."""
    return [
        (before.ended_at_ms or after.began_at_ms, after.ready_at_ms or now_ms())
        for before, after in zip(actor.lives, actor.lives[1:], strict=False)
    ]


def _speakers(cast: Cast) -> list[Actor]:
    """Return who logs in IronForge's form."""
    return [actor for actor in cast.actors.values() if actor is not cast.store]


def _keep_logs(cast: Cast, folder: Path) -> None:
    for name, actor in cast.actors.items():
        lines = [line for life in actor.lives for line in life.running.lines]
        (folder / f"{name}.log").write_text("\n".join(lines), encoding="utf-8")
