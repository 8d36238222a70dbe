"""Everything that is known of a run when it is over; the invariants look at nothing else."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import msgspec
import redis

from jobs.backends.redis.backend import RedisBackend
from jobs.backends.redis.keys import Keys
from jobs.backends.redis.runner import SyncRunner
from jobs.domain.job import Job
from jobs.domain.naming import DELIVERY_KIND
from jobs.domain.status import FINAL, Status
from tests.consistency import faults_of
from tests.pages import listed_ids
from tests.torture.ledger import Line
from tests.torture.operations import Operation
from tests.torture.plans import CALLBACK, MAKING, NAMESPACES, GraphPlan, JobPlan
from tests.torture.pulse import Span, length_ms
from tests.torture.schedule import Schedule
from tests.torture.ticked import Ticked
from tests.torture.watcher import Granted, Move
from tests.torture.workflows import StoredGraph

ENDS = frozenset({"end", "fail", "crash", "snooze", "discard", "stopped"})


@dataclass(frozen=True)
class Stored:
    """One job at the end: what the store says of it, and which attempt's settlement was the last to be accepted."""

    job: Job
    settled_token: str
    payload: dict[str, Any]
    result: dict[str, Any] | None

    @property
    def is_delivery(self) -> bool:
        """Tell whether it tells a webhook of the end of another job; nobody submitted it."""
        return self.job.kind == DELIVERY_KIND

    @property
    def is_callback(self) -> bool:
        """Tell whether it tells of the end of a workflow."""
        return self.job.kind == CALLBACK

    @property
    def cid(self) -> str:
        """Return its client's id; "" for a delivery or a callback."""
        return str(self.payload.get("cid", ""))


@dataclass
class Death:
    """A process of a worker that was killed, or that killed itself."""

    at_ms: float
    pid: int
    why: str

    def hits(self, line: Line) -> bool:
        """Tell whether the handler that wrote this line died with it: a child dies with its worker too."""
        return self.pid in (line["pid"], line.get("worker"))


@dataclass
class History:
    """Times are Unix ms of the one clock that store, handlers and clients share."""

    schedule: Schedule
    lease_ms: int
    healed_ms: float
    clients: list[Line]
    handlers: list[Line]
    received: list[Line]  # requests, as the receiver saw them
    faults: list[Line]
    moves: dict[str, list[Move]]
    leases: dict[str, list[Granted]]
    strays: list[str]
    missed: int
    away: list[Span]
    stalls: list[Span]
    down: dict[str, list[Span]]  # actor → when it was not ready
    jobs: dict[str, Stored] = field(default_factory=dict)
    totals: dict[str, dict[str, float]] = field(default_factory=dict)  # by namespace
    by_status: dict[str, dict[str, int]] = field(default_factory=dict)  # by namespace, as the API says
    structure: list[str] = field(default_factory=list)
    foreign_keys: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)  # what no log should hold
    leaks: list[str] = field(default_factory=list)
    ended_ms: float = 0.0  # when nobody watched any more
    probes: dict[str, float | None] = field(default_factory=dict)  # ms that a loop took after the heal
    probed_due_ms: dict[str, float] = field(default_factory=dict)  # delayed jobs of the time after the drain
    exit_codes: dict[str, int] = field(default_factory=dict)
    ticks: dict[str, Ticked] = field(default_factory=dict)  # by namespace
    graphs: dict[str, StoredGraph] = field(default_factory=dict)  # by id
    grown: list[Line] = field(default_factory=list)  # what steps were answered that added steps
    blocked: list[Line] = field(default_factory=list)  # workflows that waited for somebody, and were given up
    operations: list[Operation] = field(default_factory=list)

    @cached_property
    def plans(self) -> dict[str, JobPlan]:
        """Return every planned job by its client's id, those that steps add, too."""
        nodes = {node.job.cid: node.job for graph in self.planned_graphs.values() for node in graph.all_nodes()}
        return {job.cid: job for step in self.schedule.steps for job in step.jobs} | nodes

    @cached_property
    def planned_graphs(self) -> dict[str, GraphPlan]:
        """Return every planned graph by the id that its client gave it."""
        return {step.graph.gid: step.graph for step in self.schedule.steps if step.graph is not None}

    @cached_property
    def callbacks(self) -> dict[str, list[Stored]]:
        """Return the jobs that tell of the ends of each workflow."""
        found: dict[str, list[Stored]] = {}
        for stored in self.jobs.values():
            if stored.is_callback:
                found.setdefault(stored.payload["workflow_id"], []).append(stored)
        return found

    @cached_property
    def runs(self) -> dict[str, list[Line]]:
        """Return what handlers wrote of each job."""
        found: dict[str, list[Line]] = {}
        for line in self.handlers:
            found.setdefault(line["job"], []).append(line)
        return found

    @cached_property
    def accepted(self) -> dict[str, str]:
        """Return the id of each accepted job → its client's id."""
        return {
            job_id: cid
            for line in self.clients
            if line["event"] == "ok" and line["verb"] in MAKING
            for cid, job_id in zip(line["cids"], line["ids"], strict=True)
            if job_id
        }

    @cached_property
    def due_ms(self) -> dict[str, float]:
        """Return for which time each delayed job was submitted, by its client's id."""
        return {cid: line["due_ms"] for line in self.clients if line["due_ms"] for cid in line["cids"]}

    @cached_property
    def purged(self) -> set[str]:
        """Return the jobs that a purge deleted."""
        return {job_id for job_id, moves in self.moves.items() if any(move.verb == "purge" for move in moves)}

    @cached_property
    def deaths(self) -> list[Death]:
        """Return the deaths of worker processes, in order."""
        kills = [
            Death(line["at_ms"], line["victim"], line["kind"])
            for line in self.faults
            if line["event"] == "broken" and line["kind"] in {"worker_kill", "child_kill"}
        ]
        return kills + [
            Death(line["at_ms"], line["pid"], "crash") for line in self.handlers if line["event"] == "crash"
        ]

    @cached_property
    def receiver_deaths(self) -> list[Death]:
        """Return the deaths of the receiver: what ran there ended, and no lease with it."""
        kills = [line for line in self.faults if (line["event"], line["kind"]) == ("broken", "receiver_kill")]
        return [Death(line["at_ms"], line["victim"], line["kind"]) for line in kills]

    def is_pushed(self, job_id: str) -> bool:
        """Tell whether it was the receiver that wrote of a job, and not who holds its lease."""
        return any(line.get("via") == "push" for line in self.runs.get(job_id, []))

    def is_crash(self, job_id: str, move: Move) -> bool:
        """Tell whether a settlement said that the child process of an attempt had died: such go down another ladder."""
        stored = self.jobs.get(job_id)
        ended = stored.job.attempts if stored is not None else ()
        return any(attempt.outcome == "crashed" and attempt.finished_at == round(move.at_ms) for attempt in ended)

    def blocked_ms(self, start_ms: float, end_ms: float) -> float:
        """Return for how much of a time the store, all workers or the machine could not work (ms).

        After a death of the store, leases have one lease of grace.
        """
        grace = [(begin, end + self.lease_ms) for begin, end in self.down.get("store", [])]
        troubles = [
            (line["at_ms"], line["at_ms"] + line["for_ms"] + self.lease_ms)
            for line in self.faults
            if line["event"] == "broken" and (line["for_ms"] or line["kind"].startswith(("link_", "client_")))
        ]
        workers = [span for name, spans in self.down.items() if name.startswith("worker") for span in spans]
        return length_ms([*grace, *troubles, *workers, *self.away, *self.stalls], start_ms, end_ms)

    def stalled_ms(self, start_ms: float, end_ms: float) -> float:
        """Return for how much of a time the machine stood still or the store did not answer (ms)."""
        return length_ms([*self.stalls, *self.away], start_ms, end_ms)

    def count(self, status: Status) -> int:
        """Return how many jobs ended so."""
        return sum(stored.job.status is status for stored in self.jobs.values())

    def live(self) -> list[str]:
        """Return the jobs that are not final."""
        return [job_id for job_id, stored in self.jobs.items() if stored.job.status not in FINAL]

    def outcomes(self) -> Counter[str]:
        """Return how many requests ended how."""
        return Counter(line["event"] for line in self.clients)

    def story_of(self, job_id: str) -> list[str]:
        """Return everything that is known of one job, in order of time."""
        lines = [
            (move.at_ms, f"store    {move.verb} → {move.status or 'deleted'}") for move in self.moves.get(job_id, [])
        ]
        for line in self.runs.get(job_id, []):
            lines.append(
                (line["at_ms"], f"handler  {line['event']} attempt {line['attempt']} {line['token']} pid {line['pid']}")
            )
        for line in self.clients:
            if job_id in (line.get("ids") or []) or line.get("of") == job_id:
                lines.append((line["at_ms"], f"client   {line['verb']} {line['event']} {line.get('http', '')}"))
        for granted in self.leases.get(job_id, []):
            lines.append((granted.seen_ms, f"lease    until {granted.until_ms % 10_000_000}"))
        return [f"{at_ms % 10_000_000:11.1f} {text}" for at_ms, text in sorted(lines, key=lambda line: line[0])]


def read_store(history: History, client: redis.Redis) -> None:
    """Add what the store holds."""
    runner, backend = SyncRunner(client), RedisBackend()
    for ns in NAMESPACES:
        keys = Keys(ns)
        inspector = backend.inspector(ns)
        history.structure += [f"{ns}: {fault}" for fault in faults_of(client, keys)]
        history.totals[ns] = dict(runner.run(inspector.overview(2)).totals)
        for job_id in listed_ids(client, keys):
            job = runner.run(inspector.get(job_id))
            if job is not None:
                history.jobs[job.id] = _stored(job, client.hget(keys.named("job_prefix") + job.id, "settled"))
    allowed = tuple(f"ironforge:{{{ns}/" for ns in NAMESPACES)
    names = [key.decode() for key in client.scan_iter(count=1000)]
    meta = tuple(f"ironforge:{{meta}}:{name}" for name in ("schema", "shards", "namespaces"))
    history.foreign_keys = [name for name in names if not name.startswith((*allowed, *meta))]


def _stored(job: Job, settled: bytes | None) -> Stored:
    result = msgspec.json.decode(job.result) if job.result else None
    return Stored(job, (settled or b"").decode().partition(" ")[0], msgspec.json.decode(job.payload or b"{}"), result)
