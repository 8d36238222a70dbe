"""Tenants, their programs and their people, at the whole site as a server serves it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.contrib.auth.models import User
from django.test import Client

from jobs.access.models import Membership, Namespace
from jobs.access.scopes import Role
from tests.api.conftest import _committing_database, _lanes, _patience, key_clock, lane, make_tenant, other, tenant
from tests.api.lane import Request
from tests.api.tenant import Tenant

__all__ = ["_committing_database", "_lanes", "_patience", "key_clock", "lane", "make_tenant", "other", "tenant"]

ELSEWHERE = ("192.0.2.44", 50_000)
_TOKEN = "a" * 32


@dataclass(frozen=True)
class Browser:
    """The cookies of somebody who signed in. Forms are sent as our own pages send them."""

    cookie: str

    def request(self, method: str, target: str, body: object = b"", **headers: str) -> Request:
        """Return a request of this browser; from another machine, so that no open access holds."""
        named = {name.replace("_", "-").title(): value for name, value in headers.items()}
        form = {"Content-Type": "application/x-www-form-urlencoded"} if target.startswith("/console/") else {}
        sent = {**form, "Cookie": self.cookie, "X-CSRFToken": _TOKEN, **named}
        return Request(method, target, body, sent, ELSEWHERE)


SignIn = Callable[[Tenant, Role | None], Browser]


@pytest.fixture
def sign_in() -> SignIn:
    """Return a function that signs a person in; without a role the person belongs nowhere."""

    def signed_in(place: Tenant, role: Role | None) -> Browser:
        user = User.objects.create_user(f"{role or 'nobody'}-{place.name}")
        if role is not None:
            namespace = Namespace.objects.get(name=place.name)
            Membership.objects.create(user=user, namespace=namespace, role=role.value)
        client = Client()
        client.force_login(user)
        session = client.cookies["ironforge_session"].value
        return Browser(f"ironforge_session={session}; ironforge_csrf={_TOKEN}")

    return signed_in


def stranger(method: str, target: str, body: object = b"", **headers: str) -> Request:
    """Return a request of somebody unknown from another machine."""
    named = {name.replace("_", "-").title(): value for name, value in headers.items()}
    return Request(method, target, body, named, ELSEWHERE)
