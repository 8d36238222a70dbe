"""The audit log: written with the act, never changed afterwards."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import transaction

from jobs.access import audit
from jobs.access.actor import Actor
from jobs.access.models import AuditEntry, AuditIsAppendOnly
from jobs.access.scopes import Action
from jobs.domain.request_id import set_request_id
from jobs.services import keys
from jobs.services.people import ensure_first_admin


def test_an_entry_says_who_did_what_to_what_and_in_which_request(system: Actor) -> None:
    set_request_id("r-1")
    try:
        audit.record(system, Action.QUEUE_PAUSE, "queue", "main", reason="deploy", before={"paused": False}, after={})
    finally:
        set_request_id("")
    entry = audit.newest(system)[0]
    assert (entry.actor, entry.actor_kind, entry.action) == ("system:test", "system", "queue.pause")
    assert (entry.target_kind, entry.target_id, entry.namespace) == ("queue", "main", system.namespace)
    assert (entry.reason, entry.before, entry.after, entry.request_id) == ("deploy", {"paused": False}, {}, "r-1")


def test_what_no_database_keeps_costs_no_entry(system: Actor) -> None:
    audit.record(
        system, Action.LIMIT_SET, "limit", "a\0b", reason="\0", before={"\0k": ["\0"]}, after={"k": {"n": 1.5}}
    )
    entry = audit.newest(system)[0]
    assert (entry.target_id, entry.reason) == ("a\ufffdb", "\ufffd")
    assert (entry.before, entry.after) == ({"\ufffdk": ["\ufffd"]}, {"k": {"n": 1.5}})


def test_an_entry_is_never_changed_or_removed(system: Actor) -> None:
    entry = audit.record(system, Action.QUEUE_PAUSE, "queue", "main")
    entry.reason = "other"
    for attempt in (
        entry.save,
        entry.delete,
        AuditEntry.objects.all().delete,
        AuditEntry.objects.filter(pk=entry.pk).delete,
        lambda: AuditEntry.objects.update(reason="x"),
        lambda: AuditEntry.objects.bulk_update([entry], ["reason"]),
        lambda: AuditEntry.objects.update_or_create(pk=entry.pk, defaults={"reason": "x"}),
    ):
        with pytest.raises(AuditIsAppendOnly), transaction.atomic():
            attempt()
    assert AuditEntry.objects.get(pk=entry.pk).reason == ""


def test_keys_leave_a_record_without_their_secret(system: Actor) -> None:
    minted = keys.mint(system, keys.KeyRequest("ci", ("jobs:read",)))
    keys.revoke(system, minted.details.prefix, reason="leaked")
    revoked, made = audit.newest(system, target_kind="key", target_id=minted.details.prefix)
    assert (made.action, revoked.action, revoked.reason) == ("key.mint", "key.revoke", "leaked")
    assert minted.text.rsplit("_", 1)[1] not in str([made.__dict__, revoked.__dict__])


@pytest.mark.django_db
def test_the_first_admin_is_made_once_with_a_password_that_is_told_once() -> None:
    password = ensure_first_admin()
    assert password is not None
    assert len(password) >= 20
    user = User.objects.get(username="admin")
    assert user.check_password(password)
    assert user.is_superuser
    assert ensure_first_admin() is None
    assert password not in str(list(AuditEntry.objects.values()))


@pytest.mark.django_db
def test_an_installation_with_people_gets_no_admin() -> None:
    User.objects.create_user("somebody", password="x")
    assert ensure_first_admin() is None
    assert not User.objects.filter(username="admin").exists()
