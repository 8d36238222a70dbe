"""The graph of a workflow: what is judged, and the plan of it, by property."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jobs.domain.job import JobSpec
from jobs.domain.workflow import Step, cycle_in, plan
from jobs.domain.workflow_body import judge_graph

NAMES = [f"s{number}" for number in range(12)]
EDGES = st.sets(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), max_size=20)


def steps_of(edges: set[tuple[str, str]]) -> list[Step]:
    """Return steps of which the first of each pair stands after the second."""
    return [
        Step(name=name, spec=JobSpec(kind="k"), after=tuple(sorted(parent for child, parent in edges if child == name)))
        for name in NAMES
    ]


def reaches(edges: set[tuple[str, str]], start: str) -> set[str]:
    """Return what is found behind a step by walking up, slowly."""
    found: set[str] = set()
    while more := {parent for child, parent in edges if child in found | {start}} - found:
        found |= more
    return found


@given(EDGES)
def test_a_cycle_is_found_where_a_slow_walk_finds_one_and_is_one(edges: set[tuple[str, str]]) -> None:
    after = {step.name: step.after for step in steps_of(edges)}
    cycle = cycle_in(after)
    assert bool(cycle) == any(name in reaches(edges, name) for name in NAMES)
    for place, name in enumerate(cycle):
        assert cycle[(place + 1) % len(cycle)] in after[name]
    assert bool(judge_graph(steps_of(edges), ())) == bool(cycle)


@given(EDGES.filter(lambda edges: not cycle_in({s.name: s.after for s in steps_of(edges)})))
def test_a_plan_numbers_each_step_behind_its_parents_and_mirrors_the_edges(edges: set[tuple[str, str]]) -> None:
    planned = plan(steps_of(edges))
    assert [each.number for each in planned] == list(range(1, len(NAMES) + 1))
    numbers = {each.step.name: each.number for each in planned}
    for each in planned:
        assert each.parents == tuple(sorted(numbers[parent] for parent in each.step.after))
        assert all(parent < each.number for parent in each.parents)
        assert all(each.number in planned[child - 1].parents for child in each.children)
    assert sum(len(each.children) for each in planned) == len(edges)


def test_steps_that_are_added_go_on_behind_those_that_are_there() -> None:
    spec = JobSpec(kind="k")
    known = {"a": 1, "join": 2}
    first, second = plan(
        [Step(name="y", spec=spec, after=("x",), before=("join",)), Step(name="x", spec=spec, after=("a",))], known
    )
    assert (first.step.name, first.number, first.parents, first.children) == ("x", 3, (1,), (4,))
    assert (second.step.name, second.number, second.parents, second.children) == ("y", 4, (3,), (2,))
