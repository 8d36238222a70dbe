"""Nobody keeps others from writing for long: what takes its time is done before, and much is removed in pieces."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.db.utils import ConnectionHandler
from django.utils import timezone

from jobs import wiring
from jobs.access.actor import system_actor
from jobs.access.history import HOUR_S, MINUTE_S, HistoryClock, HistoryPoint
from jobs.access.operation import Operation, OperationBatch
from jobs.access.scopes import Role
from jobs.domain.errors import StateConflict
from jobs.services import database, history_recording, members, operation_turns, operations, people
from tests.api.tenant import Tenant


def outside(slow: Callable[..., Any]) -> Callable[..., Any]:
    """Have a function fail inside a transaction; the one that pytest wraps around each test is none."""

    def wrapped(*args: Any) -> Any:
        assert not connection.savepoint_ids, "others wait for this"
        return slow(*args)

    return wrapped


def test_passwords_are_hashed_and_hours_added_up_before_the_transaction(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, name in ((members, "make_password"), (people, "make_password"), (history_recording, "_hours")):
        monkeypatch.setattr(module, name, outside(getattr(module, name)))
    made, is_new = members.set_member(system_actor("test", tenant.name), tenant.name, f"p-{tenant.name}", Role.VIEWER)
    assert is_new
    assert User.objects.get(username=made.name).check_password(made.password or "")
    User.objects.all().delete()
    password = people.ensure_first_admin()
    admin = User.objects.get()
    assert (admin.is_superuser, admin.is_staff, admin.check_password(password or "")) == (True, True, True)
    now = int(time.time())
    hour = now - now % HOUR_S - 3 * HOUR_S
    HistoryPoint.objects.create(namespace=tenant.name, step_s=MINUTE_S, at=hour, moment="{}")
    HistoryClock.objects.update_or_create(pk=1, defaults={"hour": hour})
    assert history_recording.roll_up(now)


def test_a_large_operation_is_forgotten_in_pieces(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operation_turns, "MAX_FORGOTTEN", 2)
    old = timezone.now() - timedelta(days=31)
    large = Operation.objects.create(
        id="large", namespace=tenant.name, action="cancel", status="completed", finished_at=old
    )
    OperationBatch.objects.bulk_create(OperationBatch(operation=large, first=200 * at, ids=[]) for at in range(5))
    left = []
    while operation_turns.forget_old() == 2:
        left.append(OperationBatch.objects.count())
    assert (left, Operation.objects.count()) == ([3, 1], 0)


@pytest.mark.parametrize(
    ("status", "moment"), [("paused", "next_at"), ("stopped", "next_at"), ("previewed", "created_at")]
)
def test_nobody_goes_on_with_what_is_being_forgotten(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, status: str, moment: str
) -> None:
    monkeypatch.setattr(operation_turns, "MAX_FORGOTTEN", 2)
    name = wiring.identity().make()
    held = Operation.objects.create(id=name, namespace=tenant.name, action="cancel", status=status, matched=600)
    Operation.objects.filter(pk=name).update(**{moment: timezone.now() - timedelta(days=31)})
    OperationBatch.objects.bulk_create(OperationBatch(operation=held, first=200 * at, ids=[]) for at in range(3))
    assert operation_turns.forget_old() == 2
    with pytest.raises(StateConflict):
        operations.resume_operation(system_actor("test", tenant.name), name)
    operation_turns.forget_old()
    assert not Operation.objects.exists()


@pytest.mark.django_db
def test_a_connection_that_is_kept_spares_the_others_the_end_of_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("for SQLite")
    place = tmp_path / "db.sqlite3"
    ours = ConnectionHandler({"default": {**settings.DATABASES["default"], "NAME": str(place)}})["default"]
    log = place.with_name("db.sqlite3-wal")

    def write(text: str) -> bool:
        with ours.cursor() as cursor:
            cursor.execute(text)
        ours.close()
        return log.exists()

    monkeypatch.setattr(database, "connection", ours)
    assert not write("CREATE TABLE t (a)")
    let_go = database.keep_open()
    assert write("INSERT INTO t VALUES (1)")
    let_go()
    assert not log.exists()
