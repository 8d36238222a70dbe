"""One child, as its worker knows it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from workers.isolation.attempt import IsolatedAttempt
from workers.isolation.line import Line


@dataclass(eq=False, slots=True)
class Child:
    """A child and what it does. `number` names the attempt that it has, which is None between two."""

    row: int
    line: Line
    pid: int = 0
    born: float = field(default_factory=time.monotonic)
    idle_since: float = field(default_factory=time.monotonic)
    jobs: int = 0
    number: int = 0
    attempt: IsolatedAttempt | None = None
    is_signalled: bool = False
    is_leaving: bool = False
    is_dead: bool = False

    @property
    def job_fields(self) -> dict[str, Any]:
        """Return what a log says of the job that it has, nothing where it has none."""
        job = self.attempt and self.attempt.lease.job
        return {"job_id": job.id, "kind": job.kind} if job else {}
