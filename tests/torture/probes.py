"""Asks each loop of each worker for a piece of its work, when everything is healed and drained."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from jobs.backends.redis.keys import Keys
from tests.journeys.api import Api
from tests.torture.cast import WORKERS, Cast
from tests.torture.ledger import now_ms
from tests.torture.outside import REMOTES
from tests.torture.plans import DEFAULT, NAMESPACES, OTHER, PUSHED, REMOTE_QUEUE
from tests.waiting import until

PATIENCE_S = 15.0
DELAYS_MS = (300, 500, 700, 900, 1100, 1300)
PROBE = "probe"


@dataclass
class Probes:
    """How long each loop took (ms), None for one that did not do its work in time; when each delayed job was due."""

    taken: dict[str, float | None] = field(default_factory=dict)
    due_ms: dict[str, float] = field(default_factory=dict)  # job → Unix ms


def probe(cast: Cast) -> Probes:
    """Ask for a piece of everybody's work."""
    probes = Probes()
    for ns in NAMESPACES:
        probes.taken[f"{ns}: claim and settle"] = _timed(lambda ns=ns: _complete(cast, ns, [_submit(cast, ns)]))
        probes.taken[f"{ns}: push"] = _timed(lambda ns=ns: _complete(cast, ns, [_submit(cast, ns, kind=PUSHED)]))
        probes.taken[f"{ns}: promotion"] = _timed(lambda ns=ns: _complete(cast, ns, _submit_delayed(cast, ns, probes)))
        probes.taken[f"{ns}: heartbeats"] = _timed(lambda ns=ns: _beats(cast, ns))
    far_away = {"queue": REMOTE_QUEUE}
    probes.taken["claims over HTTP"] = _timed(lambda: _complete(cast, DEFAULT, [_submit(cast, DEFAULT, **far_away)]))
    return probes


def _timed(work: Callable[[], None]) -> float | None:
    began = time.monotonic()
    try:
        work()
    except AssertionError:
        return None
    return (time.monotonic() - began) * 1000


def _submit(cast: Cast, ns: str, **fields: object) -> str:
    body = {"kind": "torture.quick", "payload": {"cid": PROBE, "ms": 0}, **fields}
    answer = Api(cast.http.port).ask("POST", "/jobs", body, authorization=f"Bearer {cast.keys[ns]}")
    assert answer.status == 202, answer
    return str(answer.body["id"])


def _submit_delayed(cast: Cast, ns: str, probes: Probes) -> list[str]:
    began_ms, ids = float(int(now_ms())), []
    for delay_ms in DELAYS_MS:
        due = datetime.fromtimestamp((began_ms + delay_ms) / 1000, UTC).isoformat()
        ids.append(_submit(cast, ns, scheduled_for=due))
        probes.due_ms[ids[-1]] = began_ms + delay_ms
    return ids


def _complete(cast: Cast, ns: str, job_ids: list[str]) -> None:
    for job_id in job_ids:
        path, key = f"/jobs/{job_id}?wait=10", f"Bearer {cast.keys[ns]}"
        assert Api(cast.http.port).ask("GET", path, authorization=key).body["status"] == "completed"


def _beats(cast: Cast, ns: str) -> None:
    """Wait until every worker process of a namespace was heard of after now."""
    asked_ms = now_ms()
    with cast.client("probe") as client:
        expected = len(REMOTES) if ns == DEFAULT else 0
        expected += sum(_processes(name, cast) for name in WORKERS if (name == "worker-3") == (ns == OTHER))
        until(lambda: client.zcount(Keys(ns).named("workers"), asked_ms, "+inf") >= expected, PATIENCE_S)


def _processes(name: str, cast: Cast) -> int:
    return max(1, len(cast.workers[name].children()))
