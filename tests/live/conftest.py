"""Browsers' sockets at the real application, one event loop a story."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from asgiref.testing import ApplicationCommunicator
from channels.db import database_sync_to_async
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connections
from django.test import Client

from jobs import wiring
from jobs.access.models import Membership, Namespace
from jobs.access.scopes import Role
from jobs.live.routing import LIVE_PATH, websocket_application
from tests.stores import Bench

HOST = "console.example:8443"
LONGEST_WAIT_S = 60.0

Frame = dict[str, Any]
Story = Callable[[], Awaitable[None]]


@dataclass
class Watcher:
    """Somebody who watches one namespace; `client` is the browser that the session belongs to."""

    bench: Bench
    user: User
    client: Client

    @property
    def cookie(self) -> str:
        """Return the session's key."""
        return self.client.cookies[settings.SESSION_COOKIE_NAME].value


@pytest.fixture
def watcher(transactional_db: None, patient_calls: None) -> Iterator[Watcher]:
    """Return a viewer of a namespace. The database commits really, since sockets look into it from other threads."""
    bench = Bench()
    user = User.objects.create_user(f"watcher-{bench.namespace}")
    place = Namespace.objects.create(name=bench.namespace)
    Membership.objects.create(user=user, namespace=place, role=Role.VIEWER.value)
    client = Client()
    client.force_login(user)
    yield Watcher(bench, user, client)
    bench.close()


class Socket(ApplicationCommunicator):
    """One browser's socket."""

    def __init__(self, cookie: str = "", path: str = LIVE_PATH, **headers: str | None) -> None:
        defaults = {"host": HOST, "origin": f"https://{HOST}", "cookie": f"{settings.SESSION_COOKIE_NAME}={cookie}"}
        pairs = [(name.encode(), value.encode()) for name, value in (defaults | headers).items() if value is not None]
        scope = {"type": "websocket", "path": path, "query_string": b"", "headers": pairs, "subprotocols": []}
        super().__init__(websocket_application, scope)

    async def open(self) -> int | None:
        """Knock; return None when let in, else the code of the refusal."""
        await self.send_input({"type": "websocket.connect"})
        answer = await self.receive_output(LONGEST_WAIT_S)
        return None if answer["type"] == "websocket.accept" else int(answer["code"])

    async def say(self, said: str | bytes) -> None:
        """Send a message of text or of bytes."""
        await self.send_input({"type": "websocket.receive", "text" if isinstance(said, str) else "bytes": said})

    async def hear(self) -> str:
        """Return the next message."""
        answer = await self.receive_output(LONGEST_WAIT_S)
        assert answer["type"] == "websocket.send", answer
        return str(answer["text"])

    async def disconnect(self) -> None:
        """Close the window."""
        await self.send_input({"type": "websocket.disconnect", "code": 1000})
        await self.wait(LONGEST_WAIT_S)

    async def frame(self) -> Frame:
        """Return the next message that is not the mere beat of the line."""
        while True:
            frame: Frame = msgspec.json.decode(await self.hear())
            if frame["type"] != "beat":
                return frame

    async def frame_about(self, job_id: str) -> Frame:
        """Return the next frame that names a job."""
        while True:
            frame = await self.frame()
            if any(change[0] == job_id for change in frame["changes"]):
                return frame

    async def closed_with(self) -> int:
        """Return the code with which the server closes; frames before it are passed over."""
        while True:
            message = await self.receive_output(LONGEST_WAIT_S)
            if message["type"] == "websocket.close":
                return int(message["code"])


def tell(story: Story) -> None:
    """Run a story and close what its loop had opened."""

    async def whole() -> None:
        try:
            await asyncio.wait_for(story(), 1.5 * LONGEST_WAIT_S)
        finally:
            wiring.close_channels()
            await database_sync_to_async(connections.close_all)()

    asyncio.run(whole())


def in_thread(act: Callable[[], Any]) -> Awaitable[Any]:
    """Use the database or the store from a story."""
    return database_sync_to_async(act)()
