"""A person sees and touches their own namespaces and no other, whatever address they type."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from jobs.access.models import Membership, Namespace
from jobs.access.scopes import Role
from jobs.domain.status import Status
from tests.dashboard.conftest import MakeTeam, Team, text_of
from tests.stores import letters_group


def test_what_belongs_to_others_is_not_found(make_team: MakeTeam) -> None:
    ours, theirs = make_team(), make_team()
    letter = theirs.bench.dead_letter(kind="secret.kind", metadata={"owner": "them"})
    client = ours.client(Role.ADMIN)
    assert client.get(f"/console/jobs/{letter}").status_code == 404
    for verb in ("retry", "discard", "cancel", "run-now"):
        client.post(f"/console/jobs/{letter}/{verb}")
    client.post("/console/dead-letters/selected", {"id": letter, "action": "discard"})
    client.post("/console/dead-letters/group", {"group": letters_group("secret.kind"), "action": "discard"})
    assert theirs.bench.get(letter).status is Status.DEAD_LETTER
    for page in ("", "jobs", "dead-letters", "queues", "workers", "webhooks", "audit", f"find?q={letter}"):
        assert "secret.kind" not in text_of(client.get(f"/console/{page}", follow=True))


def test_pausing_a_queue_touches_no_queue_of_that_name_elsewhere(make_team: MakeTeam) -> None:
    ours, theirs = make_team(), make_team()
    ours.bench.submit()
    theirs.bench.submit()
    ours.client(Role.OPERATOR).post("/console/queues/main/pause")
    assert len(theirs.bench.claim().leases) == 1
    assert len(ours.bench.claim().leases) == 0


def test_a_person_of_two_namespaces_moves_between_them_with_the_role_of_each(make_team: MakeTeam) -> None:
    first, second = make_team(), make_team()
    user = first.people[Role.ADMIN]
    place = Namespace.objects.get(name=second.bench.namespace)
    Membership.objects.create(user=user, namespace=place, role=Role.VIEWER.value)
    theirs = second.bench.submit(kind="of.second")
    client = first.client(Role.ADMIN)
    client.post("/console/namespace", {"namespace": second.bench.namespace})
    assert "of.second" in text_of(client.get("/console/jobs"))
    assert client.post(f"/console/jobs/{theirs}/cancel").status_code == 403
    client.post("/console/namespace", {"namespace": first.bench.namespace})
    assert "of.second" not in text_of(client.get("/console/jobs"))


@pytest.mark.parametrize("chosen", ["", "default", "../x", "\0"])
def test_nobody_moves_into_a_namespace_of_others(make_team: MakeTeam, chosen: str) -> None:
    ours, theirs = make_team(), make_team()
    theirs.bench.submit(kind="of.theirs")
    client = ours.client(Role.ADMIN)
    for name in (chosen, theirs.bench.namespace):
        assert client.post("/console/namespace", {"namespace": name}).status_code == 303
    assert "of.theirs" not in text_of(client.get("/console/jobs"))


def test_a_role_that_is_taken_away_counts_at_the_next_click(team: Team) -> None:
    job_id = team.bench.submit()
    client = team.client(Role.OPERATOR)
    assert client.get("/console/jobs").status_code == 200
    Membership.objects.filter(user=team.people[Role.OPERATOR]).delete()
    assert client.post(f"/console/jobs/{job_id}/cancel").status_code == 403
    answer = client.get("/console/jobs")
    assert answer.status_code == 403
    assert "You belong to no namespace" in text_of(answer)
    assert team.bench.get(job_id).status is Status.QUEUED


def test_a_password_change_ends_the_other_sessions(team: Team) -> None:
    client = team.client(Role.VIEWER)
    user = User.objects.get(pk=team.people[Role.VIEWER].pk)
    user.set_password("another long password")
    user.save()
    assert client.get("/console/").status_code == 302


@pytest.mark.django_db
def test_somebody_without_a_namespace_is_told_so_and_can_leave() -> None:
    client = Client()
    client.force_login(User.objects.create_user("lonely"))
    page = client.get("/console/queues")
    assert page.status_code == 403
    assert "Ask an administrator." in text_of(page)
    assert client.post("/console/logout").status_code == 303
