"""The page of unique keys: who holds them, and the act that takes one away."""

from __future__ import annotations

from jobs.access.scopes import Role
from jobs.domain.unique import Unique
from tests.dashboard.conftest import Team


def test_an_operator_sees_who_holds_a_key_and_releases_it(team: Team) -> None:
    job_id = team.bench.submit(unique=Unique("order <7>/a", ttl_ms=60_000))
    page = team.client(Role.VIEWER).get("/console/unique-keys").content.decode()
    assert "order &lt;7&gt;/a" in page
    assert f"/console/jobs/{job_id}" in page
    assert "Release" not in page
    client = team.client(Role.OPERATOR)
    assert "Release the key" in client.get("/console/unique-keys").content.decode()
    address = f"/console/unique-keys/{job_id}/release"
    assert team.client(Role.VIEWER).post(address).status_code == 403
    assert client.post(address).status_code == 303
    assert "No key is held" in client.get("/console/unique-keys").content.decode()
    assert (team.entries()[0].action, team.entries()[0].target_id) == ("unique.release", "order <7>/a")


def test_the_page_of_a_job_says_why_it_does_not_run(team: Team) -> None:
    job_id = team.bench.submit()
    team.bench.run(team.bench.operator.pause("main", by="ada", reason="<maintenance>"))
    page = team.client(Role.VIEWER).get(f"/console/jobs/{job_id}").content.decode()
    assert "The queue main is paused by ada: &lt;maintenance&gt;." in page
    assert "No live worker takes jobs from the queue main." in page
