"""A mail server on a loopback address."""

from __future__ import annotations

from typing import Any

from aiosmtpd.controller import Controller


class Inbox:
    """Takes mail as a server does."""

    def __init__(self) -> None:
        self.mail: list[tuple[str, list[str], str]] = []
        self.answer = "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 (aiosmtpd's name)
        if self.answer.startswith("250"):
            self.mail.append((envelope.mail_from, envelope.rcpt_tos, envelope.content.decode()))
        return self.answer


class Postman(Controller):
    """Listens on a port that is free, and knows which when it does."""

    def __init__(self, inbox: Inbox) -> None:
        super().__init__(inbox, hostname="127.0.0.1", port=0, ready_timeout=60.0)

    def _trigger_server(self) -> None:
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()
