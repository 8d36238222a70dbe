"""The invariants of graphs, limits and operations notice what they are there for, in a history that was made up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from jobs.domain.status import Status
from jobs.domain.workflow import OnParentFailure, StepState, Workflow, WorkflowStatus
from tests.torture.history import History, Stored
from tests.torture.invariants.bounds import bounds
from tests.torture.invariants.graphs import graphs
from tests.torture.invariants.operations import operations
from tests.torture.limits import KEYED
from tests.torture.operations import Operation
from tests.torture.plans import CALLBACK, DEFAULT, GraphPlan, JobPlan, NodePlan, Step
from tests.torture.schedule import Schedule
from tests.torture.test_invariants import _client, _well
from tests.torture.watcher import Move
from tests.torture.workflows import StoredGraph

S = Status


def _moves(first: int, *moves: tuple[str, Status]) -> list[Move]:
    """Return moves in the order of the store from `first` on, a millisecond and a place in it each."""
    return [Move(first + at, DEFAULT, verb, status, first + at) for at, (verb, status) in enumerate(moves)]


def _line(event: str, at_ms: float, job: str, **more: Any) -> dict[str, Any]:
    usual = {"event": event, "at_ms": at_ms, "token": f"t-{job}", "attempt": 1, "pid": 1, "job": job, "cid": job}
    return usual | more


def _job(history: History, job_id: str, payload: dict[str, Any], **fields: Any) -> None:
    job = history.jobs["j1"].job
    document = {name: getattr(job, name) for name in job.__struct_fields__} | {"id": job_id} | fields
    stored = Stored(type(job)(**document), f"t-{job_id}", payload, {"made_by": f"t-{job_id}"})
    history.jobs[job_id] = stored


def _graph() -> History:
    """Return the history of a graph in which `b` stands after `a`, and both completed."""
    history = _well()
    names = {"a": (), "b": ("a",)}
    nodes = tuple(NodePlan(name, JobPlan(f"j-{name}", "torture.ok", {"cid": f"j-{name}"}), after)
                  for name, after in names.items())  # fmt: skip
    plan = GraphPlan("g", "cancel", nodes)
    step = Step(0, "workflow", DEFAULT, tuple(node.job for node in nodes), of="g", graph=plan)
    history.schedule = Schedule(1, 1.0, (*history.schedule.steps, step), ())
    history.clients.append(_client("ok", "workflow", ids=["j-a", "j-b"], cids=["j-a", "j-b"], workflow="w"))
    made = (("stage", S.WAITING), ("release", S.QUEUED), ("claim", S.RUNNING), ("settle", S.COMPLETED))
    for name, first in (("a", 100), ("b", 200)):
        _job(history, f"j-{name}", {"cid": f"j-{name}"}, workflow_id="w", step=name)
        history.moves[f"j-{name}"] = _moves(first, *made)
    told = {"parents": {"a": ["completed", "t-j-a"]}}
    history.handlers += [_line("start", 102, "j-a"), _line("end", 102.5, "j-a"), _line("start", 202, "j-b", **told)]
    _job(history, "k", {"workflow_id": "w", "status": "completed", "payload": {"cid": "g"}}, kind=CALLBACK)
    whole = Workflow(
        id="w", name="torture", status=WorkflowStatus.COMPLETED, created_at=0, finished_at=1, steps=2, waiting=0,
        active=0, completed=2, dead_letter=0, cancelled=0, on_parent_failure=OnParentFailure.CANCEL,
    )  # fmt: skip
    steps = {"a": StepState(1, "a", "j-a", S.COMPLETED, ()), "b": StepState(2, "b", "j-b", S.COMPLETED, (1,))}
    history.graphs["w"] = StoredGraph(DEFAULT, whole, steps)
    return history


def _started_too_early(history: History) -> None:
    history.handlers[-1]["at_ms"] = 101.0


def _handed_out_too_early(history: History) -> None:
    history.moves["j-b"] = [replace(move, order=move.order - 100) for move in history.moves["j-b"]]


def _told_of_another(history: History) -> None:
    history.handlers[-1]["parents"] = {"a": ["completed", "t-x"]}


def _told_nothing(history: History) -> None:
    history.handlers[-1]["parents"] = {}


def _waits_for_ever(history: History) -> None:
    graph = history.graphs["w"]
    whole = {name: getattr(graph.workflow, name) for name in graph.workflow.__struct_fields__}
    graph.workflow = Workflow(**whole | {"status": WorkflowStatus.RUNNING, "waiting": 1, "completed": 1})
    graph.steps["b"] = StepState(2, "b", "j-b", S.WAITING, (1,))


def _waited_for_nobody(history: History) -> None:
    steps = {"a": ["completed", []], "b": ["waiting", ["a"]]}
    history.blocked.append({"workflow": "w", "is_blocked": True, "steps": steps})


def _completed_twice(history: History) -> None:
    _job(history, "j-b2", {"cid": "j-b"}, workflow_id="w", step="b")
    history.moves["j-b2"] = _moves(300, ("submit", S.WAITING), ("settle", S.COMPLETED))


def _given_up_for_nothing(history: History) -> None:
    _job(history, "j-b", {"cid": "j-b"}, workflow_id="w", step="b", status=S.CANCELLED, reason="parent_ended")


def _end_not_told(history: History) -> None:
    del history.jobs["k"]


def _end_told_twice(history: History) -> None:
    _job(history, "k2", history.jobs["k"].payload, kind=CALLBACK)


def _went_on_after_cancel(history: History) -> None:
    history.clients.append(_client("ok", "workflow_cancel", at_ms=150.0, workflow="w", of="w"))


def _added_and_gone(history: History) -> None:
    split = history.schedule.steps[-1]
    assert split.graph is not None
    node = replace(split.graph.nodes[0], adds=(NodePlan("p0", JobPlan("j-p", "torture.ok", {})),))
    graph = replace(split.graph, nodes=(node, *split.graph.nodes[1:]))
    history.schedule = replace(history.schedule, steps=(*history.schedule.steps[:-1], replace(split, graph=graph)))
    history.grown.append({"event": "answer", "http": 200, "workflow": "w", "cid": "j-a"})


def _accepted_and_gone(history: History) -> None:
    history.clients[-1]["workflow"] = "w2"


def test_a_graph_that_went_well_is_well() -> None:
    assert graphs(_graph()).findings == []


@pytest.mark.parametrize(
    "spoil",
    [
        _started_too_early, _handed_out_too_early, _told_of_another, _told_nothing, _waits_for_ever, _waited_for_nobody,
        _completed_twice, _given_up_for_nothing, _end_not_told, _end_told_twice, _went_on_after_cancel, _added_and_gone,
        _accepted_and_gone,
    ],
)  # fmt: skip
def test_a_graph_that_went_wrong_is_noticed(spoil: Callable[[History], None]) -> None:
    history = _graph()
    spoil(history)
    assert graphs(history).findings


@pytest.mark.parametrize(("at_once", "is_well"), [(2, True), (3, False)])
def test_more_at_once_of_a_key_than_may_be_is_noticed(at_once: int, is_well: bool) -> None:
    history = _well()
    jobs = tuple(JobPlan(f"k{number}", KEYED, {"shop": "a"}) for number in range(at_once))
    history.schedule = Schedule(1, 1.0, (Step(0, "bulk", DEFAULT, jobs),), ())
    for number in range(at_once):
        _job(history, f"k{number}", {"cid": f"k{number}"})
        history.moves[f"k{number}"] = [
            Move(5, DEFAULT, "claim", S.RUNNING, 5),
            Move(9, DEFAULT, "settle", S.COMPLETED, 9),
        ]
    assert (bounds(history).findings == []) is is_well


def _operation(history: History, **more: Any) -> None:
    sums = {"taken": 1, "total": 1, "done": 1, "skipped": 0, "failed": 0}
    shown = {"id": "o", "action": "retry", "status": "completed", **sums}
    times = {"created_at": "1970-01-01T00:00:00Z", "finished_at": "1970-01-01T00:00:01Z"}
    outcome = {"id": "j1", "code": "done", "status": "queued"}
    history.operations = [Operation(DEFAULT, shown | times | more, [outcome])]
    history.clients.append(_client("ok", "retry_all", cids=[], ids=[]))


def _did_nothing(history: History) -> None:
    history.moves["j1"][1] = Move(20, DEFAULT, "claim", S.RUNNING)


def _was_not_accepted(history: History) -> None:
    history.clients[-1] = _client("unknown", "retry_all", cids=[], ids=[])


def _is_lost(history: History) -> None:
    history.operations = []


def _did_not_end(history: History) -> None:
    _operation(history, status="running")


def _took_none_twice(history: History) -> None:
    history.operations[0].outcomes.append(history.operations[0].outcomes[0])


@pytest.mark.parametrize("spoil", [None, _did_nothing, _was_not_accepted, _is_lost, _did_not_end, _took_none_twice])
def test_an_operation_that_went_wrong_is_noticed(spoil: Callable[[History], None] | None) -> None:
    history = _well()
    history.moves["j1"][1:1] = [Move(20, DEFAULT, "retry", S.QUEUED)]
    _operation(history)
    if spoil is not None:
        spoil(history)
    assert (operations(history).findings == []) is (spoil is None)
