"""API keys and sessions: who is let in, who is not, and how soon a change counts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from jobs.access.actor import Actor
from jobs.access.credentials import Authenticator, authenticate_key
from jobs.access.models import ApiKey, Namespace
from jobs.access.person import belongings, session_actor
from jobs.access.scopes import ROLE_SCOPES, Role, Scope
from jobs.domain.errors import BackendUnavailable, NotAuthenticated, NotFound
from jobs.services import keys
from tests.access.conftest import MakePerson


class Clock:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def mint(system: Actor, *scopes: str) -> keys.MintedKey:
    return keys.mint(system, keys.KeyRequest(name="ci", scopes=scopes or ("jobs:write",)))


def test_a_key_is_its_namespace_and_its_scopes(system: Actor) -> None:
    minted = mint(system, "jobs:read", "leases")
    actor = authenticate_key(minted.text)
    assert actor.namespace == system.namespace
    assert actor.scopes == {Scope.JOBS_READ, Scope.LEASES}
    assert actor.label == "key:ci"
    assert actor.reference == minted.details.prefix


def test_the_secret_is_kept_nowhere(system: Actor) -> None:
    minted = mint(system)
    row = ApiKey.objects.get(prefix=minted.details.prefix)
    secret = minted.text.rsplit("_", 1)[1]
    assert secret not in str(row.__dict__)
    assert secret not in repr(minted)


def test_every_refusal_reads_the_same_after_the_same_queries(system: Actor) -> None:
    revoked, expired, right = mint(system), mint(system), mint(system)
    ApiKey.objects.filter(prefix=revoked.details.prefix).update(revoked_at=timezone.now())
    ApiKey.objects.filter(prefix=expired.details.prefix).update(expires_at=timezone.now())
    texts = [
        revoked.text,
        expired.text,
        right.text[:-1] + ("a" if right.text[-1] != "a" else "b"),
        "ifk_aaaaaaaaaaaa_" + "x" * 32,
        "nonsense",
        "",
        "ifk_\ud800",
        "x" * 100_000,
    ]
    answers = set()
    for text in texts:
        with CaptureQueriesContext(connection) as queries, pytest.raises(NotAuthenticated) as refused:
            Authenticator().authenticate(text)
        answers.add((str(refused.value), refused.value.code, len(queries)))
    assert answers == {("The API key is not valid.", "unauthenticated", 1)}


def test_a_known_key_costs_no_query_for_a_second_and_a_revocation_counts_after_it(system: Actor) -> None:
    clock = Clock()
    authenticator = Authenticator(monotonic=clock)
    minted = mint(system)
    authenticator.authenticate(minted.text)
    ApiKey.objects.filter(prefix=minted.details.prefix).update(revoked_at=timezone.now())
    clock.now += 0.9
    with CaptureQueriesContext(connection) as queries:
        authenticator.authenticate(minted.text)
    assert len(queries) == 0
    clock.now += 0.2
    with pytest.raises(NotAuthenticated):
        authenticator.authenticate(minted.text)


def test_revoking_counts_at_once_in_the_process_that_did_it(system: Actor) -> None:
    minted = mint(system)
    authenticate_key(minted.text)
    keys.revoke(system, minted.details.prefix)
    with pytest.raises(NotAuthenticated):
        authenticate_key(minted.text)


def test_a_remembered_key_still_expires_on_time(system: Actor) -> None:
    authenticator = Authenticator(monotonic=Clock())
    minted = mint(system)
    ApiKey.objects.filter(prefix=minted.details.prefix).update(expires_at=timezone.now() + timedelta(milliseconds=1))
    while timezone.now() < ApiKey.objects.get(prefix=minted.details.prefix).expires_at:  # type: ignore[operator]
        pass
    with pytest.raises(NotAuthenticated):
        authenticator.authenticate(minted.text)


def test_known_keys_go_on_working_while_the_database_is_down(system: Actor) -> None:
    clock = Clock()
    authenticator = Authenticator(monotonic=clock)
    known, new = mint(system), mint(system)
    actor = authenticator.authenticate(known.text)

    def fail(*_: object) -> None:
        raise OperationalError("gone")

    clock.now += 10
    with connection.execute_wrapper(fail):
        assert authenticator.authenticate(known.text) == actor
        with pytest.raises(BackendUnavailable) as refused:
            authenticator.authenticate(new.text)
    assert refused.value.code == "database_unavailable"


def test_the_memory_of_keys_is_bounded(system: Actor) -> None:
    authenticator = Authenticator(monotonic=Clock(), capacity=2)
    minted = [mint(system) for _ in range(3)]
    for key in minted:
        authenticator.authenticate(key.text)
    with CaptureQueriesContext(connection) as queries:
        authenticator.authenticate(minted[0].text)
        authenticator.authenticate(minted[2].text)
    assert len(queries) == 1


def test_the_last_use_is_written_once_a_minute(system: Actor) -> None:
    minted = mint(system)
    authenticator = Authenticator(monotonic=Clock())
    authenticator.authenticate(minted.text)
    first = ApiKey.objects.get(prefix=minted.details.prefix).last_used_at
    assert first is not None
    authenticator.forget_all()
    authenticator.authenticate(minted.text)
    assert ApiKey.objects.get(prefix=minted.details.prefix).last_used_at == first


@pytest.mark.parametrize("role", list(Role))
def test_a_person_has_the_scopes_of_the_role(role: Role, namespace: Namespace, make_person: MakePerson) -> None:
    user = make_person(role)
    assert session_actor(user, namespace.name).scopes == ROLE_SCOPES[role]
    assert [found.namespace for found in belongings(user)] == [namespace.name]


def test_another_tenant_looks_like_none_at_all(namespace: Namespace, make_person: MakePerson) -> None:
    user = make_person(Role.ADMIN)
    details = set()
    for foreign in ("default", "never-made"):
        with pytest.raises(NotFound) as refused:
            session_actor(user, foreign)
        details.add(refused.value.detail)
    assert len(details) == 1


def test_a_removed_role_counts_at_once(namespace: Namespace, make_person: MakePerson) -> None:
    user = make_person(Role.OPERATOR)
    session_actor(user, namespace.name)
    user.memberships.all().delete()  # type: ignore[attr-defined]
    with pytest.raises(NotFound):
        session_actor(user, namespace.name)


def test_nobody_and_the_deactivated_are_nobody(namespace: Namespace, make_person: MakePerson) -> None:
    user = make_person(Role.ADMIN)
    user.is_active = False
    for nobody in (AnonymousUser(), user):
        with pytest.raises(NotAuthenticated):
            session_actor(nobody, namespace.name)


def test_a_superuser_is_admin_everywhere(namespace: Namespace) -> None:
    user = User.objects.create_superuser("root-of-test", password="x")
    assert session_actor(user, namespace.name).scopes == ROLE_SCOPES[Role.ADMIN] | {Scope.INSTALLATION}
    assert session_actor(user, "default").name == "root-of-test"
