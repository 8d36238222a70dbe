"""What can be asked in a run: jobs, graphs of jobs, and requests about them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

DEFAULT, OTHER = "default", "tenant-b"
NAMESPACES = (DEFAULT, OTHER)
BULK_QUEUE = "bulk"
QUEUES = ("main", "side", BULK_QUEUE)
# Served by workers that speak HTTP, in the namespace `default` alone.
REMOTE_QUEUE = "remote"
# A kind without a handler: it is bound to the receiver.
PUSHED = "torture.push"
# A step that adds steps, and what is told of the end of a graph.
SPLIT, CALLBACK = "torture.split", "torture.callback"
# Requests that make the jobs that they name.
MAKING = frozenset({"submit", "bulk", "workflow"})


@dataclass(frozen=True)
class JobPlan:
    """One job as its client will submit it. `delay_ms` 0: now."""

    cid: str
    kind: str
    payload: dict[str, Any]
    queue: str = "main"
    priority: str = "medium"
    max_retries: int = 3
    timeout_ms: int = 20_000
    delay_ms: int = 0
    backoff_ms: tuple[int, int] = (100, 1000)
    webhook: tuple[str, ...] = ()  # how whoever is told of its end answers, one delivery after the other

    def body(self) -> dict[str, Any]:
        """Return what a request for it says, without what depends on the time and the place of the run."""
        return {
            "kind": self.kind,
            "payload": self.payload,
            "queue": self.queue,
            "priority": self.priority,
            "max_retries": self.max_retries,
            "timeout_ms": self.timeout_ms,
            "backoff": {"base_ms": self.backoff_ms[0], "max_ms": self.backoff_ms[1]},
        }


@dataclass(frozen=True)
class NodePlan:
    """One step of a graph; a policy of None is the graph's. `adds` are what it adds while it runs."""

    name: str
    job: JobPlan
    after: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    policy: str | None = None
    adds: tuple[NodePlan, ...] = ()

    def body(self) -> dict[str, Any]:
        """Return the step as a request has it."""
        more: dict[str, Any] = {"before": list(self.before)} if self.before else {}
        if self.policy is not None:
            more["on_parent_failure"] = self.policy
        return {"name": self.name, **self.job.body(), "after": list(self.after), **more}


@dataclass(frozen=True)
class GraphPlan:
    """A workflow as its client will submit it; a callback with its `gid` tells its end, and perhaps a webhook."""

    gid: str
    policy: str
    nodes: tuple[NodePlan, ...]
    is_told: bool = False

    def all_nodes(self) -> Iterator[NodePlan]:
        """Yield its steps and those that they add."""
        for node in self.nodes:
            yield node
            yield from node.adds

    def body(self) -> dict[str, Any]:
        """Return the request, without the address of its webhook."""
        callback = {"kind": CALLBACK, "payload": {"cid": self.gid}, "queue": "side"}
        steps = [node.body() for node in self.nodes]
        return {"name": "torture", "steps": steps, "on_parent_failure": self.policy, "callback": callback}


@dataclass(frozen=True)
class Step:
    """One request: `verb` is submit, bulk, cancel, retry, pause, resume, purge, workflow, workflow_cancel or
    workflow_retry, or of OPERATIONS.

    `of` is the step whose job or graph is meant.
    """

    at_ms: int
    verb: str
    ns: str
    jobs: tuple[JobPlan, ...] = ()
    key: str | None = None
    of: str = ""
    queue: str = ""
    graph: GraphPlan | None = None
