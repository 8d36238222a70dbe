"""IronForge: how Django code sends jobs in bulk, through the service that every face uses."""

from __future__ import annotations

import json
from typing import Any

import django

django.setup()

from jobs.access.actor import system_actor  # noqa: E402
from jobs.domain.job import JobSpec  # noqa: E402
from jobs.domain.priority import Priority  # noqa: E402
from jobs.services.submission import NewJob, submit  # noqa: E402

ACTOR = system_actor("benchmark", "default")
KINDS = {"noop": "email.send", "stamp": "bench.stamp", "nap": "bench.nap"}


def send(jobs: list[tuple[str, dict[str, Any]]]) -> None:
    """Send in bulk; the payload is serialized here, as a caller would have to."""
    submit(ACTOR, [NewJob(_spec(name, payload)) for name, payload in jobs])


def _spec(name: str, payload: dict[str, Any]) -> JobSpec:
    return JobSpec(
        kind=KINDS[name],
        payload=json.dumps(payload, separators=(",", ":")).encode(),
        priority=Priority.HIGH,
        max_retries=3,
    )
