"""A step of a graph of a run: what was planned of it, and which jobs it was."""

from __future__ import annotations

from dataclasses import dataclass

from tests.torture.history import History
from tests.torture.plans import GraphPlan
from tests.torture.workflows import StoredGraph


@dataclass(frozen=True)
class Node:
    """A step with the names of its parents, its policy, and its jobs: it gets another each time it is renewed."""

    name: str
    parents: tuple[str, ...]
    policy: str
    job_ids: tuple[str, ...]


def nodes_of(history: History, workflow_id: str, graph: StoredGraph) -> dict[str, Node] | None:
    """Return the steps of a workflow by name as its plan has them; None where no plan has them so."""
    plan = _plan_of(history, workflow_id, graph)
    if plan is None:
        return None
    planned = {node.name: node for node in plan.all_nodes()}
    if not graph.steps.keys() <= planned.keys() or not {node.name for node in plan.nodes} <= graph.steps.keys():
        return None
    jobs: dict[str, list[str]] = {}
    for job_id, stored in history.jobs.items():
        if stored.job.workflow_id == workflow_id and stored.job.step is not None:
            jobs.setdefault(stored.job.step, []).append(job_id)
    found = {}
    for name, step in graph.steps.items():
        # What was purged is known by its place in the graph alone.
        job_ids = tuple(dict.fromkeys([*jobs.get(name, []), step.job_id]))
        added = tuple(other for other in graph.steps if name in planned[other].before)
        found[name] = Node(name, planned[name].after + added, planned[name].policy or plan.policy, job_ids)
    return found


def _plan_of(history: History, workflow_id: str, graph: StoredGraph) -> GraphPlan | None:
    """Return the plan whose client's ids its steps or its callbacks have."""
    owners = {node.job.cid: plan for plan in history.planned_graphs.values() for node in plan.all_nodes()}
    for step in graph.steps.values():
        if step.job_id in history.jobs:
            return owners.get(history.jobs[step.job_id].cid)
    called = history.callbacks.get(workflow_id, [])
    return history.planned_graphs.get(str(called[0].payload["payload"]["cid"])) if called else None
