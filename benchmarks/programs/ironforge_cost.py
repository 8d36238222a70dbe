"""What one submit, claim and settle cost, in the store and in the client; beside it the cheapest scripts that could
do the same work: `python ironforge_cost.py <jobs> [cheapest [<jobs to store before>]]` prints one line of JSON.

Batches of 100, one connection, no network but a socket of this machine. Nothing is switched off: leases, tokens,
counters and events are part of the figure.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import django

django.setup()

from jobs import wiring  # noqa: E402
from jobs.backends.base import Submission  # noqa: E402
from jobs.backends.redis.connection import connect  # noqa: E402
from jobs.domain.job import JobSpec  # noqa: E402
from jobs.domain.outcome import OutcomeKind, Settlement  # noqa: E402
from jobs.domain.priority import Priority  # noqa: E402

BATCH = 100
SPEC = JobSpec(kind="email.send", payload=os.environ["BENCH_PAYLOAD"].encode(), priority=Priority.HIGH, max_retries=3)
CHEAPEST = Path(__file__).with_name("cheapest.lua")
Step = Callable[[], int]
PARTS = ("store", "script", "client", "wall")


class Meter:
    """Measures steps: wall time, processor time of client and store, time inside scripts; microseconds per job."""

    def __init__(self) -> None:
        self.client = connect(wiring.store_url(), "bench-cost")
        self.found: dict[str, float] = {}

    def take(self, name: str, steps: Iterator[Step]) -> None:
        """Carry the steps out and keep the means."""
        self.take_in_turns({name: steps}, sys.maxsize)

    def take_in_turns(self, cases: dict[str, Iterator[Step]], together: int) -> None:
        """Carry out some steps of each case, then some more: what slows the machine down then meets them all."""
        totals, left = {name: [0.0] * 5 for name in cases}, dict(cases)
        while left:
            for name, steps in tuple(left.items()):
                spent = self._spend(islice(steps, together))
                totals[name] = [total + part for total, part in zip(totals[name], spent, strict=True)]
                if not spent[0]:
                    del left[name]
        for name, (jobs, *parts) in totals.items():
            means = (part / max(jobs, 1) for part in parts)
            self.found |= dict(zip((f"{name}_{part}_us" for part in PARTS), means, strict=True))

    def _spend(self, steps: Iterator[Step]) -> tuple[float, float, float, float, float]:
        store, script, client, wall = self._store_us(), self._script_us(), time.process_time(), time.perf_counter()
        jobs = sum(step() for step in steps)
        wall, client = time.perf_counter() - wall, time.process_time() - client
        if not jobs:
            return 0, 0, 0, 0, 0
        return jobs, self._store_us() - store, self._script_us() - script, client * 1e6, wall * 1e6

    def _store_us(self) -> float:
        used: dict[str, Any] = self.client.info("cpu")
        return (float(used["used_cpu_user"]) + float(used["used_cpu_sys"])) * 1e6

    def _script_us(self) -> float:
        stats: dict[str, Any] = self.client.info("commandstats")
        return sum(float(stats.get(f"cmdstat_{name}", {}).get("usec", 0)) for name in ("evalsha", "eval"))


def ours(meter: Meter, jobs: int) -> None:
    """Submit, claim and settle as a server and a worker do."""
    run, make, backend = wiring.runner().run, wiring.identity().make, wiring.backend()
    producer, consumer = backend.producer("default"), backend.consumer("default")
    worker = f"bench-{secrets.token_hex(4)}"
    leases: list[Any] = []

    def submit() -> int:
        return len(run(producer.submit([Submission(make(), SPEC) for _ in range(BATCH)])))

    def claim(seq: int) -> int:
        token = secrets.token_hex(16)
        claimed = run(consumer.claim(("main",), worker, seq=seq, token=token, limit=BATCH, lease_ms=60_000))
        leases.extend(claimed.leases)
        return len(claimed.leases)

    def settle(start: int) -> int:
        ended = leases[start : start + BATCH]
        completed = [
            Settlement(job_id=lease.job.id, token=lease.token, outcome=OutcomeKind.COMPLETED, result=b"null")
            for lease in ended
        ]
        return len(run(consumer.settle(completed)))

    batches = range(jobs // BATCH)
    meter.take("submit", (submit for _ in batches))
    meter.take("claim", ((lambda seq=seq: claim(seq + 1)) for seq in batches))
    meter.take("settle", ((lambda start=start: settle(start * BATCH)) for start in batches))


def cheapest(meter: Meter, jobs: int, before: int = 0) -> None:
    """The least that could be called a submit, a claim and a settle: a hash and a sorted set, nothing kept in step."""
    script = meter.client.register_script(CHEAPEST.read_text())
    prefix = "ironforge:{bench/0}:"
    keys = [f"{prefix}ready", f"{prefix}leases", f"{prefix}done"]
    make = wiring.identity().make
    claimed: list[list[bytes]] = []

    def submit() -> int:
        ids = [make() for _ in range(BATCH)]
        return int(script(keys, ["submit", f"{prefix}job:", SPEC.payload, *ids]))

    def claim() -> int:
        reply = script(keys, ["claim", f"{prefix}job:", BATCH])
        claimed.append(reply[0::2])
        return len(claimed[-1])

    def settle(number: int) -> int:
        return int(script(keys, ["settle", f"{prefix}job:", *claimed[number]]))

    for _ in range(before // BATCH):
        submit()
    batches = range(jobs // BATCH)
    meter.take("submit", (submit for _ in batches))
    meter.take("claim", (claim for _ in batches))
    meter.take("settle", ((lambda number=number: settle(number)) for number in batches))


def main(jobs: int, *words: str) -> None:
    """Measure and print."""
    meter = Meter()
    if words[:1] == ("cheapest",):
        cheapest(meter, jobs, *map(int, words[1:]))
    else:
        ours(meter, jobs)
    print(json.dumps(meter.found))


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
