"""The pages of namespaces: an admin manages keys and members of the own one, and a superuser all of them."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client

from jobs.access.models import ApiKey, Membership, Namespace
from jobs.access.scopes import Role
from tests.dashboard.conftest import MakeTeam, Team, notes_of, text_of
from tests.stores import random_namespace

KEY = re.compile(r"ifk_[a-z0-9]{12}_[A-Za-z0-9]{32}")
EVIL = "<script>alert(1)</script>"


def home(team: Team) -> str:
    return f"/console/namespaces/{team.bench.namespace}"


@pytest.fixture
def root(team: Team) -> Client:
    """Return the browser of a superuser."""
    client = Client()
    client.force_login(User.objects.create_superuser(f"root-{team.bench.namespace}", password="x"))
    return client


def test_an_admin_makes_a_key_sees_it_once_and_revokes_it(team: Team) -> None:
    client = team.client(Role.ADMIN)
    form = {"name": EVIL, "scope": ["jobs:read", "admin"], "expires_days": "7"}
    made = client.post(f"{home(team)}/keys", form)
    (text,) = set(KEY.findall(text_of(made)))
    page = text_of(client.get(home(team)))
    assert text not in page, "it is shown once"
    assert EVIL not in page
    prefix = text.split("_")[1]
    assert prefix in page
    assert client.post(f"{home(team)}/keys/{prefix}/revoke").status_code == 303
    assert ApiKey.objects.get(prefix=prefix).revoked_at is not None
    assert 'value="installation"' not in page, "what an admin of a tenant cannot give is not offered"
    client.post(f"{home(team)}/keys", {"name": "x", "scope": ["installation"]})
    assert not ApiKey.objects.filter(name="x").exists()


def test_an_admin_changes_members_and_no_rules(team: Team) -> None:
    client, person = team.client(Role.ADMIN), User.objects.create_user("ada")
    client.post(f"{home(team)}/members", {"person": "ada", "role": "operator"})
    assert "There is no member" in notes_of(client), "nobody of another tenant is drawn in"
    # Behind the team's by name, so that the team's is shown.
    second = Namespace.objects.create(name=f"z{random_namespace()}")
    Membership.objects.create(user=person, namespace=second, role=Role.VIEWER.value)
    mine = Membership.objects.create(user=team.people[Role.ADMIN], namespace=second, role=Role.OPERATOR.value)
    client.post(f"{home(team)}/members", {"person": "ada", "role": "operator"})
    assert "There is no member" in notes_of(client), "an operator there administers nobody"
    mine.role = Role.ADMIN.value
    mine.save()
    assert client.post(f"{home(team)}/members", {"person": "ada", "role": "operator"}).status_code == 303
    assert Membership.objects.get(user=person, namespace__name=team.bench.namespace).role == "operator"
    second.delete()
    assert "ada" in text_of(client.get(home(team)))
    client.post(f"{home(team)}/members/remove", {"person": "ada"})
    assert not Membership.objects.filter(user=person).exists()
    page = text_of(client.get(home(team)))
    assert "Delete the namespace" not in page
    assert client.post(f"{home(team)}/rules", {"jobs": "1"}).status_code == 403
    assert client.post(f"{home(team)}/delete", {"confirm": team.bench.namespace}).status_code == 403
    assert client.post("/console/namespaces/create", {"name": "x"}).status_code == 403


def test_a_superuser_makes_limits_and_deletes_namespaces(team: Team, root: Client) -> None:
    name = random_namespace()
    assert root.post("/console/namespaces/create", {"name": name})["Location"] == f"/console/namespaces/{name}"
    form = {"jobs": "5", "bytes": "0.5", "ended_age_ms": "1.5", "dead_letters": ""}
    assert root.post(f"/console/namespaces/{name}/rules", form).status_code == 303
    page = text_of(root.get(f"/console/namespaces/{name}"))
    assert "0 of 5" in page
    assert "512.0 KiB" in page
    root.post(f"/console/namespaces/{name}/rules", {"jobs": "many"})
    assert "Stored jobs: a number" in notes_of(root)
    made = text_of(root.post(f"/console/namespaces/{name}/members", {"person": "new", "role": "viewer"}))
    assert "shown this once" in made
    root.post(f"/console/namespaces/{name}/delete", {"confirm": "other"})
    assert "must be the name" in notes_of(root)
    root.post(f"/console/namespaces/{name}/delete", {"confirm": name, "reason": "closed"})
    assert "Being deleted" in text_of(root.get(f"/console/namespaces/{name}"))
    assert name in text_of(root.get("/console/namespaces"))


def test_others_see_nothing_of_it(team: Team, make_team: MakeTeam) -> None:
    theirs = make_team()
    for role in (Role.VIEWER, Role.OPERATOR):
        client = team.client(role)
        assert client.get("/console/namespaces").status_code == 403
        assert client.get(home(team)).status_code == 403
        assert "/console/namespaces" not in text_of(client.get("/console/"))
    admin = team.client(Role.ADMIN)
    assert theirs.bench.namespace not in text_of(admin.get("/console/namespaces"))
    assert admin.get(home(theirs)).status_code == 404
    key = {"name": "x", "scope": ["jobs:read"]}
    for end, form in (
        ("keys", key),
        ("members", {"person": "x", "role": "admin"}),
        ("members/remove", {"person": "x"}),
    ):
        assert admin.post(f"{home(theirs)}/{end}", form).status_code == 303
        assert "There is no namespace" in notes_of(admin)
    place = Namespace.objects.get(name=theirs.bench.namespace)
    assert (place.api_keys.count(), place.memberships.count()) == (0, 3)


def test_of_very_many_namespaces_each_page_shows_some(team: Team, root: Client) -> None:
    Namespace.objects.bulk_create(Namespace(name=f"many-{number:03}") for number in range(150))
    assert text_of(root.get("/console/")).count("<option") <= 200
    seen: list[str] = []
    address = "/console/namespaces"
    while address:
        page = text_of(root.get(address))
        seen += re.findall(r'<tr id="namespace-([^"]+)"', page)
        more = re.search(r'href="([^"]+)" rel="next"', page)
        address = more[1] if more else ""
    assert seen == list(Namespace.objects.order_by("name").values_list("name", flat=True))
    root.post("/console/namespace", {"namespace": "many-149"})
    assert "<option selected>many-149</option>" in text_of(root.get("/console/"))
