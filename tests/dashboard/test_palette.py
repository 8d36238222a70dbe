"""The palette's offer: what one's role may reach, and nothing else."""

from __future__ import annotations

import pytest

from jobs.access.scopes import Role
from tests.dashboard.conftest import Team


def offered(team: Team, role: Role) -> dict[str, str]:
    """Return the addresses that are offered, by label; those that are posted to begin with `POST `."""
    answer = team.client(role).get("/console/palette").json()
    assert answer["find"] == "/console/find"
    return {item["label"]: ("POST " if item.get("post") else "") + item["url"] for item in answer["items"]}


def test_it_offers_pages_queues_and_acts_by_role(team: Team) -> None:
    team.bench.submit(queue="mail")
    viewer, operator, admin = (offered(team, role) for role in (Role.VIEWER, Role.OPERATOR, Role.ADMIN))
    assert viewer["mail"] == "/console/queues/mail"
    assert {"Jobs", "Export jobs …"} <= set(viewer)
    assert not {"Audit", "Pause queue mail", "New schedule …", "Act on many jobs …"} & set(viewer)
    assert operator["Pause queue mail"] == "POST /console/queues/mail/pause"
    assert "Audit" not in operator
    assert set(viewer) < set(operator) < set(admin)
    team.client(Role.OPERATOR).post("/console/queues/mail/pause")
    assert offered(team, Role.OPERATOR)["Resume queue mail"] == "POST /console/queues/mail/resume"


@pytest.mark.usefixtures("lost_store")
def test_without_the_store_it_offers_pages(team: Team) -> None:
    assert offered(team, Role.VIEWER)["Workers"] == "/console/workers"
