"""Members of a namespace: who gives which role to whom, and what is learnt of people by it."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from jobs.access.models import AuditEntry, Membership
from tests.api.tenant import Tenant
from tests.api.test_namespaces import as_root
from tests.api.things import member_of


def test_members_come_change_and_go(tenant: Tenant) -> None:
    target = f"/namespaces/{tenant.name}/members"
    assert tenant.ask("PUT", f"{target}/ada", {"role": "viewer"}).status == 404, "an admin makes no people"
    made = as_root(tenant, "PUT", f"{target}/ada", {"role": "viewer"})
    assert (made.status, made.body["role"]) == (201, "viewer")
    assert User.objects.get(username="ada").check_password(made.body["password"])
    changed = tenant.ask("PUT", f"{target}/ada", {"role": "operator"})
    assert (changed.status, "password" in changed.body) == (200, False)
    assert [(it["name"], it["role"]) for it in tenant.ask("GET", target).body["data"]] == [("ada", "operator")]
    assert tenant.ask("DELETE", f"{target}/ada").status == 204
    assert tenant.ask("DELETE", f"{target}/ada").status == 404
    assert as_root(tenant, "PUT", f"{target}/a%20b", {"role": "viewer"}).status == 422
    assert tenant.ask("PUT", f"{target}/ada", {"role": "root"}).status == 422
    acts = AuditEntry.objects.filter(namespace=tenant.name, target_kind="person").order_by("id")
    assert [act.action for act in acts] == ["person.create", "member.set", "member.set", "member.remove"]


@pytest.mark.parametrize(("scopes", "status"), [((), 404), (("admin",), 403)])
def test_an_admin_of_a_tenant_learns_of_no_other_people(
    tenant: Tenant, other: Tenant, scopes: tuple[str, ...], status: int
) -> None:
    stranger, theirs = User.objects.create_user("stranger").username, member_of(other).rpartition("/")[2]
    key, answers = tenant.key(*scopes), []
    for name in (stranger, theirs, "nobody"):
        for role in ("viewer", "admin"):
            answer = tenant.ask_as(key, "PUT", f"/namespaces/{tenant.name}/members/{name}", {"role": role})
            assert answer.status == status
            answers.append((role, answer.raw.decode().replace(name, "…").replace(answer.body["request_id"], "")))
    assert len(set(answers)) == 2, "one answer for each role, whoever is named"
    assert Membership.objects.filter(user__username=stranger).count() == 0
    assert tenant.ask_as(key, "DELETE", f"/namespaces/{tenant.name}/members/{theirs}").status == 404
