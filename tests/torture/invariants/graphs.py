"""Graphs: a step runs after its parents and as its policy says, none waits for ever, and each end is told once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from jobs.domain.status import FINAL, Status
from jobs.domain.workflow import WorkflowStatus
from tests.torture.history import History, Stored
from tests.torture.invariants.finding import Judgement
from tests.torture.invariants.node import Node, nodes_of
from tests.torture.ledger import Line
from tests.torture.workflows import StoredGraph

FAILED = {Status.DEAD_LETTER, Status.CANCELLED, None}


def graphs(history: History) -> Judgement:
    """I13: each step ran after its parents, by what handlers wrote and events told; all ended, and that was told."""
    judged = Judgement()
    counts: Counter[str] = Counter()
    for workflow_id, graph in history.graphs.items():
        nodes = nodes_of(history, workflow_id, graph)
        if nodes is None:
            judged.add(f"workflow {workflow_id} is none that a client asked for")
            continue
        for node in nodes.values():
            counts["steps"] += 1
            for text, job_id in _wrong_step(history, node, nodes):
                judged.add(f"{node.name} of {workflow_id}: {text}", job_id)
        for text in [*_wrong_end(history, graph, nodes), *_wrong_telling(history, workflow_id, graph)]:
            judged.add(f"workflow {workflow_id}: {text}")
        counts[graph.workflow.status.value] += 1
    for text in [*_left_waiting(history), *_forgotten(history), *_after_cancel(history), *_lost(history)]:
        judged.add(text)
    ends = " · ".join(f"{counts[status.value]} {status.value}" for status in WorkflowStatus if counts[status.value])
    judged.note = f"{counts['steps']} steps of {len(history.graphs)} graphs: {ends}; {len(history.blocked)} given up"
    return judged


def _wrong_step(history: History, node: Node, nodes: dict[str, Node]) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a step, and which of its jobs shows it."""
    done = [job_id for job_id in node.job_ids if _ended_as(history, job_id, {Status.COMPLETED})]
    if len(done) > 1:
        yield f"completed {len(done)} times, in as many jobs", done[0]
    for job_id in node.job_ids:
        for parent in (nodes[name] for name in node.parents):
            is_patient = node.policy == "continue"
            for text in _too_early(history, job_id, parent, FAILED if is_patient else set()):
                yield text, job_id
        stored = history.jobs.get(job_id)
        is_given_up = stored is not None and stored.job.reason == "parent_ended"
        if is_given_up and not _is_rightly_given_up(history, node, nodes):
            yield f"given up though its policy is {node.policy} and its parents are well", job_id


def _too_early(history: History, job_id: str, parent: Node, also: set[Status | None]) -> Iterator[str]:
    """Yield where a job was handed out before a parent had ended as it must, by events and by the lines of handlers."""
    ends = [
        move.order
        for each in parent.job_ids
        for move in history.moves.get(each, [])
        if move.status is Status.COMPLETED or move.status in also
    ]
    claims = [move.order for move in history.moves.get(job_id, []) if move.verb == "claim"]
    if claims and (not ends or min(ends) > min(claims)):
        yield f"it was handed out before {parent.name} had ended"
    if also:
        return
    done_ms = [line["at_ms"] for line in _lines(history, parent) if line["event"] == "end"]
    for line in history.runs.get(job_id, []):
        if line["event"] == "start" and (not done_ms or min(done_ms) > line["at_ms"]):
            yield f"it ran before {parent.name} had written that it is done"
        if line["event"] == "start" and "parents" in line:
            yield from _wrong_word(history, line, parent)


def _wrong_word(history: History, line: Line, parent: Node) -> Iterator[str]:
    """Yield in what an attempt was told something else of a parent than what is so."""
    status, made_by = line["parents"].get(parent.name, [None, None])
    kept = [history.jobs[each] for each in parent.job_ids if each in history.jobs]
    made = [stored.result["made_by"] for stored in kept if stored.job.status is Status.COMPLETED and stored.result]
    if status != "completed":
        yield f"it was told that {parent.name} is {status}"
    elif made and made_by not in made:
        yield f"it was given what {made_by} made of {parent.name}, which {made} completed"


def _lines(history: History, node: Node) -> Iterator[Line]:
    for job_id in node.job_ids:
        yield from history.runs.get(job_id, [])


def _ended_as(history: History, job_id: str, statuses: set[Status | None]) -> bool:
    return any(move.status in statuses for move in history.moves.get(job_id, []))


def _is_rightly_given_up(history: History, node: Node, nodes: dict[str, Node]) -> bool:
    """Tell whether a parent failed as the policy minds; one that waits gives up for who can never run again."""
    minded = {"cancel": FAILED, "wait": {Status.CANCELLED, None}, "continue": set()}[node.policy]
    return any(_ended_as(history, job_id, minded) for name in node.parents for job_id in nodes[name].job_ids)


def _wrong_end(history: History, graph: StoredGraph, nodes: dict[str, Node]) -> Iterator[str]:
    workflow = graph.workflow
    if workflow.status is WorkflowStatus.RUNNING or workflow.waiting or workflow.active or workflow.is_walking:
        yield f"{workflow.status} at the end, {workflow.waiting} of its steps wait and {workflow.active} are alive"
    found = Counter(step.status for step in graph.steps.values())
    told = {
        Status.COMPLETED: workflow.completed, Status.DEAD_LETTER: workflow.dead_letter,
        Status.CANCELLED: workflow.cancelled,
    }  # fmt: skip
    if {status: number for status, number in told.items() if number} != found:
        yield f"it counts {told}, and its steps are {dict(found)}"
    is_whole = found.keys() == {Status.COMPLETED}
    if is_whole != (workflow.status is WorkflowStatus.COMPLETED):
        yield f"{workflow.status}, and its steps are {dict(found)}"
    for node in nodes.values():
        parents = [graph.steps[name].status for name in node.parents]
        status = graph.steps[node.name].status
        if node.policy != "continue" and status is Status.COMPLETED and set(parents) & FAILED:
            yield f"{node.name} completed though its parents are {parents}"
        if status not in FINAL:
            yield f"{node.name} is {status}, its parents are {parents}"


def _wrong_telling(history: History, workflow_id: str, graph: StoredGraph) -> Iterator[str]:
    """Yield in what callbacks and webhooks told something else than each end once."""
    called = history.callbacks.get(workflow_id, [])
    sent = [stored for stored in history.jobs.values() if _tells_of(stored, workflow_id)]
    plan = history.planned_graphs.get(str(called[0].payload["payload"]["cid"])) if called else None
    for what, jobs, is_due in (("callbacks", called, True), ("webhooks", sent, plan is not None and plan.is_told)):
        if len(jobs) != (graph.workflow.run if is_due else 0):
            yield f"it ended {graph.workflow.run} times, and {len(jobs)} {what} tell of it"
        last = max(jobs, key=lambda stored: stored.job.id, default=None)
        if last is not None and last.payload["status"] != graph.workflow.status.value:
            yield f"{what} tell that it is {last.payload['status']}, and it is {graph.workflow.status}"
    for stored in called:
        if stored.job.status is not Status.COMPLETED:
            yield f"its callback {stored.job.id} is {stored.job.status}"


def _tells_of(stored: Stored, workflow_id: str) -> bool:
    return stored.is_delivery and "workflow" in stored.payload and stored.payload["job_id"] == workflow_id


def _left_waiting(history: History) -> Iterator[str]:
    """Yield the steps that nothing but a step or a dead letter kept, when nothing else was left to do, and wrongly."""
    for line in history.blocked:
        graph = history.graphs.get(line["workflow"])
        nodes = nodes_of(history, line["workflow"], graph) if graph is not None else None
        for name, (status, after) in line["steps"].items() if nodes else ():
            kept_by = {parent: line["steps"][parent][0] for parent in after}
            waits = nodes is not None and nodes[name].policy == "wait" and "dead_letter" in kept_by.values()
            if status == "waiting" and not waits and "waiting" not in kept_by.values():
                yield f"{name} of {line['workflow']} waited for nobody: its parents were {kept_by}"
        if not line["is_blocked"]:
            yield f"workflow {line['workflow']} did not go on and did not say so: {line['steps']}"


def _forgotten(history: History) -> Iterator[str]:
    """Yield the steps that a step was told were added, and that are not there."""
    for line in history.grown:
        if line["event"] == "answer" and line["http"] == 200 and line["workflow"] in history.graphs:
            there = history.graphs[line["workflow"]].steps
            splits = [node for graph in history.planned_graphs.values() for node in graph.nodes]
            added = [each.name for node in splits if node.job.cid == line["cid"] for each in node.adds]
            if gone := [name for name in added if name not in there]:
                yield f"{gone} were added to {line['workflow']} and are not there"


def _lost(history: History) -> Iterator[str]:
    for line in history.clients:
        if line["verb"] == "workflow" and line["event"] == "ok" and line["workflow"] not in history.graphs:
            yield f"workflow {line['workflow']} was accepted and is gone"


def _after_cancel(history: History) -> Iterator[str]:
    """Yield what was handed out of a workflow after it was cancelled, unless somebody let it run again."""
    retried = {line["of"] for line in history.clients if line["verb"] == "workflow_retry"}
    for line in history.clients:
        workflow_id = line.get("workflow")
        if line["verb"] != "workflow_cancel" or line["event"] != "ok" or workflow_id in retried:
            continue
        for job_id, stored in history.jobs.items():
            moves = history.moves.get(job_id, [])
            is_step = stored.job.workflow_id == workflow_id and stored.job.step is not None
            if not is_step or any(move.verb == "retry" for move in moves):
                continue
            if any(move.verb == "claim" and move.at_ms > line["at_ms"] for move in moves):
                yield f"{stored.job.step} of {workflow_id} was handed out after that was cancelled"
