"""A socket that is open is closed when its person may not listen any more, at most 30 s later."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.sessions.models import Session

from jobs.access.models import Membership, Namespace
from jobs.access.person import NAMESPACE_KEY
from jobs.access.scopes import Role
from jobs.live import consumer
from jobs.live.consumer import NOT_SIGNED_IN, LiveConsumer
from tests.live.conftest import Socket, Watcher, in_thread, tell
from tests.stores import random_namespace

MOST_S = 30.0


def sign_out(watcher: Watcher) -> None:
    watcher.client.post("/console/logout")


def lose_role(watcher: Watcher) -> None:
    Membership.objects.filter(user=watcher.user).delete()


def change_password(watcher: Watcher) -> None:
    watcher.user.set_password("another long password")
    watcher.user.save()


def be_shut_out(watcher: Watcher) -> None:
    watcher.user.is_active = False
    watcher.user.save()


def be_deleted(watcher: Watcher) -> None:
    watcher.user.delete()


def session_ends(watcher: Watcher) -> None:
    Session.objects.all().delete()


def look_elsewhere(watcher: Watcher) -> None:
    place = Namespace.objects.create(name=random_namespace())
    Membership.objects.create(user=watcher.user, namespace=place, role=Role.VIEWER.value)
    session = watcher.client.session
    session[NAMESPACE_KEY] = place.name
    session.save()


CHANGES = [sign_out, lose_role, change_password, be_shut_out, be_deleted, session_ends, look_elsewhere]


def test_rights_are_looked_up_again_within_thirty_seconds() -> None:
    assert consumer.RECHECK_S < MOST_S
    assert LiveConsumer.recheck_s == consumer.RECHECK_S


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_an_open_socket_is_closed(
    watcher: Watcher, monkeypatch: pytest.MonkeyPatch, change: Callable[[Watcher], None]
) -> None:
    monkeypatch.setattr(LiveConsumer, "recheck_s", 0.05)

    async def story() -> None:
        socket = Socket(watcher.cookie)
        assert await socket.open() is None
        await in_thread(lambda: change(watcher))
        assert await socket.closed_with() == NOT_SIGNED_IN
        await socket.disconnect()

    tell(story)


def test_a_socket_whose_person_may_still_listen_stays_and_beats(
    watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LiveConsumer, "recheck_s", 0.05)

    async def story() -> None:
        socket = Socket(watcher.cookie)
        assert await socket.open() is None
        beats = 0
        while beats < 5:
            beats += await socket.hear() == '{"type":"beat"}'
        await socket.disconnect()

    tell(story)
