"""One browser's websocket: frames go out, nothing that comes in is obeyed."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.db import Error as DatabaseFailure

from jobs.conf import conf
from jobs.live import tail
from jobs.live.admission import Listener, admit, give_seat, take_seat
from jobs.live.origin import is_own_origin

NOT_SIGNED_IN = 4401
WRONG_ORIGIN = 4403
TOO_MANY = 4429
POLICY_VIOLATION = 1008
TOO_BIG = 1009

# Rights are looked up this often, and the browser hears that the line is alive.
RECHECK_S = 20.0
_LONGEST_MESSAGE = 1_024
_MOST_MESSAGES = 20


class LiveConsumer(AsyncWebsocketConsumer):
    """Lets a signed-in person listen to the namespace of their session."""

    recheck_s = RECHECK_S

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._listener: Listener | None = None
        self._watch: asyncio.Task[None] | None = None
        self._received = 0
        self._is_closing = False

    async def connect(self) -> None:
        """Accept our own pages of signed-in people; refuse all others before the handshake ends."""
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in self.scope["headers"]}
        if not is_own_origin(headers.get("origin"), headers.get("host"), conf().trusted_origins):
            await self.close(WRONG_ORIGIN)
            return
        listener = await self._admitted()
        if listener is None:
            await self.close(NOT_SIGNED_IN)
            return
        if not take_seat(listener.person):
            await self.close(TOO_MANY)
            return
        self._listener = listener
        await self.channel_layer.group_add(tail.group_of(listener.namespace), self.channel_name)
        tail.listen(listener.namespace)
        await self.accept()
        self._watch = asyncio.create_task(self._keep_watch())

    async def disconnect(self, code: int) -> None:
        """Stop listening."""
        if self._watch is not None:
            self._watch.cancel()
        if self._listener is not None:
            listener, self._listener = self._listener, None
            give_seat(listener.person)
            await self.channel_layer.group_discard(tail.group_of(listener.namespace), self.channel_name)
            await tail.leave(listener.namespace)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Count what comes in. A page says hello once, and has nothing else to say."""
        if self._is_closing:
            return
        self._received += 1
        if bytes_data is not None or self._received > _MOST_MESSAGES:
            await self._refuse(POLICY_VIOLATION)
        elif text_data is not None and len(text_data) > _LONGEST_MESSAGE:
            await self._refuse(TOO_BIG)

    async def live_frame(self, message: dict[str, str]) -> None:
        """Pass a frame of the group on."""
        await self._tell(message["text"])

    async def _keep_watch(self) -> None:
        """Look again and again whether this person may still listen here."""
        with suppress(asyncio.CancelledError, OSError):
            while True:
                await asyncio.sleep(self.recheck_s)
                self._received = 0
                if self._is_closing:
                    return
                if await self._admitted() != self._listener:
                    await self._refuse(NOT_SIGNED_IN)
                    return
                await self._tell('{"type":"beat"}')

    async def _refuse(self, code: int) -> None:
        """Close once: a server takes a second close for a mistake of ours."""
        self._is_closing = True
        await self.close(code)

    async def _tell(self, text: str) -> None:
        """Send a message. That the browser has just gone is learned from `disconnect`, and is no mistake."""
        if self._is_closing:
            return
        try:
            await self.send(text_data=text)
        except RuntimeError:
            # What uvicorn says when it has answered the browser's goodbye, and `disconnect` has not come yet.
            self._is_closing = True
        except OSError:
            pass

    async def _admitted(self) -> Listener | None:
        session_key = self.scope.get("cookies", {}).get(settings.SESSION_COOKIE_NAME, "")
        if not session_key:
            return None
        try:
            return await database_sync_to_async(admit)(session_key)
        except DatabaseFailure:
            # Nobody can be looked up. Who is in stays in; who is not does not get in.
            return self._listener
