"""Several servers on one store, and clients that go to the next when one refuses them, as behind a load balancer."""

from __future__ import annotations

import http.client
import json
import select
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from tests.journeys.api import Answer, Body
from tests.journeys.installation import MANAGE, START_S, in_good_order
from tests.processes.running import Running

_ANSWER_S = 60.0


@contextmanager
def server_of(data_dir: Path, port: int, *options: str) -> Iterator[Running]:
    """Run `manage.py runserver_ironforge` on the store of a data directory; it must end in good order."""
    variables = {"IRONFORGE_DATA_DIR": str(data_dir), "DATABASE_URL": "", "IRONFORGE_OPEN": "on"}
    with in_good_order([*MANAGE, "runserver_ironforge", "--port", str(port), *options], variables) as running:
        running.told("server.started", within_s=START_S)
        yield running


class NoAnswer(Exception):
    """A request was sent, and the connection ended without an answer."""


class Client:
    """Keeps one connection for many requests. Goes on where it was refused, never with a request that was sent."""

    def __init__(self, ports: tuple[int, ...], first: int = 0) -> None:
        self._ports = ports
        self._at = first
        self._kept: http.client.HTTPConnection | None = None

    def ask(self, method: str, path: str, body: object = None) -> Answer:
        """Send one request. Raises NoAnswer; ConnectionRefusedError when no server takes it."""
        connection = self._connection()
        headers = {"Content-Type": "application/json"} if body is not None else {}
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise NoAnswer(f"{method} {path} at {time.monotonic():.3f}: {error!r}") from error
        if answer.will_close:
            self.close()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, found, cast("Body", json.loads(text)) if text else {})

    def close(self) -> None:
        """Give the connection up."""
        if self._kept is not None:
            self._kept.close()
            self._kept = None

    def _connection(self) -> http.client.HTTPConnection:
        if self._kept is not None and self._kept.sock is not None:
            # What can be read between two answers is the end of the connection.
            if not select.select([self._kept.sock], [], [], 0)[0]:
                return self._kept
            self.close()
        for _ in self._ports:
            connection = http.client.HTTPConnection("127.0.0.1", self._ports[self._at], timeout=_ANSWER_S)
            try:
                connection.connect()
            except ConnectionRefusedError:
                self._at = (self._at + 1) % len(self._ports)
                continue
            self._kept = connection
            return connection
        raise ConnectionRefusedError("no server listens")
