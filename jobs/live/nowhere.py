"""Refuses a websocket for any other address, quietly: an unknown route would be an exception in the log."""

from __future__ import annotations

from channels.generic.websocket import AsyncWebsocketConsumer

NOT_FOUND = 4404


class NowhereConsumer(AsyncWebsocketConsumer):
    """Closes before the handshake ends."""

    async def connect(self) -> None:
        """Refuse."""
        await self.close(NOT_FOUND)
