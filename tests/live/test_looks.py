"""Pages that are pushed: one rendering for all who see the same, nobody sees more than they may, and what cannot be
pushed is told."""

from __future__ import annotations

import asyncio
import gzip
import time
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client
from django.urls import URLPattern

from ironforge_site.urls import urlpatterns  # noqa: F401 (the addresses of the console are known)
from jobs.access.models import Membership, Namespace
from jobs.access.person import NAMESPACE_KEY
from jobs.access.scopes import ROLE_SCOPES, Role
from jobs.dashboard import urls
from jobs.domain.event import Change, Event
from jobs.domain.status import Status
from jobs.live.admission import Listener, admit
from jobs.live.gallery import GAP_S, OWN, SAME, Gallery
from jobs.live.picture import picture_of
from jobs.live.place import Place, Wish, place_of
from jobs.telemetry.feed import Batch
from tests.live.conftest import HOST, LONGEST_WAIT_S, Socket, Watcher, in_thread, tell
from tests.stores import Bench
from tests.wrapped import wrapped  # noqa: F401 (a fixture)

ALIKE = [
    each for each in urls.urlpatterns if isinstance(each, URLPattern) and getattr(each.callback, "is_alike", False)
]


async def look(socket: Socket, at: str, **more: Any) -> None:
    await socket.say(msgspec.json.encode({"type": "look", "at": at, **more}).decode())


async def shown(socket: Socket) -> str:
    """Return the next page that is pushed."""
    while True:
        answer = await socket.receive_output(LONGEST_WAIT_S)
        if answer.get("bytes"):
            return str(msgspec.json.decode(gzip.decompress(answer["bytes"]))["html"])


def member(namespace: str, role: Role) -> str:
    """Make somebody with a role; return the key of their session."""
    user = User.objects.create_user(f"{role.value}-{namespace}-{User.objects.count()}")
    Membership.objects.create(user=user, namespace=Namespace.objects.get(name=namespace), role=role.value)
    client = Client()
    client.force_login(user)
    return str(client.session.session_key)


def test_a_page_is_pushed_when_something_changes_and_has_no_token(watcher: Watcher) -> None:
    async def story() -> None:
        socket = Socket(watcher.cookie)
        assert await socket.open() is None
        await look(socket, "/console/queues")
        assert "mail-7" not in await shown(socket)
        await in_thread(lambda: watcher.bench.submit(queue="mail-7"))
        while "mail-7" not in (page := await shown(socket)):
            pass
        assert 'id="page"' not in page, "the shell stays"
        await socket.disconnect()

    tell(story)


def test_people_of_one_role_share_a_page_and_others_see_what_they_may(watcher: Watcher) -> None:
    names = watcher.bench.namespace
    operators = [member(names, Role.OPERATOR) for _ in range(2)]

    async def story() -> None:
        await in_thread(lambda: watcher.bench.submit(queue="mail-7"))
        pages = []
        for cookie in (*operators, watcher.cookie):
            socket = Socket(cookie)
            assert await socket.open() is None
            await look(socket, "/console/queues")
            while "mail-7" not in (page := await shown(socket)):
                pass
            pages.append(page)
            await socket.disconnect()
        assert "/pause" in pages[0]
        assert "/pause" not in pages[2], "a viewer has no buttons"
        assert 'name="csrfmiddlewaretoken" value=""' in pages[0]
        assert 'name="csrfmiddlewaretoken" value="' not in pages[0].replace('value=""', "")

    tell(story)


def test_nobody_looks_into_another_namespace(watcher: Watcher) -> None:
    other = Bench()

    async def story() -> None:
        await in_thread(lambda: other.submit(queue="theirs-9"))
        await in_thread(lambda: watcher.bench.submit(queue="ours-9"))
        socket = Socket(watcher.cookie)
        assert await socket.open() is None
        await look(socket, "/console/queues")
        page = await shown(socket)
        while "ours-9" not in page:
            page = await shown(socket)
        assert "theirs-9" not in page
        await socket.disconnect()

    tell(story)
    other.close()


@pytest.mark.parametrize("at", ["/jobs", "/console", "https://example.org/console/", f"/console/?{'x' * 900}"])
def test_what_is_no_page_of_the_console_is_not_looked_at(watcher: Watcher, at: str) -> None:
    async def story() -> None:
        socket = Socket(watcher.cookie)
        assert await socket.open() is None
        await socket.frame()
        await look(socket, at)
        assert (await socket.frame())["type"] == "own"
        job_id = await in_thread(watcher.bench.submit)
        await socket.frame_about(job_id)
        await socket.disconnect()

    tell(story)


def test_a_page_that_leads_elsewhere_is_left_to_the_browser_and_one_as_it_was_is_not_sent_again(
    watcher: Watcher,
) -> None:
    async def story() -> None:
        socket = Socket(watcher.cookie)
        assert await socket.open() is None
        await look(socket, "/console/find?q=nothing-at-all", live="clock")
        while (await socket.receive_output(LONGEST_WAIT_S)).get("text") != OWN:
            pass
        await look(socket, "/console/queues", live="clock", every=1)
        await shown(socket)
        while (await socket.receive_output(LONGEST_WAIT_S)).get("text") != SAME:
            pass
        await socket.disconnect()

    tell(story)


@pytest.mark.usefixtures("wrapped")
def test_who_share_a_page_share_a_language(watcher: Watcher) -> None:
    async def story() -> None:
        sockets, pages = [], []
        for accepted in ("de-AT,en;q=0.5", "fr", "de"):
            sockets.append(Socket(watcher.cookie, **{"accept-language": accepted}))
            assert await sockets[-1].open() is None
            await look(sockets[-1], "/console/queues")
            pages.append(await shown(sockets[-1]))
        assert ["«No queues yet»" in page for page in pages] == [True, False, True]
        for socket in sockets:
            await socket.disconnect()

    tell(story)


@pytest.mark.parametrize("page", ALIKE, ids=lambda page: page.name)
def test_a_page_that_is_shared_has_nothing_of_the_person(watcher: Watcher, page: URLPattern) -> None:
    bench = watcher.bench
    bench.submit(queue="mail-7")
    address = f"/console/{page.pattern}".replace("<str:workflow_id>", "none").replace("<str:name>", "mail-7")
    pictures = []
    for _ in range(2):
        key = member(bench.namespace, Role.ADMIN)
        listener = Listener("somebody", bench.namespace, ROLE_SCOPES[Role.ADMIN])
        place = place_of(listener, Wish(at=address), "en", "https", "localhost")
        assert place is not None
        assert place.person == ""
        found = picture_of(place, key)
        assert found is not None
        pictures.append(msgspec.json.decode(gzip.decompress(found))["html"])
    assert "admin-" not in pictures[0]
    assert "admin-" not in pictures[1]


@pytest.mark.parametrize("change", ["another namespace", "another role", "signed out"])
def test_a_session_that_changed_shows_nothing_to_those_who_shared_a_page_with_it(watcher: Watcher, change: str) -> None:
    bench, other = watcher.bench, Bench()
    Namespace.objects.create(name=other.namespace)
    key = member(bench.namespace, Role.VIEWER)
    listener = admit(key)
    assert listener is not None
    where = place_of(listener, Wish(at="/console/queues"), "en", "https", "localhost")
    assert where is not None
    assert picture_of(where, key) is not None
    mine = Membership.objects.get(user_id=listener.person)
    if change == "another role":
        Membership.objects.filter(pk=mine.pk).update(role=Role.ADMIN.value)
    elif change == "another namespace":
        theirs = Namespace.objects.get(name=other.namespace)
        Membership.objects.create(user=mine.user, namespace=theirs, role=Role.VIEWER.value)
        session = SessionStore(key)
        session[NAMESPACE_KEY] = other.namespace
        session.save()
    else:
        SessionStore(key).delete()
    assert picture_of(where, key) is None
    other.close()


class Screen:
    """A viewer that remembers what was pushed."""

    session_key = ""

    def __init__(self) -> None:
        self.seen: list[str | bytes] = []

    def push(self, message: str | bytes) -> None:
        self.seen.append(message)


def place(at: str, **more: Any) -> Place:
    return Place("n", frozenset(), "", "en", "https", HOST, Wish(at=at, **more))


def changed(job_id: str, queue: str) -> Batch:
    return Batch((Event("1-0", "submit", queue, 0, (Change(job_id, Status.QUEUED),)),), is_gap=False)


async def until(is_true: Any) -> None:
    async with asyncio.timeout(LONGEST_WAIT_S):
        while not is_true():
            await asyncio.sleep(0.005)


def test_a_storm_makes_a_rendering_a_second_and_one_bad_page_spoils_no_other() -> None:
    rendered: list[str] = []
    begun: list[float] = []

    def render(where: Place, _session_key: str) -> bytes | None:
        rendered.append(where.wish.at)
        if where.wish.at == "a":
            begun.append(time.monotonic())
        if where.wish.at == "bad":
            raise ValueError("bad")
        return f"{where.wish.at} {len(rendered)}".encode()

    async def story() -> None:
        gallery, screens = Gallery(render), [Screen() for _ in range(3)]
        looks = [gallery.enter(place(at), screen) for at, screen in zip(("a", "a", "bad"), screens, strict=True)]

        def has_seen_a_storm() -> bool:
            gallery.note("n", changed("j", "q"))
            return len(begun) == 3 and bool(screens[2].seen)

        await until(has_seen_a_storm)
        assert all(later - earlier >= GAP_S for earlier, later in pairwise(begun))
        assert screens[0].seen == screens[1].seen
        assert set(screens[2].seen) == {OWN}
        for one, screen in zip(looks, screens, strict=True):
            gallery.leave(one, screen)
        assert gallery._task is not None
        await gallery._task
        before = len(rendered)
        gallery.note("n", changed("j", "q"))
        await asyncio.sleep(0)
        assert (len(rendered), gallery._task.done()) == (before, True)

    tell(story)


def test_a_page_is_rendered_anew_for_what_concerns_it_alone() -> None:
    def render(where: Place, _session_key: str) -> bytes | None:
        return str(rounds[where.wish.of]).encode()

    rounds = {"main": 0, "j1": 0}

    async def story() -> None:
        gallery, queue, job = Gallery(render), Screen(), Screen()
        gallery.enter(place("queue", live="queue", of="main"), queue)
        gallery.enter(place("job", live="job", of="j1"), job)
        await until(lambda: queue.seen and job.seen)
        rounds.update(main=1, j1=1)
        gallery.note("other", changed("j1", "main"))
        gallery.note("n", changed("j2", "main"))
        await until(lambda: queue.seen[-1] == b"1")
        assert job.seen == [b"0"]
        gallery.note("n", changed("j1", "elsewhere"))
        await until(lambda: job.seen[-1] == b"1")
        assert queue.seen == [b"0", b"1"]

    tell(story)
