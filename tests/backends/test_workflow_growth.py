"""Steps that are added while a workflow runs, by who holds one of them."""

from __future__ import annotations

import msgspec

from jobs.backends.workflows import GrowCode
from jobs.domain.job import JobSpec
from jobs.domain.lease import Lease
from jobs.domain.workflow import Step, WorkflowStatus, plan
from tests.graph import Graph, made
from tests.stores import Bench


def add(graph: Graph, holder: Lease, steps: tuple[Step, ...], known: int | None = None) -> GrowCode:
    numbers = {name: step.number for name, step in graph.steps().items()}
    placed = [(planned, graph.bench.ids.make()) for planned in plan(steps, numbers)]
    amount = graph.look().steps if known is None else known
    return graph.bench.twice(graph.calls.grow(graph.id, holder.job.id, holder.token, amount, placed))


def test_a_step_that_runs_adds_others_that_its_join_waits_for(bench: Bench) -> None:
    graph = made(bench, {"split": [], "join": ["split"]})
    holder = bench.lease()
    spec = JobSpec(kind="part")
    parts = tuple(Step(name=f"p{number}", spec=spec, after=("split",), before=("join",)) for number in range(3))
    assert add(graph, holder, parts) is GrowCode.GROWN
    assert add(graph, holder, (Step(name="free", spec=spec),)) is GrowCode.GROWN
    assert graph.statuses()["free"] == "queued"
    bench.settle(holder)
    assert graph.run_out() == [{"p0", "p1", "p2", "free"}, {"join"}]
    assert graph.look().status is WorkflowStatus.COMPLETED


def test_only_who_holds_a_step_adds_others_and_only_before_what_still_waits(bench: Bench) -> None:
    graph = made(bench, {"a": [], "b": [], "c": ["b"]})
    leases = graph.leases()
    more = (Step(name="m", spec=JobSpec(kind="part"), before=("c",)),)
    assert add(graph, leases["a"], more, known=2) is GrowCode.CHANGED
    stranger = made(bench, {"z": []}).leases()["z"]
    assert add(graph, stranger, more) is GrowCode.LEASE_LOST
    bench.settle(leases["b"])
    assert add(graph, leases["a"], more) is GrowCode.BEGUN
    bench.settle(leases["a"])
    assert add(graph, leases["a"], more) is GrowCode.LEASE_LOST
    assert graph.run_out() == [{"c"}]


def test_a_step_behind_one_that_completed_long_ago_goes_at_once(bench: Bench) -> None:
    graph = made(bench, {"a": [], "b": ["a"]})
    bench.settle(bench.lease(), result=b"7")
    holder = bench.lease()
    assert add(graph, holder, (Step(name="m", spec=JobSpec(kind="part"), after=("a",)),)) is GrowCode.GROWN
    assert msgspec.json.decode(bench.lease().parents or b"")["a"]["result"] == 7
