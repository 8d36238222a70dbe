"""Workflows in the console: the list, the graph and the steps of one, and its acts, by who may."""

from __future__ import annotations

import re

import pytest

from jobs.access.scopes import Role
from jobs.domain.outcome import OutcomeKind
from jobs.domain.status import Status
from jobs.domain.workflow import OnParentFailure, WorkflowSpec, WorkflowStatus
from tests.dashboard.conftest import MakeTeam, Team, notes_of, text_of
from tests.graph import Graph, steps_after

ORDER = {"charge": [], "pack": ["charge"], "mail": ["charge"], "close": ["pack", "mail"]}


def graph_of(team: Team, after: dict[str, list[str]] = ORDER, name: str = "order") -> Graph:
    return Graph(team.bench, WorkflowSpec(name=name, steps=steps_after(after)))


def address_of(graph: Graph) -> str:
    return f"/console/workflows/{graph.id}"


def states_in(page: str) -> dict[str, str]:
    """Return what the graph says of each step."""
    boxes = re.findall(r'class="step [^"]*" href="[^"]*" title="(\S+) [^"]*" data-status="(\w+)"', page)
    return dict(boxes)


def test_a_workflow_is_listed_with_how_far_it_is_and_seen_step_by_step(team: Team) -> None:
    client = team.client(Role.VIEWER)
    empty = text_of(client.get("/console/workflows"))
    assert "No workflows yet" in empty
    assert "http://testserver/workflows" in empty
    graph = graph_of(team)
    team.bench.settle(graph.leases()["charge"], OutcomeKind.COMPLETED, result=b"1")
    listed = text_of(client.get("/console/workflows"))
    assert f'href="{address_of(graph)}"' in listed
    assert "1 of 4 steps completed: 1 waiting, 2 active, 1 completed" in listed
    page = text_of(client.get(address_of(graph)))
    assert states_in(page) == {"charge": "completed", "pack": "queued", "mail": "queued", "close": "waiting"}
    assert page.count("<path") - page.count("<marker") == 4
    assert page.count('class="done"') == 2
    step = graph.steps()["close"]
    assert f'href="/console/jobs/{step.job_id}"' in page
    job = text_of(client.get(f"/console/jobs/{step.job_id}"))
    assert f'close, a step of <a class="mono plain-link" href="{address_of(graph)}"' in job


def test_lists_are_narrowed_and_paged(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.dashboard.workflows._PAGE", 2)
    graphs = [graph_of(team, {"a": []})]
    graphs[0].run_out()
    graphs += [graph_of(team, {"a": []}) for _ in range(2)]
    client = team.client(Role.VIEWER)
    first = text_of(client.get("/console/workflows"))
    assert [f"workflow-{graph.id}" in first for graph in graphs] == [False, True, True]
    older = re.search(r'href="([^"]*cursor[^"]*)" rel="next"', first)
    assert older is not None
    assert f"workflow-{graphs[0].id}" in text_of(client.get(older[1].replace("&amp;", "&")))
    for status, there in ((WorkflowStatus.COMPLETED, True), (WorkflowStatus.FAILED, False)):
        assert (f"workflow-{graphs[0].id}" in text_of(client.get(f"/console/workflows?status={status}"))) is there
    assert "No workflow is failed." in text_of(client.get("/console/workflows?status=failed"))
    for odd in ("cursor=x", "status=odd", "cursor=1~2"):
        assert f"workflow-{graphs[2].id}" in text_of(client.get(f"/console/workflows?{odd}"))


def test_steps_are_narrowed_and_paged_and_too_many_are_not_drawn(team: Team) -> None:
    graph = graph_of(team, {f"s-{number}": [] for number in range(499)} | {"end": ["s-0", "s-1"]})
    graph.tend()
    client = team.client(Role.VIEWER)
    page = text_of(client.get(address_of(graph)))
    assert 'class="graph"' not in page
    assert page.count('<tr id="step-') == 100
    assert 'data-live="clock"' in page
    last = text_of(client.get(f"{address_of(graph)}?page=5"))
    assert last.count('<tr id="step-') == 100
    assert text_of(client.get(f"{address_of(graph)}?page=99")).count('<tr id="step-') == 100
    assert text_of(client.get(f"{address_of(graph)}?state=waiting")).count('<tr id="step-') == 1
    assert "No step is in this state" in text_of(client.get(f"{address_of(graph)}?state=cancelled"))


def test_a_failed_workflow_names_its_failures_and_is_retried(team: Team) -> None:
    graph = graph_of(team)
    graph.run_out(failing=["pack"])
    graph.tend()
    client = team.client(Role.OPERATOR)
    page = text_of(client.get(address_of(graph)))
    assert "1 step failed for good:" in page
    assert "1 dead letter goes back to the queue and 1 cancelled step gets a new job." in page
    assert f"{address_of(graph)}/cancel" not in page
    answer = client.post(f"{address_of(graph)}/retry", {"reason": "the printer has paper"})
    assert answer["Location"] == address_of(graph)
    assert graph.look().status is WorkflowStatus.RUNNING
    page = text_of(client.get(address_of(graph)))
    assert "runs on from what failed" in page
    assert "the printer has paper" in page
    graph.run_out()
    assert "4 of 4 completed" in text_of(client.get(address_of(graph)))
    client.post(f"{address_of(graph)}/retry")
    assert "There is nothing to retry" in notes_of(client)


def test_the_rest_is_cancelled_and_a_blocked_one_says_what_it_waits_for(team: Team) -> None:
    steps = steps_after({"a": [], "b": ["a"]}, {"b": OnParentFailure.WAIT})
    graph = Graph(team.bench, WorkflowSpec(name="w", steps=steps))
    graph.run_out(failing=["a"])
    client = team.client(Role.OPERATOR)
    assert "nothing goes on until a dead letter is re-injected" in text_of(client.get(address_of(graph)))
    assert client.post(f"{address_of(graph)}/cancel")["Location"] == address_of(graph)
    assert graph.statuses()["b"] == Status.CANCELLED
    assert [entry.action for entry in team.entries()][:1] == ["workflow.cancel"]
    assert "Cancelled the rest" in text_of(client.get(address_of(graph)))


def test_a_viewer_sees_and_may_not_and_others_see_nothing(make_team: MakeTeam) -> None:
    ours, theirs = make_team(), make_team()
    graph = graph_of(ours)
    graph.run_out(failing=["mail"])
    graph.tend()
    viewer, operator, other = ours.client(Role.VIEWER), ours.client(Role.OPERATOR), theirs.client(Role.ADMIN)
    assert f'{address_of(graph)}/retry"' in text_of(operator.get(address_of(graph)))
    assert f"{address_of(graph)}/" not in text_of(viewer.get(address_of(graph)))
    for verb in ("cancel", "retry"):
        assert viewer.post(f"{address_of(graph)}/{verb}").status_code == 403
        other.post(f"{address_of(graph)}/{verb}")
        assert "There is no workflow" in notes_of(other)
    assert other.get(address_of(graph)).status_code == 404
    assert graph.id not in text_of(other.get("/console/workflows"))
    assert graph.look().status is WorkflowStatus.FAILED
    assert other.get("/console/workflows/none").status_code == 404
