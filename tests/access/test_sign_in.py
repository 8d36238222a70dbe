"""Signing in: ten tries a minute for an account and for an address, one text for every wrong pair, all recorded."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from jobs.access import throttle
from jobs.access.models import AuditEntry, LoginAttempts
from jobs.access.scopes import Role
from jobs.domain.errors import NotAuthenticated, TooManyAttempts
from jobs.services.people import sign_in, sign_out
from tests.access.conftest import MakePerson

PASSWORD = "correct horse battery"


def refused_with(account: str, password: str, address: str | None) -> str:
    with pytest.raises((NotAuthenticated, TooManyAttempts)) as refused:
        sign_in(account, password, address)
    return str(refused.value)


def test_the_right_password_opens_and_is_recorded(make_person: MakePerson) -> None:
    user = make_person(Role.VIEWER)
    assert sign_in(user.username, PASSWORD, "192.0.2.1") == user
    sign_out(user)
    out, entry = AuditEntry.objects.filter(target_id=user.username)
    assert (entry.action, entry.after, out.action) == ("login", {"address": "192.0.2.1"}, "logout")


@pytest.mark.django_db
def test_every_wrong_pair_reads_the_same() -> None:
    user = User.objects.create_user("known", password=PASSWORD)
    User.objects.create_user("gone", password=PASSWORD, is_active=False)
    tries = [("known", "no"), ("nobody", "no"), ("gone", PASSWORD), ("a\0b", "x"), ("x" * 10_000, "x"), ("known", "")]
    assert len({refused_with(account, password, None) for account, password in tries}) == 1
    assert AuditEntry.objects.filter(action="login.failed", target_id=user.username).count() == 2
    assert not AuditEntry.objects.filter(target_id="nobody").exists(), "it may be a password in the wrong field"


def test_the_eleventh_try_on_an_account_is_refused_even_with_the_right_password(make_person: MakePerson) -> None:
    user = make_person(Role.VIEWER)
    for number in range(10):
        refused_with(user.username.upper(), "no", f"192.0.2.{number}")
    with pytest.raises(TooManyAttempts) as refused:
        sign_in(user.username, PASSWORD, "192.0.2.99")
    assert refused.value.retry_after_s > 0
    assert refused_with("nobody-else", "no", "192.0.2.98") != str(refused.value)


@pytest.mark.django_db
@pytest.mark.parametrize("addresses", [["192.0.2.7"], ["2001:db8::1", "2001:db8::2"]])
def test_one_address_may_not_try_many_accounts(addresses: list[str]) -> None:
    texts = [refused_with(f"a{number}", "no", addresses[number % len(addresses)]) for number in range(12)]
    assert len(set(texts[:10])) == 1
    assert texts[10] == texts[11] != texts[0]


@pytest.mark.django_db
def test_of_refusals_by_the_limit_one_a_minute_is_recorded() -> None:
    for _ in range(15):
        refused_with("victim", "no", None)
    assert AuditEntry.objects.filter(reason="too many attempts").count() == 1


def test_a_minute_later_one_may_try_again(make_person: MakePerson) -> None:
    user = make_person(Role.VIEWER)
    for _ in range(12):
        refused_with(user.username, "no", None)
    LoginAttempts.objects.update(started_at=timezone.now() - timedelta(seconds=61))
    assert sign_in(user.username, PASSWORD, None) == user


@pytest.mark.django_db(transaction=True)
def test_parallel_tries_are_all_counted() -> None:
    account = secrets.token_hex(8)

    def attempt(_: int) -> int:
        try:
            return throttle.count_attempt(account, None)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        counts = list(pool.map(attempt, range(40)))
    assert sorted(counts) == list(range(1, 41))
