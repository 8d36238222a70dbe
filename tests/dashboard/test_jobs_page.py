"""The list of jobs: its state is in its address, and an address that makes no sense shows what was meant."""

from __future__ import annotations

import re

import pytest

from jobs.access.scopes import Role
from jobs.domain.priority import Priority
from jobs.domain.status import Status
from tests.dashboard.conftest import Team, text_of


def listed(team: Team, address: str = "") -> list[str]:
    """Return the ids of the jobs that a page lists, in order."""
    return re.findall(r'data-job="([^"]+)"', text_of(team.client(Role.VIEWER).get(f"/console/jobs{address}")))


def test_filters_and_states_narrow_the_list(team: Team) -> None:
    mail = team.bench.submit(kind="mail.send", queue="mail", priority=Priority.HIGH, metadata={"order": "1"})
    dead = team.bench.dead_letter(kind="mail.send")
    other = team.bench.submit()
    assert listed(team) == [other, dead, mail]
    assert listed(team, "?kind=mail.send") == [dead, mail]
    assert listed(team, "?queue=mail") == [mail]
    assert listed(team, "?priority=high") == [mail]
    assert listed(team, "?tag=order:1") == [mail]
    assert listed(team, "?status=dead_letter") == [dead]
    assert listed(team, "?status=queued&kind=mail.send&queue=mail") == [mail]
    assert listed(team, "?kind=mail") == []


def test_pages_hold_fifty_and_lead_on_and_back(team: Team) -> None:
    jobs = [team.bench.submit() for _ in range(61)][::-1]
    client = team.client(Role.VIEWER)
    first = text_of(client.get("/console/jobs?queue=main"))
    on = re.search(r'href="(/console/jobs\?[^"]+)" rel="next"', first)
    assert on
    assert "queue=main" in on[1]
    second = text_of(client.get(on[1].replace("&amp;", "&")))
    assert re.findall(r'data-job="([^"]+)"', first + second) == jobs
    back = re.search(r'href="(/console/jobs\?[^"]+)" rel="prev"', second)
    assert back
    assert re.findall(r'data-job="([^"]+)"', text_of(client.get(back[1].replace("&amp;", "&")))) == jobs[:50]


@pytest.mark.parametrize(
    "address",
    [
        "?cursor=x",
        "?cursor=" + "A" * 5000,
        "?status=none",
        "?priority=urgent",
        "?status=&queue=&kind=",
        "?x=1",
        "?tag=",
    ],
)
def test_an_address_that_makes_no_sense_shows_the_list(team: Team, address: str) -> None:
    job_id = team.bench.submit()
    assert listed(team, address) == [job_id]


@pytest.mark.parametrize(
    "address", ["?queue=%00", "?kind=%ff", "?tag=" + "x" * 3000, "?kind=" + "k" * 3000, "?queue=../x"]
)
def test_a_filter_that_nothing_can_match_shows_an_empty_list(team: Team, address: str) -> None:
    team.bench.submit()
    assert listed(team, address) == []


def test_the_search_leads_to_the_job_or_lists_the_kind(team: Team) -> None:
    job_id = team.bench.submit()
    client = team.client(Role.VIEWER)
    goals = {text: client.get("/console/find", {"q": text})["Location"] for text in (job_id, f" {job_id} ", "a.b", "")}
    assert goals == {
        job_id: f"/console/jobs/{job_id}",
        f" {job_id} ": f"/console/jobs/{job_id}",
        "a.b": "/console/jobs?kind=a.b",
        "": "/console/jobs",
    }


def test_each_state_says_what_there_is_to_say(team: Team) -> None:
    bench = team.bench
    bench.dead_letter()
    bench.submit(scheduled_for=4_000_000_000_000)
    bench.submit()
    bench.settle(bench.lease())
    page = text_of(team.client(Role.VIEWER).get("/console/jobs"))
    for said in ("ValueError: no", "due <time", "ran "):
        assert said in page
    assert bench.run(bench.inspector.overview(2)).queues[0].total(Status.COMPLETED) == 1
