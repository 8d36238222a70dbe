"""The least that could be called a queue with leases: the cheapest scripts, a list to wake by, one loop.

What it reaches is the limit of a store of hashes and sorted sets with a worker in Python: a script that stores, one
that leases and one that ends a job. `python cheapest_jobs.py` is its worker; `feeder.py` sends.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import django

django.setup()

from jobs import wiring  # noqa: E402
from jobs.backends.redis.connection import connect  # noqa: E402
from stamps import note  # noqa: E402

BATCH = 100
PREFIX = "ironforge:{bench/0}:"
KEYS = (f"{PREFIX}ready", f"{PREFIX}leases", f"{PREFIX}done")
JOB, WAKE = f"{PREFIX}job:", f"{PREFIX}wake"

_client = connect(wiring.store_url(), "bench-least", 60.0)
_script = _client.register_script(Path(__file__).with_name("cheapest.lua").read_text())
_make = wiring.identity().make


def send(jobs: list[tuple[str, dict[str, Any]]]) -> None:
    """Store jobs, those of one payload by one call, and wake who waits; all in one round trip."""
    by_payload: dict[str, list[str]] = {}
    for _, payload in jobs:
        by_payload.setdefault(json.dumps(payload, separators=(",", ":")), []).append(_make())
    with _client.pipeline(transaction=False) as pipe:
        for payload, ids in by_payload.items():
            _script(KEYS, ["submit", JOB, payload, *ids], client=pipe)
        pipe.lpush(WAKE, 1)
        pipe.execute()


def work() -> None:
    """Claim, note and end jobs until somebody ends the program; wait where there is none."""
    while True:
        claimed = _script(KEYS, ["claim", JOB, BATCH])
        for fields in claimed[1::2]:
            payload = fields[fields.index(b"payload") + 1]
            if b"sent_us" in payload:
                note(json.loads(payload))
        if claimed:
            _script(KEYS, ["settle", JOB, *claimed[0::2]])
        else:
            _client.blpop([WAKE], 1)


if __name__ == "__main__":
    work()
