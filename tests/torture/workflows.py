"""The graphs of a run at its end, in the store; what nobody started is swept, and what is blocked is given up."""

from __future__ import annotations

import http.client
import time
from dataclasses import dataclass, field

import redis

from jobs.backends.base import MAX_BATCH
from jobs.backends.redis.backend import RedisBackend
from jobs.backends.redis.keys import Keys
from jobs.backends.redis.runner import SyncRunner
from jobs.backends.redis.script_call import script_call
from jobs.backends.workflows import MAX_READ
from jobs.domain.status import Status
from jobs.domain.workflow import StepState, Workflow
from tests.journeys.api import Api
from tests.torture.cast import Cast
from tests.torture.ledger import Ledger
from tests.torture.plans import NAMESPACES

# For so long nothing but waiting steps is there before they count as blocked, and then again.
CALM_S = 3.0
_FOREVER_MS = 10**12


@dataclass
class StoredGraph:
    """A workflow at the end, with its steps by name."""

    ns: str
    workflow: Workflow
    steps: dict[str, StepState] = field(default_factory=dict)


class Blocked:
    """Gives up workflows that wait for somebody to re-inject a dead letter, and writes down how they stood."""

    def __init__(self, cast: Cast) -> None:
        self._cast = cast
        self._api = Api(cast.http.port)
        self._ledger = Ledger(cast.stage.folder / "blocked.jsonl")
        self._calm_since = time.monotonic()

    def look(self, *, is_calm: bool) -> None:
        """Give up what is blocked once nothing but waiting steps (`is_calm`) has been there for a while."""
        if not is_calm:
            self._calm_since = time.monotonic()
        elif time.monotonic() - self._calm_since > CALM_S:
            self._calm_since = time.monotonic()
            for ns in NAMESPACES:
                self._give_up(ns)

    def _give_up(self, ns: str) -> None:
        asked = {"authorization": f"Bearer {self._cast.keys[ns]}"}
        try:
            found = self._api.ask("GET", "/workflows?status=running&limit=200", **asked)
            for summary in found.body.get("data", []):
                path = f"/workflows/{summary['id']}"
                seen = self._api.ask("GET", path, **asked).body
                steps = {step["name"]: [step["status"], step["after"]] for step in seen["steps"]}
                self._ledger.write("blocked", workflow=seen["id"], is_blocked=seen["is_blocked"], steps=steps)
                self._api.ask("POST", f"{path}/cancel", **asked)
        except (OSError, http.client.HTTPException, ValueError):
            return


def sweep(client: redis.Redis) -> None:
    """Remove what was staged and never started, as the upkeep of workers does after ten minutes."""
    for ns in NAMESPACES:
        rules = ("", 0, _FOREVER_MS, _FOREVER_MS, _FOREVER_MS, MAX_BATCH)
        while SyncRunner(client).run(script_call("sweep", Keys(ns), rules, bool)):
            pass


def read_graphs(client: redis.Redis) -> dict[str, StoredGraph]:
    """Return every workflow by id."""
    found, runner = {}, SyncRunner(client)
    for ns in NAMESPACES:
        calls = RedisBackend().workflows(ns)
        for member in client.zrange(Keys(ns).named("workflows"), 0, -1):
            read = runner.run(calls.get(member.decode(), 1, MAX_READ))
            if read is not None:
                found[member.decode()] = StoredGraph(ns, read[0], {step.name: step for step in read[1]})
    return found


def waiting_in(client: redis.Redis) -> int:
    """Return how many steps wait for their parents."""
    return sum(int(client.zcard(Keys(ns).index(Status.WAITING))) for ns in NAMESPACES)
