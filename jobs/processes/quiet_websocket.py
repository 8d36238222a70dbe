"""uvicorn's websocket protocol, for which a text that is no UTF-8 is a fault of the client and none for the log."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from jobs.processes.draining import STOPPING

_INVALID_TEXT: Final = 1007


class QuietWebSocketProtocol(WebSocketsSansIOProtocol):
    """One socket."""

    def shutdown(self) -> None:
        """Close the socket with 1012, or answer a handshake that is under way with 503: the page comes again."""
        if self.handshake_complete or self.close_sent or self.initial_response is not None:
            super().shutdown()
            return
        self.stop_keepalive()
        answer = self.conn.reject(HTTPStatus.SERVICE_UNAVAILABLE, STOPPING)
        answer.headers["Retry-After"] = "1"
        self.conn.send_response(answer)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.transport.close()

    def send_receive_event_to_app(self) -> None:
        """Pass a message on, or close the socket for what is no text."""
        if self.curr_msg_data_type == "text" and not self.close_sent and not _is_text(self.frames):
            self.frames = []
            self.conn.send_close(_INVALID_TEXT)
            self.handle_parser_exception()
            return
        super().send_receive_event_to_app()


def _is_text(pieces: list[bytes]) -> bool:
    try:
        b"".join(pieces).decode()
    except UnicodeDecodeError:
        return False
    return True
