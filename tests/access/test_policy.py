"""Scopes: flat, one table, named in each refusal."""

from __future__ import annotations

import pytest

from jobs.access import policy
from jobs.access.actor import Actor, ActorKind
from jobs.access.scopes import ALL_SCOPES, KEY_SCOPES, OPEN_SCOPES, ROLE_SCOPES, SCOPE_OF, Action, Role, Scope
from jobs.domain.errors import NotPermitted


def actor_with(*scopes: Scope) -> Actor:
    return Actor(ActorKind.KEY, "ci", "default", frozenset(scopes))


@pytest.mark.parametrize("action", list(Action))
def test_every_action_is_in_the_table_and_needs_exactly_its_scope(action: Action) -> None:
    scope = SCOPE_OF[action]
    if scope is None:
        assert policy.can(actor_with(), action)
        return
    policy.authorize(actor_with(scope), action)
    assert not policy.can(actor_with(*(ALL_SCOPES - {scope})), action)


def test_a_refusal_names_the_scope_and_who_lacks_it() -> None:
    with pytest.raises(NotPermitted, match=r"queues:operate.*key:ci"):
        policy.require(actor_with(Scope.JOBS_READ), Scope.QUEUES_OPERATE)


def test_only_an_admin_person_may_reveal() -> None:
    holders = [role for role, scopes in ROLE_SCOPES.items() if Scope.PAYLOAD_REVEAL in scopes]
    assert holders == [Role.ADMIN]
    assert Scope.PAYLOAD_REVEAL not in KEY_SCOPES | OPEN_SCOPES


def test_a_viewer_changes_nothing() -> None:
    viewer = Actor(ActorKind.SESSION, "v", "default", ROLE_SCOPES[Role.VIEWER])
    allowed = {action for action in Action if policy.can(viewer, action) and SCOPE_OF[action] is not None}
    assert allowed >= {Action.JOB_READ, Action.QUEUE_READ, Action.WORKER_READ, Action.PAYLOAD_READ}
    assert {action.value.rpartition(".")[2] for action in allowed} == {"read", "export", "keep", "remove"}
    admins_only = {Action.KEY_READ, Action.NAMESPACE_READ, Action.MEMBER_READ, Action.AUDIT_READ, Action.ENDPOINT_READ}
    assert not allowed & admins_only
