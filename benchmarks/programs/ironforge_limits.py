"""What a claim costs with limits by key, or in many namespaces: `python ironforge_limits.py <jobs>` prints JSON.

As in ironforge_cost.py. Each case has its plain one beside it: the same batches, without keys, in one namespace.
"""

from __future__ import annotations

import json
import secrets
import sys
from functools import partial
from itertools import count
from typing import Final

import msgspec

from ironforge_cost import BATCH, SPEC, Meter, wiring
from jobs.backends.base import Submission
from jobs.domain.limit import Limit, LimitBy

KEYS: Final = (1, 100, 10_000)
NAMESPACES: Final = 1_000
FEW: Final = 10
FULL: Final = "full"
# Claims of a case before the next has its turn.
TOGETHER: Final = 10
_tokens = count(1)


def submit(namespace: str, keys: list[str | None]) -> None:
    """Store a job for each key."""
    producer, make = wiring.backend().producer(namespace), wiring.identity().make
    for first in range(0, len(keys), BATCH):
        some = [msgspec.structs.replace(SPEC, limit_key=key) for key in keys[first : first + BATCH]]
        wiring.runner().run(producer.submit([Submission(make(), spec) for spec in some]))


def claim(namespace: str, limit: int) -> int:
    """Claim some of them."""
    consumer, token = wiring.backend().consumer(namespace), secrets.token_hex(16)
    call = consumer.claim(("main",), f"w-{namespace}", seq=next(_tokens), token=token, limit=limit, lease_ms=600_000)
    return len(wiring.runner().run(call).leases)


def limited(namespace: str, concurrency: int) -> None:
    """Limit how many jobs of each key of the kind run at once."""
    limit = Limit(by=LimitBy.KEY, name=SPEC.kind, concurrency=concurrency, set_by="bench")
    wiring.runner().run(wiring.backend().limits(namespace).put(limit))


def take(meter: Meter, jobs: int) -> None:
    """Measure each case and its plain one."""
    batches = range(jobs // BATCH)
    submit("plain", [None] * jobs)
    cases = {"plain": (partial(claim, "plain", BATCH) for _ in batches)}
    for keys in KEYS:
        namespace = f"keys-{keys}"
        limited(namespace, 100_000)
        submit(namespace, [f"customer-{number % keys}" for number in range(jobs)])
        cases[f"{keys}"] = (partial(claim, name, BATCH) for name in [namespace] * len(batches))
    fill_keys(FULL)
    submit(FULL, [None] * jobs)
    cases[FULL] = (partial(claim, FULL, BATCH) for _ in batches)
    meter.take_in_turns(cases, TOGETHER)
    names = [f"tenant-{number}" for number in range(NAMESPACES)]
    submit("one", [None] * FEW * NAMESPACES)
    for name in names:
        submit(name, [None] * FEW)
    few = {
        "one": (partial(claim, "one", FEW) for _ in names),
        "namespaces": (partial(claim, name, FEW) for name in names),
    }
    meter.take_in_turns(few, TOGETHER * BATCH // FEW)


def fill_keys(namespace: str) -> None:
    """Make many keys full, and let each hold one job back."""
    limited(namespace, 1)
    for _ in range(2):
        submit(namespace, [f"customer-{number}" for number in range(KEYS[-1])])
    for _ in range(4 * KEYS[-1] // BATCH):
        claim(namespace, BATCH)


if __name__ == "__main__":
    measured = Meter()
    take(measured, int(sys.argv[1]))
    print(json.dumps(measured.found))
