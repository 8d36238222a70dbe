"""One browser's websocket. It hears what changed, or, once it has said what it looks at, has the page pushed."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import msgspec
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.db import Error as DatabaseFailure

from jobs.conf import conf
from jobs.live import tail
from jobs.live.admission import Listener, admit, give_seat, take_seat
from jobs.live.gallery import OWN, SAME, Look, gallery
from jobs.live.language import language_of
from jobs.live.origin import is_own_origin, scheme_of
from jobs.live.place import Wish, place_of

NOT_SIGNED_IN = 4401
WRONG_ORIGIN = 4403
TOO_MANY = 4429
POLICY_VIOLATION = 1008
TOO_BIG = 1009

# Rights are looked up this often, and the browser hears that the line is alive.
RECHECK_S = 20.0
_LONGEST_MESSAGE = 1_024
# In the time between two looks at the rights.
_MOST_MESSAGES = 60
_wish = msgspec.json.Decoder(Wish)


class LiveConsumer(AsyncWebsocketConsumer):
    """Lets a signed-in person listen to the namespace of their session."""

    recheck_s = RECHECK_S

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._headers: dict[str, str] = {}
        self._listener: Listener | None = None
        self._watch: asyncio.Task[None] | None = None
        self._received = 0
        self._is_closing = False
        self._look: Look | None = None
        self._next: str | bytes | None = None
        self._posting: asyncio.Task[None] | None = None

    async def __call__(self, *asgi: Any) -> None:
        """Serve the socket. One that ends by a mistake, or with the server, hears no `disconnect`."""
        try:
            await super().__call__(*asgi)
        finally:
            await self._end()

    async def connect(self) -> None:
        """Accept our own pages of signed-in people; refuse all others before the handshake ends."""
        self._headers = {name.decode("latin-1").lower(): text.decode("latin-1") for name, text in self.scope["headers"]}
        if not is_own_origin(self._headers.get("origin"), self._headers.get("host"), conf().trusted_origins):
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
        tail.listen(listener.namespace, self.channel_name)
        await self._hear()
        await self.accept()
        self._watch = asyncio.create_task(self._keep_watch())

    async def disconnect(self, code: int) -> None:
        """Stop listening."""
        await self._end()

    async def _end(self) -> None:
        """Give back all that the socket holds, once, however it ended."""
        self._is_closing = True
        for task in (self._watch, self._posting):
            if task is not None:
                task.cancel()
        self._look_away()
        listener, self._listener = self._listener, None
        if listener is not None:
            give_seat(listener.person)
            await tail.leave(listener.namespace, self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Count what comes in. A page says hello, and at what it looks; anything else is not obeyed."""
        if self._is_closing:
            return
        self._received += 1
        if bytes_data is not None or self._received > _MOST_MESSAGES:
            await self._refuse(POLICY_VIOLATION)
        elif text_data is not None and len(text_data) > _LONGEST_MESSAGE:
            await self._refuse(TOO_BIG)
        elif text_data is not None:
            await self._obey(text_data)

    async def _obey(self, text: str) -> None:
        """Look at what the page shows, and at nothing before; without a page of ours there are frames again."""
        try:
            wish = _wish.decode(text)
        except msgspec.DecodeError:
            return
        listener, was_looking = self._listener, self._look is not None
        self._look_away()
        if listener is None:
            return
        scheme = scheme_of(self._headers["origin"])
        language = language_of(self._headers.get("accept-language", ""), self.scope.get("cookies", {}))
        place = place_of(listener, wish, language, scheme, self._headers.get("host", ""))
        if place is None:
            await self._hear()
            self.push(OWN)
            return
        if not was_looking:
            await tail.hear_no_more(listener.namespace, self.channel_name)
        self._look = gallery().enter(place, self)

    async def _hear(self) -> None:
        if self._listener is not None and not self._is_closing:
            await tail.hear(self._listener.namespace, self.channel_name)

    def _look_away(self) -> None:
        if self._look is not None:
            gallery().leave(self._look, self)
            self._look = None

    @property
    def session_key(self) -> str:
        """Return the key of the session that the socket belongs to."""
        return str(self.scope.get("cookies", {}).get(settings.SESSION_COOKIE_NAME, ""))

    def push(self, message: str | bytes) -> None:
        """Send a page; one that waits because the browser is slow gives way to it."""
        if message != SAME or self._next is None:
            self._next = message
        if self._posting is None or self._posting.done():
            self._posting = asyncio.create_task(self._post())

    async def _post(self) -> None:
        while self._next is not None:
            message, self._next = self._next, None
            await self._tell(message)

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
                if self._look is None:
                    await self._hear()
                await self._tell('{"type":"beat"}')

    async def _refuse(self, code: int) -> None:
        """Close once: a server takes a second close for a mistake of ours. From now on nothing is made for it."""
        if self._is_closing:
            return
        self._is_closing = True
        self._look_away()
        if self._listener is not None:
            await tail.hear_no_more(self._listener.namespace, self.channel_name)
        await self.close(code)

    async def _tell(self, message: str | bytes) -> None:
        """Send a message. That the browser has just gone is learned from `disconnect`, and is no mistake."""
        if self._is_closing:
            return
        try:
            if isinstance(message, str):
                await self.send(text_data=message)
            else:
                await self.send(bytes_data=message)
        except RuntimeError:
            # What uvicorn says when it has answered the browser's goodbye, and `disconnect` has not come yet.
            self._is_closing = True
        except OSError:
            pass

    async def _admitted(self) -> Listener | None:
        if not self.session_key:
            return None
        try:
            return await database_sync_to_async(admit)(self.session_key)
        except DatabaseFailure:
            # Nobody can be looked up. Who is in stays in; who is not does not get in.
            return self._listener
