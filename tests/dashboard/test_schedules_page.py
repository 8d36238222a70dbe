"""The pages of schedules: what each role sees and may do there, and a form that shows what it would do."""

from __future__ import annotations

import html
import re

import pytest

from jobs.access.actor import system_actor
from jobs.access.scopes import Role
from jobs.domain.outcome import OutcomeKind
from jobs.services import schedule_rows, schedule_runs, schedules
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
    assert "At 02:30 on Sunday in March" in shown
    assert EVIL not in shown
    refused = client.post(f"{PAGE}/new", FORM | {"cron": "0 25 * * *"})
    assert refused.status_code == 422
    assert "(at character 3)" in text_of(refused)
    assert "report.build" in text_of(refused)
    for wrong in ({"payload": "{"}, {"every_s": "soon"}, {"cron": "", "every_s": ""}):
        assert client.post(f"{PAGE}/new", FORM | wrong).status_code == 422
    assert team.entries() == []


def fields_in(page: str) -> dict[str, str]:
    """Return what stands in the form, as a browser would send it."""
    form = page[page.index("<form", page.index('id="new-schedule"')) :].partition("</form>")[0]
    found = dict(re.findall(r'<input class[^>]* name="(\w+)" value="([^"]*)"', form))
    found |= dict(re.findall(r'<textarea [^>]*name="(\w+)"[^>]*>([^<]*)</textarea>', form))
    for name, options in re.findall(r'<select [^>]*name="(\w+)">(.*?)</select>', form):
        chosen = re.search(r'value="(\w*)" selected', options)
        found[name] = chosen[1] if chosen else ""
    return {name: html.unescape(value) for name, value in found.items()}


def test_what_is_saved_unchanged_stays_as_it_was_and_what_is_changed_or_emptied_is_so(team: Team) -> None:
    whole = {
        "name": "nightly", "kind": "k", "cron": "30 2 * * 1-5", "timezone": "Europe/Paris", "jitter_ms": 1_500,
        "catch_up": "all", "catch_up_limit": 7, "overlap": "skip", "payload": {"n": [1, "é"]}, "priority": "high",
        "max_retries": 0, "timeout_ms": 2_500, "delivery": "at_most_once", "limit_key": "a", "metadata": {"t": "b"},
        "backoff": {"base_ms": 10, "max_ms": 20}, "queue": "q", "webhook": "https://a.example/?token=abc-secret",
    }  # fmt: skip
    actor = system_actor("t", team.bench.namespace)
    schedules.create_schedule(actor, dict(whole))
    client = team.client(Role.OPERATOR)
    page = text_of(client.get(f"{PAGE}/nightly/edit"))
    assert "abc-secret" not in page
    kept = {name: value for name, value in fields_in(page).items() if value or name == "payload"}
    assert client.post(f"{PAGE}/nightly/edit", kept)["Location"] == f"{PAGE}/nightly"
    assert schedule_rows.source_of(schedule_rows.find_row(actor, "nightly")) == whole | {"timezone": "Europe/Paris"}
    changed = kept | {"cron": "", "every_s": "90", "metadata": "", "priority": "", "catch_up": "skip"}
    assert client.post(f"{PAGE}/nightly/edit", changed).status_code == 303
    source = schedule_rows.source_of(schedule_rows.find_row(actor, "nightly"))
    assert (source["every_ms"], source["catch_up"]) == (90_000, "skip")
    assert source.keys().isdisjoint({"cron", "metadata", "priority", "catch_up_limit"})
    assert client.post(f"{PAGE}/nightly/edit", changed | {"max_retries": "many"}).status_code == 422


def test_an_operator_edits_a_schedule_whose_secrets_stay(team: Team) -> None:
    actor = system_actor("t", team.bench.namespace)
    source = {"name": "s", "kind": "k", "every_ms": 5_000, "payload": {"token": "t0p-secret", "n": 1}}
    schedules.create_schedule(actor, dict(source))
    client, admin = team.client(Role.OPERATOR), team.client(Role.ADMIN)
    for who in (client, admin):
        assert "t0p-secret" not in text_of(who.get(f"{PAGE}/s/edit"))
    assert client.post(f"{PAGE}/s/edit", {"name": "s", "kind": "k", "every_s": "6"}).status_code == 303
    edited = {"name": "s", "kind": "k", "every_s": "7", "payload": '{"token": "[masked] /token", "n": 2}'}
    assert client.post(f"{PAGE}/s/edit", edited).status_code == 403
    assert schedule_rows.source_of(schedule_rows.find_row(actor, "s"))["payload"] == source["payload"]
    assert admin.post(f"{PAGE}/s/edit", edited).status_code == 303
    assert schedule_rows.source_of(schedule_rows.find_row(actor, "s"))["payload"] == {"token": "t0p-secret", "n": 2}


def test_the_list_says_in_words_when_each_fires_and_draws_what_became_of_it(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.dashboard.schedules._PAGE", 1)
    actor = system_actor("t", team.bench.namespace)
    for name in ("a", "b"):
        schedules.create_schedule(actor, {"name": name, "kind": "k", "cron": "0 9 * * 1-5"})
    for outcome in (OutcomeKind.COMPLETED, OutcomeKind.DISCARDED):
        schedule_runs.run_schedule(actor, "a")
        team.bench.settle(team.bench.lease(), outcome)
        team.bench.advance(2)
    schedule_runs.run_schedule(actor, "a")
    client = team.client(Role.VIEWER)
    first, second = text_of(client.get(PAGE)), text_of(client.get(f"{PAGE}?page=2"))
    assert "At 09:00 on Monday through Friday" in first
    assert "The last 3: 1 completed, 1 dead letter, 1 under way" in first
    assert ("schedule-b" in first, "schedule-b" in second, "The last" in second) == (False, True, False)
    assert text_of(client.get(f"{PAGE}?page=x")).count("schedule-a") == 1


def test_a_viewer_sees_and_changes_nothing(team: Team) -> None:
    schedules.create_schedule(system_actor("t", team.bench.namespace), {"name": "s", "kind": "k", "every_ms": 5_000})
    client = team.client(Role.VIEWER)
    assert "every 5" in text_of(client.get(PAGE))
    assert "Run now" not in text_of(client.get(f"{PAGE}/s"))
    assert client.get(f"{PAGE}/new").status_code == 403
    assert client.get(f"{PAGE}/s/edit").status_code == 403
    for act in ("pause", "resume", "run", "delete", "edit"):
        assert client.post(f"{PAGE}/s/{act}").status_code == 403
    assert client.post(f"{PAGE}/new", FORM).status_code == 403


@pytest.mark.parametrize("act", ["", "/pause", "/edit", "/resume", "/run", "/delete"])
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
