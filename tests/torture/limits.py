"""The limits of a run: of a queue, of a kind, of each key of a kind, and of what a namespace may have running."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.journeys.api import Api
from tests.torture.plans import BULK_QUEUE, NAMESPACES, OTHER, JobPlan

LIMITED, KEYED = "torture.limited", "torture.keyed"
RATE_PERIOD_MS, RATE_STARTS = 1000, 4
# Fewer than the slots of who serves it.
QUOTA = {OTHER: 7}


@dataclass(frozen=True)
class Limit:
    """So many jobs at once of all of which `group` says the same; None: it does not limit them. `by` is a route."""

    by: str
    name: str
    concurrency: int
    group: Callable[[JobPlan], str | None]
    more: Mapping[str, Any]


LIMITS = (
    Limit("queues", BULK_QUEUE, 3, lambda job: job.queue if job.queue == BULK_QUEUE else None, {}),
    Limit("kinds", LIMITED, 2, lambda job: job.kind if job.kind == LIMITED else None, {}),
    Limit(
        "keys", KEYED, 2, lambda job: job.payload["shop"] if job.kind == KEYED else None,
        {"path": "payload.shop", "rate": {"starts": RATE_STARTS, "period_ms": RATE_PERIOD_MS}},
    ),
)  # fmt: skip


def set_limits(api: Api, keys: Mapping[str, Mapping[str, str]]) -> None:
    """Set all in each namespace. `keys`: namespace → who asks → API key."""
    for ns in NAMESPACES:
        for limit in LIMITS:
            body = {"concurrency": limit.concurrency, **limit.more}
            answer = api.ask(
                "PUT", f"/limits/{limit.by}/{limit.name}", body, authorization=f"Bearer {keys[ns]['client']}"
            )
            assert answer.status in (200, 201), answer
    for ns, running in QUOTA.items():
        body = {"quota": {"running": running}}
        answer = api.ask("PATCH", f"/namespaces/{ns}", body, authorization=f"Bearer {keys[ns]['installer']}")
        assert answer.status == 200, answer
