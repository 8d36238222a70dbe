"""Namespaces with people whose browsers are Django's test clients, on the real store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client

from jobs import wiring
from jobs.access.models import AuditEntry, Membership, Namespace
from jobs.access.scopes import Role
from jobs.backends.redis.connection import connect
from jobs.backends.redis.runner import SyncRunner
from tests.patience import let_services_wait
from tests.stores import Bench

PASSWORD = "correct horse battery"
PAGES = (
    "",
    "jobs",
    "dead-letters",
    "queues",
    "workers",
    "workflows",
    "schedules",
    "operations",
    "limits",
    "unique-keys",
    "webhooks",
    "history",
    "errors",
    "alerts",
    "namespaces",
    "audit",
)
OF_ADMINS = ("namespaces", "audit")


@dataclass
class Team:
    """A namespace with one person of each role."""

    bench: Bench
    people: dict[Role, User]

    def client(self, role: Role) -> Client:
        """Return the browser of the person with that role, signed in."""
        client = Client()
        client.force_login(self.people[role])
        return client

    def entries(self) -> list[AuditEntry]:
        """Return the audit log of the namespace, newest first."""
        return list(AuditEntry.objects.filter(namespace=self.bench.namespace))


MakeTeam = Callable[[], Team]


@pytest.fixture
def make_team(db: None, patient_calls: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeTeam]:
    """Return a function that makes a namespace with people."""
    # No loop goes on with what a request left because the machine stood still.
    let_services_wait(monkeypatch)
    benches: list[Bench] = []

    def make() -> Team:
        bench = Bench()
        benches.append(bench)
        place = Namespace.objects.create(name=bench.namespace)
        people = {role: User.objects.create_user(f"{bench.namespace}-{role}", password=PASSWORD) for role in Role}
        for role, user in people.items():
            Membership.objects.create(user=user, namespace=place, role=role.value)
        return Team(bench, people)

    yield make
    for bench in benches:
        bench.close()


@pytest.fixture
def team(make_team: MakeTeam) -> Team:
    """Return a namespace with people."""
    return make_team()


@pytest.fixture
def stranger() -> Client:
    """Return the browser of somebody who has not signed in."""
    return Client()


@pytest.fixture
def lost_store(patient_calls: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the store where nothing answers."""
    nowhere = SyncRunner(connect("unix:///nowhere/redis.sock", "lost"))
    monkeypatch.setattr(wiring, "runner", lambda: nowhere)


def notes_of(client: Client) -> str:
    """Return what the next page says was done or refused."""
    return client.get("/console/workers").content.decode().partition('id="toasts"')[2]


def text_of(answer: HttpResponse) -> str:
    """Return the page."""
    return answer.content.decode()
