"""Bulk operations in the console: found as a preview, then done, held and ended, by who may."""

from __future__ import annotations

from jobs.access.operation import Operation
from jobs.access.scopes import Role
from jobs.domain.job import JobSpec
from jobs.domain.status import Status
from tests.dashboard.conftest import MakeTeam, Team, notes_of, text_of
from tests.stores import letters_group

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
    assert "The operation is at work." in notes_of(client)
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
    form = {"group": letters_group(), "action": "retry", "canary": "1", "pace_per_s": "100"}
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


def test_a_canary_s_window_rate_and_ramp_are_set_in_the_form(team: Team) -> None:
    letters = [team.bench.dead_letter() for _ in range(3)]
    client = team.client(Role.OPERATOR)
    form = {
        "action": "retry", "id": letters, "pace_per_s": "50", "canary": "2", "canary_window_s": "90",
        "canary_rate": "2,5", "ramp_from": "5", "ramp_factor": "1.5", "ramp_every_s": "",
    }  # fmt: skip
    client.post("/console/operations/preview", form)
    (begun,) = Operation.objects.filter(namespace=team.bench.namespace)
    ramp = {"from_per_s": 5, "factor": 1.5, "every_ms": 10_000}
    assert begun.canary == {"first": 2, "window_ms": 90_000, "max_failure_rate": 0.025, "ramp": ramp}
    assert begun.pace_per_s == 50
    for wrong in ({"canary": ""}, {"ramp_from": "50"}, {"canary_rate": "many"}, {"action": "cancel"}):
        client.post("/console/operations/preview", {**form, **wrong})
    assert Operation.objects.filter(namespace=team.bench.namespace).count() == 1
    page = text_of(client.get("/console/jobs"))
    assert all(f'name="{name}"' in page for name in form if name not in ("id", "action"))
