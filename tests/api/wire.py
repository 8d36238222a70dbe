"""A real server on this machine, asked over real sockets: for what only bytes can show."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import time

from tests.api.lane import NOTHING, Answer
from tests.journeys.installation import MANAGE, Installation
from tests.processes.running import ROOT
from tests.waiting import WAIT_S

LONGEST_S = 60.0
AWAY = (503, "store_unavailable")


class Wire:
    """Speaks to the server of one installation.

    A machine that stands still for a second makes the server tell that its store is away: then it is asked again.
    """

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.port = installation.api.port

    def ask(self, method: str, target: str, body: object = NOTHING, **headers: str) -> Answer:
        """Return the answer to a request that the store was there for; a body that is no bytes is sent as JSON."""
        give_up_at = time.monotonic() + WAIT_S
        while True:
            answer = self.ask_once(method, target, body, **headers)
            if answer.status != 503 or answer.code != "store_unavailable" or time.monotonic() > give_up_at:
                return answer

    def ask_once(self, method: str, target: str, body: object = NOTHING, **headers: str) -> Answer:
        """Return whatever one request is answered."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        content = None
        if body is not NOTHING:
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LONGEST_S)
        began_at = time.monotonic()
        try:
            connection.request(method, target, content, sent)
            answer = connection.getresponse()
            raw = answer.read()
        finally:
            connection.close()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, found, raw, time.monotonic() - began_at)

    def send(self, *pieces: bytes) -> tuple[int, bytes]:
        """Send pieces as they are; return the status of the first answer and everything that came back."""
        give_up_at = time.monotonic() + WAIT_S
        while True:
            status, received = self._send_once(*pieces)
            if b'"store_unavailable"' not in received or time.monotonic() > give_up_at:
                return status, received

    def _send_once(self, *pieces: bytes) -> tuple[int, bytes]:
        with socket.create_connection(("127.0.0.1", self.port), timeout=LONGEST_S) as client:
            received = b""
            try:
                for piece in pieces:
                    client.sendall(piece)
            except (BrokenPipeError, ConnectionResetError):
                pass  # it has answered before everything was sent
            try:
                while chunk := client.recv(65_536):
                    received += chunk
            except ConnectionResetError:
                pass
        return int(received.split(b" ", 2)[1]) if received else 0, received

    def manage(self, *arguments: str) -> str:
        """Return what a command prints that works on the same data."""
        data_dir = str(self.installation.data_dir)
        environment = {"IRONFORGE_DATA_DIR": data_dir, "DATABASE_URL": "", "PATH": "/usr/bin:/bin"}
        command = [*MANAGE, *arguments]
        run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=True, timeout=LONGEST_S)
        return run.stdout.decode().strip()

    def mint(self, namespace: str, scopes: str = "jobs:write,jobs:read") -> str:
        """Return the text of a new key of a namespace, which is made if need be."""
        named = ("--name", "wire", "--namespace", namespace, "--create-namespace", "--scopes", scopes)
        return self.manage("ironforge_key", "mint", *named)


def head(method: str, target: str, *lines: str) -> bytes:
    """Return the head of a request that asks for the connection's end."""
    first = f"{method} {target} HTTP/1.1"
    return "\r\n".join([first, "Host: localhost", "Connection: close", *lines, "", ""]).encode()
