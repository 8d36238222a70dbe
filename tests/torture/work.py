"""What clients ask in a run: which jobs, when, and what they do with them afterwards."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

DEFAULT, OTHER = "default", "tenant-b"
NAMESPACES = (DEFAULT, OTHER)
QUEUES = ("main", "side", "bulk")
MEAN_GAP_MS = 90
BULK_SIZE = 12


@dataclass(frozen=True)
class JobPlan:
    """One job as its client will submit it. `delay_ms` 0: now."""

    cid: str
    kind: str
    payload: dict[str, Any]
    queue: str = "main"
    priority: str = "medium"
    max_retries: int = 3
    timeout_ms: int = 20_000
    delay_ms: int = 0
    backoff_ms: tuple[int, int] = (100, 1000)


@dataclass(frozen=True)
class Step:
    """One request: `verb` is submit, bulk, cancel, retry, pause, resume or purge; `of` the step whose job is meant."""

    at_ms: int
    verb: str
    ns: str
    jobs: tuple[JobPlan, ...] = ()
    key: str | None = None
    of: str = ""
    queue: str = ""


@dataclass
class _Maker:
    """Makes jobs of one plan, each with an id of its own."""

    chance: random.Random
    end_ms: int
    made: int = 0
    kinds: dict[str, float] = field(
        default_factory=lambda: {
            "ok": 50, "flaky": 15, "bad": 5, "crash": 2, "hang": 2, "long": 5, "snooze": 4, "delayed": 6,
            "repeated": 10, "cancelled": 7, "discard": 1, "child": 5, "child_crash": 2, "child_hang": 1,
        }
    )  # fmt: skip

    def job(self, kind: str, **more: Any) -> JobPlan:
        self.made += 1
        cid, ms = f"c{self.made}", self.chance.choice((0, 5, 20, 100, 400))
        queue = more.pop("queue", None) or self.chance.choice(("main", "main", "main", "side"))
        priority = self.chance.choice(("critical", "high", "medium", "low"))
        payload = {"cid": cid, "ms": more.pop("ms", ms), **more.pop("payload", {})}
        return JobPlan(cid, kind, payload, queue, priority, **more)

    def plain(self, **more: Any) -> JobPlan:
        return self.job(self.chance.choice(("torture.ok", "torture.ok", "torture.quick", "torture.thread")), **more)


def steps(chance: random.Random, end_ms: int, more: dict[str, float]) -> Iterator[Step]:
    """Yield the requests of a run, not in order of time; `more` are weights other than the usual ones."""
    make = _Maker(chance, end_ms)
    make.kinds |= more
    at_ms = 0.0
    while (at_ms := at_ms + chance.expovariate(1 / MEAN_GAP_MS)) < end_ms:
        ns = DEFAULT if chance.random() < 0.7 else OTHER
        mix = chance.choices(list(make.kinds), list(make.kinds.values()))[0]
        yield from _MIX[mix](make, int(at_ms), ns)
    yield from _bulk(make)
    yield from _pauses(make)


def _submit(at_ms: int, ns: str, job: JobPlan, key: str | None = None) -> Step:
    return Step(at_ms, "submit", ns, (job,), key, of=job.cid)


def _ok(make: _Maker, at_ms: int, ns: str) -> Iterator[Step]:
    yield _submit(at_ms, ns, make.plain())


def _flaky(make: _Maker, at_ms: int, ns: str) -> Iterator[Step]:
    yield _submit(at_ms, ns, make.job("torture.fail", max_retries=4, payload={"fails": make.chance.choice((1, 2))}))


def _bad(make: _Maker, at_ms: int, ns: str) -> Iterator[Step]:
    """A job that always fails, and perhaps somebody who sends it back."""
    job = make.job("torture.fail", max_retries=make.chance.choice((0, 1, 2)), payload={"fails": 1000})
    yield _submit(at_ms, ns, job)
    if make.chance.random() < 0.6:
        yield Step(at_ms + make.chance.randint(1500, 9000), "retry", ns, of=job.cid)


def _crash(make: _Maker, at_ms: int, ns: str) -> Iterator[Step]:
    crashes = make.chance.choice((1, 1, 1, 1, 1000))
    yield _submit(at_ms, ns, make.job("torture.crash", payload={"crashes": crashes}))


def _hang(make: _Maker, at_ms: int, ns: str) -> Iterator[Step]:
    """A job beyond its time limit, one that can be stopped or one that cannot."""
    kind = make.chance.choice(("torture.ok", "torture.stuck"))
    yield _submit(at_ms, ns, make.job(kind, ms=4000, timeout_ms=1000, max_retries=1))


def _long(make: _Maker, at_ms: int, ns: str) -> Iterator[Step]:
    kind = make.chance.choice(("torture.ok", "torture.thread"))
    yield _submit(at_ms, ns, make.job(kind, ms=make.chance.randint(1500, 5000)))


def _child(make: _Maker, at_ms: int, ns: str) -> Iterator[Step]:
    """A job in a child process, and perhaps somebody who cancels it while it runs."""
    job = make.job("torture.child", ms=make.chance.choice((5, 100, 1500)))
    yield _submit(at_ms, ns, job)
    if make.chance.random() < 0.3:
        yield Step(at_ms + make.chance.choice((200, 700)), "cancel", ns, of=job.cid)


def _child_crash(make: _Maker, at_ms: int, ns: str) -> Iterator[Step]:
    """A job that kills the child it runs in; its worker lives."""
    yield _submit(at_ms, ns, make.job("torture.child", payload={"crashes": make.chance.choice((1, 1, 1000))}))


def _child_hang(make: _Maker, at_ms: int, ns: str) -> Iterator[Step]:
    """A job that only SIGKILL ends."""
    job = make.job("torture.child", ms=60_000, timeout_ms=1000, max_retries=1, payload={"stuck": True})
    yield _submit(at_ms, ns, job)


def _snooze(make: _Maker, at_ms: int, ns: str) -> Iterator[Step]:
    payload = {"snoozes": make.chance.choice((1, 2)), "snooze_ms": make.chance.randint(50, 2000)}
    yield _submit(at_ms, ns, make.job("torture.snooze", payload=payload))


def _delayed(make: _Maker, at_ms: int, ns: str) -> Iterator[Step]:
    yield _submit(at_ms, ns, make.plain(delay_ms=make.chance.randint(300, min(20_000, max(1000, make.end_ms // 3)))))


def _repeated(make: _Maker, at_ms: int, ns: str) -> Iterator[Step]:
    """The same request under the same key, again and again."""
    job = make.plain()
    yield _submit(at_ms, ns, job, key=f"key-{job.cid}")
    for _ in range(make.chance.randint(1, 3)):
        yield _submit(at_ms + make.chance.choice((0, 5, 300, 2500)), ns, job, key=f"key-{job.cid}")


def _cancelled(make: _Maker, at_ms: int, ns: str) -> Iterator[Step]:
    """A job that somebody cancels before, while or after it runs."""
    delay_ms = make.chance.choice((0, 0, 2000))
    job = make.job("torture.ok", ms=make.chance.choice((20, 800, 3000)), delay_ms=delay_ms)
    yield _submit(at_ms, ns, job)
    yield Step(at_ms + make.chance.choice((30, 200, 700, 1500)), "cancel", ns, of=job.cid)


def _discard(make: _Maker, at_ms: int, ns: str) -> Iterator[Step]:
    yield _submit(at_ms, ns, make.job("torture.discard"))


def _bulk(make: _Maker) -> Iterator[Step]:
    """Requests of many jobs, some of which are purged before they run."""
    for number, at_ms in enumerate(range(1500, make.end_ms, 4000)):
        ns = NAMESPACES[number % 3 == 2]
        jobs = tuple(make.plain(queue="bulk", ms=20) for _ in range(BULK_SIZE))
        yield Step(at_ms, "bulk", ns, jobs, key=f"bulk-{number}" if number % 2 else None)
        if number % 2:
            yield Step(at_ms - 300, "pause", ns, queue="bulk")
            yield Step(at_ms + make.chance.choice((30, 300)), "purge", ns, queue="bulk")
            yield Step(at_ms + 600, "resume", ns, queue="bulk")


def _pauses(make: _Maker) -> Iterator[Step]:
    for number, at_ms in enumerate(range(3000, make.end_ms - 1500, 6000)):
        ns = NAMESPACES[number % 2]
        yield Step(at_ms, "pause", ns, queue="side")
        yield Step(at_ms + make.chance.randint(700, 2500), "resume", ns, queue="side")


_MIX = {
    "ok": _ok, "flaky": _flaky, "bad": _bad, "crash": _crash, "hang": _hang, "long": _long, "snooze": _snooze,
    "delayed": _delayed, "repeated": _repeated, "cancelled": _cancelled, "discard": _discard, "child": _child,
    "child_crash": _child_crash, "child_hang": _child_hang,
}  # fmt: skip
