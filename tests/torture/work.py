"""What clients ask in a run: which jobs, when, and what they do with them afterwards."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from tests.torture.graphs import graph_steps
from tests.torture.limits import KEYED, LIMITED
from tests.torture.maker import Maker
from tests.torture.plans import DEFAULT, NAMESPACES, OTHER, REMOTE_QUEUE, JobPlan, Step

MEAN_GAP_MS = 90
# Bulk operations, as they are asked for.
OPERATIONS: dict[str, dict[str, Any]] = {
    "retry_all": {"action": "retry", "filter": {}, "pace_per_s": 200},
    "cancel_delayed": {"action": "cancel", "filter": {"status": "scheduled"}, "pace_per_s": 50},
}
BULK_SIZE, LIMITED_SIZE = 12, 8


def steps(chance: random.Random, end_ms: int, more: dict[str, float]) -> Iterator[Step]:
    """Yield the requests of a run, not in order of time; `more` are weights other than the usual ones."""
    make = Maker(chance, end_ms)
    make.kinds |= more
    at_ms = 0.0
    while (at_ms := at_ms + chance.expovariate(1 / MEAN_GAP_MS)) < end_ms:
        ns = DEFAULT if chance.random() < 0.7 else OTHER
        mix = chance.choices(list(make.kinds), list(make.kinds.values()))[0]
        yield from _MIX[mix](make, int(at_ms), ns)
    yield from _bulk(make)
    yield from _pauses(make)
    yield from _all_that_match(make)


def _all_that_match(make: Maker) -> Iterator[Step]:
    """Operations on all dead letters, and on all jobs that are not due yet."""
    for ns in NAMESPACES:
        for share, verb in ((0.15, "cancel_delayed"), (0.3, "retry_all"), (0.45, "cancel_delayed"), (0.6, "retry_all")):
            yield Step(int(make.end_ms * share) + make.chance.randint(0, 2000), verb, ns)


def _submit(at_ms: int, ns: str, job: JobPlan, key: str | None = None) -> Step:
    return Step(at_ms, "submit", ns, (job,), key, of=job.cid)


def _ok(make: Maker, at_ms: int, ns: str) -> Iterator[Step]:
    yield _submit(at_ms, ns, make.plain())


def _flaky(make: Maker, at_ms: int, ns: str) -> Iterator[Step]:
    yield _submit(at_ms, ns, make.job("torture.fail", max_retries=4, payload={"fails": make.chance.choice((1, 2))}))


def _bad(make: Maker, at_ms: int, ns: str) -> Iterator[Step]:
    """A job that always fails, and perhaps somebody who sends it back."""
    job = make.job("torture.fail", max_retries=make.chance.choice((0, 1, 2)), payload={"fails": 1000})
    yield _submit(at_ms, ns, job)
    if make.chance.random() < 0.6:
        yield Step(at_ms + make.chance.randint(1500, 9000), "retry", ns, of=job.cid)


def _crash(make: Maker, at_ms: int, ns: str) -> Iterator[Step]:
    crashes = make.chance.choice((1, 1, 1, 1, 1000))
    yield _submit(at_ms, ns, make.job("torture.crash", payload={"crashes": crashes}))


def _hang(make: Maker, at_ms: int, ns: str) -> Iterator[Step]:
    """A job beyond its time limit, one that can be stopped or one that cannot."""
    kind = make.chance.choice(("torture.ok", "torture.stuck"))
    yield _submit(at_ms, ns, make.job(kind, ms=4000, timeout_ms=1000, max_retries=1))


def _long(make: Maker, at_ms: int, ns: str) -> Iterator[Step]:
    kind = make.chance.choice(("torture.ok", "torture.thread"))
    yield _submit(at_ms, ns, make.job(kind, ms=make.chance.randint(1500, 5000)))


def _child(make: Maker, at_ms: int, ns: str) -> Iterator[Step]:
    """A job in a child process, and perhaps somebody who cancels it while it runs."""
    job = make.job("torture.child", ms=make.chance.choice((5, 100, 1500)))
    yield _submit(at_ms, ns, job)
    if make.chance.random() < 0.3:
        yield Step(at_ms + make.chance.choice((200, 700)), "cancel", ns, of=job.cid)


def _child_crash(make: Maker, at_ms: int, ns: str) -> Iterator[Step]:
    """A job that kills the child it runs in; its worker lives."""
    yield _submit(at_ms, ns, make.job("torture.child", payload={"crashes": make.chance.choice((1, 1, 1000))}))


def _child_hang(make: Maker, at_ms: int, ns: str) -> Iterator[Step]:
    """A job that only SIGKILL ends."""
    job = make.job("torture.child", ms=60_000, timeout_ms=1000, max_retries=1, payload={"stuck": True})
    yield _submit(at_ms, ns, job)


def _snooze(make: Maker, at_ms: int, ns: str) -> Iterator[Step]:
    payload = {"snoozes": make.chance.choice((1, 2)), "snooze_ms": make.chance.randint(50, 2000)}
    yield _submit(at_ms, ns, make.job("torture.snooze", payload=payload))


def _delayed(make: Maker, at_ms: int, ns: str) -> Iterator[Step]:
    yield _submit(at_ms, ns, make.plain(delay_ms=make.chance.randint(300, min(20_000, max(1000, make.end_ms // 3)))))


def _repeated(make: Maker, at_ms: int, ns: str) -> Iterator[Step]:
    """The same request under the same key, again and again."""
    job = make.plain()
    yield _submit(at_ms, ns, job, key=f"key-{job.cid}")
    for _ in range(make.chance.randint(1, 3)):
        yield _submit(at_ms + make.chance.choice((0, 5, 300, 2500)), ns, job, key=f"key-{job.cid}")


def _cancelled(make: Maker, at_ms: int, ns: str) -> Iterator[Step]:
    """A job that somebody cancels before, while or after it runs."""
    delay_ms = make.chance.choice((0, 0, 2000))
    job = make.job("torture.ok", ms=make.chance.choice((20, 800, 3000)), delay_ms=delay_ms)
    yield _submit(at_ms, ns, job)
    yield Step(at_ms + make.chance.choice((30, 200, 700, 1500)), "cancel", ns, of=job.cid)


def _discard(make: Maker, at_ms: int, ns: str) -> Iterator[Step]:
    yield _submit(at_ms, ns, make.job("torture.discard"))


def _remote(make: Maker, at_ms: int, _: str) -> Iterator[Step]:
    yield _submit(at_ms, DEFAULT, make.plain(queue=REMOTE_QUEUE))


def _remote_long(make: Maker, at_ms: int, _: str) -> Iterator[Step]:
    kind = make.chance.choice(("torture.ok", "torture.ok", "torture.thread"))
    yield _submit(at_ms, DEFAULT, make.job(kind, ms=make.chance.randint(1500, 5000), queue=REMOTE_QUEUE))


def _remote_cancelled(make: Maker, at_ms: int, _: str) -> Iterator[Step]:
    """A job that somebody cancels while a worker far away runs it, or a moment before."""
    kind = make.chance.choice(("torture.ok", "torture.thread"))
    job = make.job(kind, ms=make.chance.choice((800, 3000)), queue=REMOTE_QUEUE)
    yield _submit(at_ms, DEFAULT, job)
    yield Step(at_ms + make.chance.choice((30, 200, 700)), "cancel", DEFAULT, of=job.cid)


def _remote_trouble(make: Maker, at_ms: int, _: str) -> Iterator[Step]:
    """A job far away that fails, crashes its worker, hangs, comes again later or is given up."""
    of = make.chance.choice
    job = of((
        lambda: make.job("torture.fail", max_retries=4, payload={"fails": of((1, 2))}, queue=REMOTE_QUEUE),
        lambda: make.job("torture.fail", max_retries=1, payload={"fails": 1000}, queue=REMOTE_QUEUE),
        lambda: make.job("torture.crash", payload={"crashes": of((1, 1, 1, 1000))}, queue=REMOTE_QUEUE),
        lambda: make.job("torture.ok", ms=4000, timeout_ms=1000, max_retries=1, queue=REMOTE_QUEUE),
        lambda: make.job("torture.snooze", payload={"snoozes": 1, "snooze_ms": 700}, queue=REMOTE_QUEUE),
        lambda: make.job("torture.discard", queue=REMOTE_QUEUE),
    ))()  # fmt: skip
    yield _submit(at_ms, DEFAULT, job)


def _push(make: Maker, at_ms: int, ns: str) -> Iterator[Step]:
    yield _submit(at_ms, ns, make.pushed("200"))


def _push_trouble(make: Maker, at_ms: int, ns: str) -> Iterator[Step]:
    """A job whose receiver refuses it, asks for later, hangs, hangs up, or wants it never again."""
    always = make.chance.choice((False, False, False, False, True))
    if always:
        yield _submit(at_ms, ns, make.pushed(make.chance.choice(("500", "410")), max_retries=1))
    else:
        yield _submit(at_ms, ns, make.pushed(*make.chance.sample(("500", "429", "cut", "hang"), 2), "200"))


def _push_cancelled(make: Maker, at_ms: int, ns: str) -> Iterator[Step]:
    """A job that is cancelled on its way: the request cannot be called back."""
    job = make.pushed("200", ms=1500)
    yield _submit(at_ms, ns, job)
    yield Step(at_ms + make.chance.choice((30, 500)), "cancel", ns, of=job.cid)


def _told(make: Maker, at_ms: int, ns: str) -> Iterator[Step]:
    """A job whose end is told to a webhook; early, for a delivery that fails comes again after five seconds and ten."""
    at_ms = at_ms * 3 // 5
    webhook = make.chance.choice((("200",), ("200",), ("200",), ("429", "200"), ("500", "200")))
    shape = make.chance.choice(("plain", "plain", "push", "remote", "bad", "cancelled"))
    if shape == "remote":
        yield _submit(at_ms, DEFAULT, make.plain(queue=REMOTE_QUEUE, webhook=webhook))
    elif shape == "push":
        yield _submit(at_ms, ns, make.pushed("200", webhook=webhook))
    elif shape == "bad":
        job = make.job("torture.fail", max_retries=0, payload={"fails": 1000}, webhook=webhook)
        yield _submit(at_ms, ns, job)
        yield Step(at_ms + make.chance.choice((1500, 3000)), "retry", ns, of=job.cid)
    else:
        job = make.plain(webhook=webhook)
        yield _submit(at_ms, ns, job)
        if shape == "cancelled":
            yield Step(at_ms + make.chance.choice((30, 200)), "cancel", ns, of=job.cid)


def _graph(make: Maker, at_ms: int, ns: str) -> Iterator[Step]:
    yield from graph_steps(make, at_ms, ns)


def _batch(make: Maker, at_ms: int, ns: str) -> Iterator[Step]:
    yield from graph_steps(make, at_ms, ns, is_batch=True)


def _limited(make: Maker, at_ms: int, ns: str) -> Iterator[Step]:
    """More jobs at once of a kind than may run."""
    jobs = tuple(make.job(LIMITED, ms=make.chance.choice((50, 300))) for _ in range(LIMITED_SIZE))
    yield Step(at_ms, "bulk", ns, jobs)


def _keyed(make: Maker, at_ms: int, ns: str) -> Iterator[Step]:
    """More jobs at once of few keys than may run."""
    shops = make.chance.choices(("a", "b", "c"), k=LIMITED_SIZE)
    jobs = tuple(make.job(KEYED, ms=make.chance.choice((50, 300)), payload={"shop": shop}) for shop in shops)
    yield Step(at_ms, "bulk", ns, jobs)


def _bulk(make: Maker) -> Iterator[Step]:
    """Requests of many jobs, some of which are purged before they run."""
    for number, at_ms in enumerate(range(1500, make.end_ms, 4000)):
        ns = NAMESPACES[number % 3 == 2]
        jobs = tuple(make.plain(queue="bulk", ms=20) for _ in range(BULK_SIZE))
        yield Step(at_ms, "bulk", ns, jobs, key=f"bulk-{number}" if number % 2 else None)
        if number % 2:
            yield Step(at_ms - 300, "pause", ns, queue="bulk")
            yield Step(at_ms + make.chance.choice((30, 300)), "purge", ns, queue="bulk")
            yield Step(at_ms + 600, "resume", ns, queue="bulk")


def _pauses(make: Maker) -> Iterator[Step]:
    for number, at_ms in enumerate(range(3000, make.end_ms - 1500, 6000)):
        ns = NAMESPACES[number % 2]
        yield Step(at_ms, "pause", ns, queue="side")
        yield Step(at_ms + make.chance.randint(700, 2500), "resume", ns, queue="side")
    for at_ms in range(5000, make.end_ms - 1500, 9000):
        yield Step(at_ms, "pause", DEFAULT, queue=REMOTE_QUEUE)
        yield Step(at_ms + make.chance.randint(500, 1500), "resume", DEFAULT, queue=REMOTE_QUEUE)


_MIX = {
    "ok": _ok, "flaky": _flaky, "bad": _bad, "crash": _crash, "hang": _hang, "long": _long, "snooze": _snooze,
    "delayed": _delayed, "repeated": _repeated, "cancelled": _cancelled, "discard": _discard, "child": _child,
    "child_crash": _child_crash, "child_hang": _child_hang, "remote": _remote, "remote_long": _remote_long,
    "remote_cancelled": _remote_cancelled, "remote_trouble": _remote_trouble, "push": _push,
    "push_trouble": _push_trouble, "push_cancelled": _push_cancelled, "told": _told,
    "graph": _graph, "batch": _batch, "limited": _limited, "keyed": _keyed,
}  # fmt: skip
