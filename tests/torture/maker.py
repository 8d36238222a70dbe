"""Makes jobs of one plan, each with an id of its own."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from tests.torture.plans import PUSHED, JobPlan


@dataclass
class Maker:
    """`kinds` are the weights of what is asked for; `end_ms` is when the last is."""

    chance: random.Random
    end_ms: int
    made: int = 0
    kinds: dict[str, float] = field(
        default_factory=lambda: {
            "ok": 28, "flaky": 9, "bad": 4, "crash": 1.5, "hang": 1.5, "long": 4, "snooze": 3, "delayed": 5,
            "repeated": 8, "cancelled": 6, "discard": 1, "child": 5, "child_crash": 1.5, "child_hang": 1,
            "remote": 8, "remote_long": 4, "remote_cancelled": 4, "remote_trouble": 5,
            "push": 8, "push_trouble": 4, "push_cancelled": 1.5, "told": 7,
            "graph": 4, "batch": 1, "limited": 1, "keyed": 1.5,
        }
    )  # fmt: skip

    def cid(self) -> str:
        """Return an id that no other has."""
        self.made += 1
        return f"c{self.made}"

    def job(self, kind: str, **more: Any) -> JobPlan:
        """Return a job of a kind in some queue, of some priority, that takes some time, unless `more` says other."""
        cid, ms = self.cid(), self.chance.choice((0, 5, 20, 100, 400))
        queue = more.pop("queue", None) or self.chance.choice(("main", "main", "main", "side"))
        priority = self.chance.choice(("critical", "high", "medium", "low"))
        payload = {"cid": cid, "ms": more.pop("ms", ms), **more.pop("payload", {})}
        return JobPlan(cid, kind, payload, queue, priority, **more)

    def plain(self, **more: Any) -> JobPlan:
        """Return a job that completes."""
        return self.job(self.chance.choice(("torture.ok", "torture.ok", "torture.quick", "torture.thread")), **more)

    def pushed(self, *answers: str, **more: Any) -> JobPlan:
        """Return a job for the receiver, and how it is answered there, an attempt after the other."""
        return self.job(PUSHED, payload={"answers": list(answers)}, **{"max_retries": 6} | more)
