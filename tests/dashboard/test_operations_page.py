"""Bulk operations in the console: found as a preview, then done, held and ended, by who may."""

from __future__ import annotations

from jobs.access.scopes import Role
from jobs.domain.job import JobSpec
from jobs.domain.status import Status
from tests.dashboard.conftest import MakeTeam, Team, notes_of, text_of

PREVIEW = "/console/operations/preview"


def test_all_that_match_are_previewed_and_then_done(team: Team) -> None:
    team.bench.submit_all([JobSpec(kind="a", metadata={"team": "x"})] * 3)
    kept = team.bench.submit(kind="b")
    client = team.client(Role.OPERATOR)
    form = {"action": "cancel", "status": "queued", "kind": "a", "tag": "team:x", "reason": "wrong"}
    address = client.post(PREVIEW, form)["Location"]
    page = text_of(client.get(address))
    assert "Cancel 3 jobs" in page
    assert "Nothing is done yet." in page
    assert "team:x" in page
    assert team.bench.depth(Status.QUEUED) == 4
    assert client.post(f"{address}/begin")["Location"] == address
    assert "3 done" in text_of(client.get(address))
    assert team.bench.queue_ids() == [kept]
    assert address.rpartition("/")[2] in text_of(client.get("/console/operations"))


def test_ticked_jobs_are_moved_at_a_pace_held_and_ended(team: Team) -> None:
    ids = [team.bench.submit() for _ in range(3)]
    client = team.client(Role.OPERATOR)
    form = {"action": "move", "to_queue": "bulk", "id": ids[:2], "pace_per_s": "1", "kind": "other"}
    address = client.post(PREVIEW, form)["Location"]
    client.post(f"{address}/begin")
    assert team.bench.queue_ids("bulk") == ids[:1]
    client.post(f"{address}/pause")
    assert "paused" in text_of(client.get(address))
    client.post(f"{address}/abort")
    assert "aborted" in text_of(client.get(address))
    assert team.bench.queue_ids() == ids[1:]


def test_a_group_of_dead_letters_goes_back_behind_a_canary(team: Team) -> None:
    for _ in range(3):
        team.bench.dead_letter()
    client = team.client(Role.OPERATOR)
    form = {"error": "ValueError", "kind": "demo.echo", "action": "retry", "canary": "1", "pace_per_s": "100"}
    address = client.post("/console/dead-letters/group", form)["Location"]
    page = text_of(client.get(address))
    assert "watching the canary" in page
    assert "the first 1" in page
    assert team.bench.depth(Status.QUEUED) == 1


def test_a_wrong_form_is_told_and_begins_nothing(team: Team) -> None:
    client = team.client(Role.OPERATOR)
    for form in ({"action": "move"}, {"action": "x"}, {"action": "cancel", "pace_per_s": "many"}):
        assert client.post(PREVIEW, {**form, "back": "/console/jobs"})["Location"] == "/console/jobs"
        assert 'class="toast-note error"' in notes_of(client)
    assert "No operations yet" in text_of(client.get("/console/operations"))


def test_a_viewer_sees_and_may_not_and_others_see_nothing(make_team: MakeTeam) -> None:
    ours, theirs = make_team(), make_team()
    ours.bench.submit()
    address = ours.client(Role.OPERATOR).post(PREVIEW, {"action": "cancel"})["Location"]
    viewer = ours.client(Role.VIEWER)
    page = text_of(viewer.get(address))
    assert "Nothing is done yet." in page
    assert "Do it" not in page
    assert "Act on" not in text_of(viewer.get("/console/jobs"))
    for end in ("begin", "pause", "abort"):
        assert viewer.post(f"{address}/{end}").status_code == 403
    assert viewer.post(PREVIEW, {"action": "cancel"}).status_code == 403
    assert theirs.client(Role.ADMIN).get(address).status_code == 404
    assert ours.bench.depth(Status.QUEUED) == 1
