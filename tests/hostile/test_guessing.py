"""Whoever guesses names, passwords or keys learns nothing from the work that a guess costs, and holds up nobody."""

from __future__ import annotations

import threading

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from jobs.access import credentials as keys_of
from jobs.access.actor import Actor
from jobs.access.credentials import Authenticator
from jobs.access.models import ApiKey
from jobs.domain.errors import NotAuthenticated
from jobs.gateway import credentials as gate
from jobs.services.people import sign_in
from tests.api.conftest import Clock
from tests.api.lane import LONGEST_S
from tests.api.tenant import Tenant

PASSWORD = "correct horse battery"


class Work:
    """Counts how often passwords are hashed, or keys compared."""

    def __init__(self) -> None:
        self.count = 0


@pytest.fixture
def hashing(monkeypatch: pytest.MonkeyPatch) -> Work:
    """Count hashes of passwords: all that is slow in signing in."""
    work, real = Work(), MD5PasswordHasher.encode

    def encode(hasher: MD5PasswordHasher, password: str, salt: str) -> str:
        work.count += 1
        return real(hasher, password, salt)

    monkeypatch.setattr(MD5PasswordHasher, "encode", encode)
    return work


@pytest.mark.django_db
def test_a_wrong_pair_costs_one_hash_whatever_is_wrong_with_it(hashing: Work) -> None:
    User.objects.create_user("known", password=PASSWORD)
    User.objects.create_user("gone", password=PASSWORD, is_active=False)
    costs = {}
    for account, password in (("known", "no"), ("nobody", "no"), ("gone", PASSWORD), ("gone", "no"), ("known", "")):
        hashing.count = 0
        with (
            CaptureQueriesContext(
                connection,
            ) as asked,
            pytest.raises(NotAuthenticated),
        ):
            sign_in(account, password, None)
        costs[account, password] = (hashing.count, len(asked))
    assert {hashes for hashes, _ in costs.values()} == {1}, costs
    # The record of a failure names the namespace of an account that is there: one look-up, a thousandth of a hash.
    assert max(queries for _, queries in costs.values()) - min(queries for _, queries in costs.values()) <= 1, costs


def test_a_refused_key_costs_the_same_whatever_is_wrong_with_it(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    revoked, expired, right = tenant.mint(), tenant.mint(), tenant.mint()
    ApiKey.objects.filter(prefix=revoked.details.prefix).update(revoked_at=timezone.now())
    ApiKey.objects.filter(prefix=expired.details.prefix).update(expires_at=timezone.now())
    work, real = Work(), keys_of.compare_digest

    def compare(one: str, other: str) -> bool:
        work.count += 1
        return real(one, other)

    monkeypatch.setattr(keys_of, "compare_digest", compare)
    costs = set()
    texts = [
        revoked.text,
        expired.text,
        right.text[:-1] + "_",
        "ifk_aaaaaaaaaaaa_" + "x" * 32,
        "",
        "x",
        "ifk__",
        "é" * 900,
    ]
    for text in texts:
        work.count = 0
        with CaptureQueriesContext(connection) as asked, pytest.raises(NotAuthenticated):
            Authenticator().authenticate(text)
        costs.add((work.count, len(asked)))
    assert costs == {(1, 1)}


def test_guesses_beyond_a_bound_wait_and_a_known_key_does_not(
    tenant: Tenant, key_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = {"kind": "k"}
    assert tenant.ask("POST", "/jobs", job).status == 202
    held = threading.Event()

    def checked(_: str) -> Actor:
        held.wait(LONGEST_S)
        raise NotAuthenticated("The API key is not valid.")

    monkeypatch.setattr(gate, "MAX_STRANGERS", 3)
    monkeypatch.setattr(gate, "_checked", checked)
    guess = [tenant.request("POST", "/jobs", job, authorization=f"Bearer ifk_{number}") for number in range(4)]
    waiting = [tenant.lane.begin(request) for request in guess[:3]]
    late = tenant.lane.ask(guess[3])
    assert (late.status, late.code, late.body["retryable"]) == (503, "overloaded", True)
    assert int(late.headers["retry-after"]) >= 1
    known = tenant.ask("POST", "/jobs", job)
    held.set()
    assert known.status == 202
    assert {answer.result(LONGEST_S).status for answer in waiting} == {401}
