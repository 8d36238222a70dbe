"""Who may open a socket: a signed-in person, from a page of ours, to a namespace of theirs, and not too many."""

from __future__ import annotations

import pytest
from django.test import override_settings

from jobs.access.models import Membership
from jobs.live import tail
from jobs.live.admission import SOCKETS_PER_PERSON
from jobs.live.consumer import NOT_SIGNED_IN, TOO_MANY, WRONG_ORIGIN
from jobs.live.nowhere import NOT_FOUND
from jobs.live.origin import is_own_origin
from tests.live.conftest import HOST, Socket, Watcher, in_thread, tell

NAME = "console.example"
OWN = [
    (f"https://{NAME}:8443", f"{NAME}:8443"), (f"http://{NAME}:8443", f"{NAME}:8443"), (f"https://{NAME}", NAME),
    (f"https://{NAME}:443", NAME), ("http://localhost:3000", "localhost:3000"), ("https://CONSOLE.example", NAME),
    (f"https://{NAME}", "console.EXAMPLE"), ("http://[::1]:3000", "[::1]:3000"),
]  # fmt: skip
FOREIGN = [
    ("https://evil.example", NAME), (f"https://sub.{NAME}", NAME), (f"https://{NAME}.evil.example", NAME),
    (f"https://{NAME}:444", NAME), (f"https://{NAME}", f"{NAME}:8443"), (f"http://{NAME}:8443", NAME),
    ("null", NAME), ("null", "null"), ("", NAME), (None, NAME), ("https://a", None), ("*", "*"), ("https://", ""),
    (f"https://{NAME}@evil.example", NAME), (f"https://evil.example@{NAME}", NAME), (f"https://{NAME}/", NAME),
    (f"https://{NAME}?x", NAME), (f"https://{NAME}#x", NAME), ("file://", NAME), (NAME, NAME),
    (f"chrome-extension://{NAME}", NAME), (f"https://{NAME}:x", NAME), (f"https://{NAME}, https://evil.example", NAME),
    ("http://localhost:3000", "127.0.0.1:3000"), ("http://localhost:3001", "localhost:3000"),
]  # fmt: skip


@pytest.mark.parametrize(("origin", "host"), OWN)
def test_a_page_of_the_same_host_is_ours(origin: str, host: str) -> None:
    assert is_own_origin(origin, host)


@pytest.mark.parametrize(("origin", "host"), FOREIGN)
def test_any_other_page_is_not_ours(origin: str | None, host: str | None) -> None:
    assert not is_own_origin(origin, host)


def test_a_trusted_origin_is_ours_too() -> None:
    assert is_own_origin("https://proxy.example", "inner:3000", ("https://proxy.example/",))
    assert not is_own_origin("https://proxy.example.evil", "inner:3000", ("https://proxy.example",))


@override_settings(ALLOWED_HOSTS=["*"])
def test_a_socket_of_another_origin_is_refused_before_it_opens(watcher: Watcher) -> None:
    origins = ["https://evil.example", "null", None, "https://sub.console.example:8443", "https://console.example:8444"]

    async def story() -> None:
        assert [await Socket(watcher.cookie, origin=origin).open() for origin in origins] == [WRONG_ORIGIN] * 5
        ours = Socket(watcher.cookie, origin=f"https://{HOST}")
        assert await ours.open() is None
        await ours.disconnect()

    tell(story)


def test_nobody_listens_without_a_session(watcher: Watcher) -> None:
    async def story() -> None:
        assert await Socket().open() == NOT_SIGNED_IN
        assert await Socket("x" * 32).open() == NOT_SIGNED_IN
        await in_thread(lambda: watcher.client.post("/console/logout"))
        assert await Socket(watcher.cookie or "x").open() == NOT_SIGNED_IN

    tell(story)


def test_nobody_listens_without_a_namespace_or_as_a_person_who_was_shut_out(watcher: Watcher) -> None:
    async def story() -> None:
        await in_thread(Membership.objects.all().delete)
        assert await Socket(watcher.cookie).open() == NOT_SIGNED_IN
        watcher.user.is_active = False
        await in_thread(watcher.user.save)
        assert await Socket(watcher.cookie).open() == NOT_SIGNED_IN

    tell(story)


@pytest.mark.parametrize("path", ["/", "/console/ws/", "/console/wsx", "/ws", "/console"])
def test_another_address_has_no_socket(watcher: Watcher, path: str) -> None:
    async def story() -> None:
        assert await Socket(watcher.cookie, path=path).open() == NOT_FOUND

    tell(story)


def test_one_person_has_a_bounded_number_of_sockets_and_gets_seats_back(watcher: Watcher) -> None:
    async def story() -> None:
        sockets = [Socket(watcher.cookie) for _ in range(SOCKETS_PER_PERSON)]
        assert [await socket.open() for socket in sockets] == [None] * SOCKETS_PER_PERSON
        assert await Socket(watcher.cookie).open() == TOO_MANY
        assert tail.heard() == {watcher.bench.namespace: SOCKETS_PER_PERSON}
        await sockets.pop().disconnect()
        again = Socket(watcher.cookie)
        assert await again.open() is None
        for socket in [*sockets, again]:
            await socket.disconnect()
        assert tail.heard() == {}, "nobody listens, so nothing is read"

    tell(story)
