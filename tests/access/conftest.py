"""Tenants, people and keys for the tests of access."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User

from jobs.access.actor import Actor, system_actor
from jobs.access.models import Membership, Namespace
from jobs.access.scopes import Role

MakePerson = Callable[[Role], User]


@pytest.fixture
def namespace(db: None) -> Namespace:
    """Return a tenant of this test's own."""
    return Namespace.objects.create(name=f"t-{secrets.token_hex(6)}")


@pytest.fixture
def system(namespace: Namespace) -> Actor:
    """Return the system, acting in that tenant."""
    return system_actor("test", namespace.name)


@pytest.fixture
def make_person(namespace: Namespace) -> MakePerson:
    """Return a function that makes a person with a role in that tenant."""

    def make(role: Role) -> User:
        user = User.objects.create_user(f"{role.value}-{secrets.token_hex(4)}", password="correct horse battery")
        Membership.objects.create(user=user, namespace=namespace, role=role.value)
        return user

    return make
