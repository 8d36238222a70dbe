"""The pages of schedules: what each role sees and may do there, and a form that shows what it would do."""

from __future__ import annotations

import pytest

from jobs.access.actor import system_actor
from jobs.access.scopes import Role
from jobs.services import schedules
from tests.dashboard.conftest import MakeTeam, Team, text_of

PAGE = "/console/schedules"
EVIL = "<script>alert(1)</script>"
FORM = {
    "name": "nightly",
    "kind": "report.build",
    "cron": "30 2 * * *",
    "timezone": "Europe/Paris",
    "payload": '{"a": "yesterday"}',
}


def test_an_operator_makes_pauses_resumes_runs_and_removes_one(team: Team) -> None:
    client = team.client(Role.OPERATOR)
    assert client.post(f"{PAGE}/new", FORM)["Location"] == f"{PAGE}/nightly"
    assert "nightly" in text_of(client.get(PAGE))
    assert client.post(f"{PAGE}/nightly/pause", {"reason": "the source is down"}).status_code == 303
    assert "the source is down" in text_of(client.get(f"{PAGE}/nightly"))
    assert client.post(f"{PAGE}/nightly/resume").status_code == 303
    job = client.post(f"{PAGE}/nightly/run")["Location"]
    page = text_of(client.get(f"{PAGE}/nightly"))
    assert job in page
    assert "by hand" in page
    assert "yesterday" not in page
    assert f"{PAGE}/" in text_of(client.get(job))
    assert client.post(f"{PAGE}/nightly/delete").status_code == 303
    assert client.get(f"{PAGE}/nightly").status_code == 404
    acts = [entry.action for entry in reversed(team.entries())]
    assert acts == [f"schedule.{act}" for act in ("create", "pause", "resume", "run", "delete")]


def test_the_form_shows_what_it_would_do_before_it_is_sent(team: Team) -> None:
    client = team.client(Role.OPERATOR)
    shown = text_of(client.post(f"{PAGE}/new", FORM | {"cron": "30 2 * 3 SUN", "name": EVIL, "preview": "1"}))
    assert "Next fires" in shown
    assert "T02:30:00+01:00" in shown
    assert EVIL not in shown
    refused = client.post(f"{PAGE}/new", FORM | {"cron": "0 25 * * *"})
    assert refused.status_code == 422
    assert "(at character 3)" in text_of(refused)
    assert "report.build" in text_of(refused)
    for wrong in ({"payload": "{"}, {"every_s": "soon"}, {"cron": "", "every_s": ""}):
        assert client.post(f"{PAGE}/new", FORM | wrong).status_code == 422
    assert team.entries() == []


def test_a_viewer_sees_and_changes_nothing(team: Team) -> None:
    schedules.create_schedule(system_actor("t", team.bench.namespace), {"name": "s", "kind": "k", "every_ms": 5_000})
    client = team.client(Role.VIEWER)
    assert "every 5" in text_of(client.get(PAGE))
    assert "Run now" not in text_of(client.get(f"{PAGE}/s"))
    assert client.get(f"{PAGE}/new").status_code == 403
    for act in ("pause", "resume", "run", "delete"):
        assert client.post(f"{PAGE}/s/{act}").status_code == 403
    assert client.post(f"{PAGE}/new", FORM).status_code == 403


@pytest.mark.parametrize("act", ["", "/pause", "/resume", "/run", "/delete"])
def test_another_namespaces_schedule_is_not_there(make_team: MakeTeam, act: str) -> None:
    team, theirs = make_team(), make_team()
    made = schedules.create_schedule(
        system_actor("t", theirs.bench.namespace), {"name": "theirs", "kind": "k", "every_ms": 5_000}
    )
    client = team.client(Role.ADMIN)
    for name in (made.id, "theirs"):
        answer = client.post(f"{PAGE}/{name}{act}") if act else client.get(f"{PAGE}/{name}")
        assert answer.status_code == (303 if act else 404)
    assert schedules.get_schedule(system_actor("t", theirs.bench.namespace), "theirs").status == "active"
