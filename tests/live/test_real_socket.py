"""Sockets of a real server: refused before they open, and closed for what is too large."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.browser.people import Person, make_people
from tests.journeys.installation import Installation, installation

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]

LONGEST_WAIT_S = 30
MOST_BYTES = 100 * 1024 * 1024


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Return an installation."""
    folder: Path = tmp_path_factory.mktemp("sockets")
    with installation(folder / "data", "--no-worker") as started:
        yield started


@pytest.fixture(scope="module")
def viewer(running: Installation) -> Person:
    """Return somebody who may look."""
    return make_people(running.data_dir, ("default",))["default", "viewer"]


def socket_of(
    running: Installation, key: str, origin: str | None = None, path: str = "/console/ws"
) -> ClientConnection:
    place = f"localhost:{running.api.port}"
    return connect(
        f"ws://{place}{path}",
        origin=origin or f"http://{place}",  # type: ignore[arg-type]
        additional_headers={"Cookie": f"ironforge_session={key}"},
        open_timeout=LONGEST_WAIT_S,
        close_timeout=LONGEST_WAIT_S,
        max_size=None,
    )


def talk(socket: ClientConnection, said: str | bytes) -> None:
    """Say it and listen until the end."""
    socket.send(said)
    while True:
        socket.recv(LONGEST_WAIT_S)


@pytest.mark.parametrize("origin", ["https://evil.example", "http://localhost:1", "null"])
def test_a_handshake_of_another_origin_is_forbidden(running: Installation, viewer: Person, origin: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        socket_of(running, viewer.session_key, origin)
    assert refused.value.response.status_code == 403


def test_a_handshake_without_a_session_or_for_another_address_is_forbidden(
    running: Installation, viewer: Person
) -> None:
    for key, path in (("", "/console/ws"), ("x" * 32, "/console/ws"), (viewer.session_key, "/jobs")):
        with pytest.raises(InvalidStatus) as refused:
            socket_of(running, key, path=path)
        assert refused.value.response.status_code == 403


def test_a_job_submitted_over_http_is_told_to_a_real_socket(running: Installation, viewer: Person) -> None:
    with socket_of(running, viewer.session_key) as socket:
        assert json.loads(socket.recv(LONGEST_WAIT_S))["gap"] is True
        job_id = running.api.submit("demo.echo", queue="nobody")
        changes: list[list[str]] = []
        while not changes:
            changes = json.loads(socket.recv(LONGEST_WAIT_S)).get("changes", [])
        assert changes == [[job_id, "queued", "nobody"]]


@pytest.mark.parametrize("said", [b"x" * MOST_BYTES, "x" * 100_000, b"\x00"])
def test_a_frame_that_is_too_large_or_binary_closes_the_socket_and_nothing_else(
    running: Installation, viewer: Person, said: str | bytes
) -> None:
    with socket_of(running, viewer.session_key) as socket, pytest.raises(ConnectionClosed) as closed:
        talk(socket, said)
    code = closed.value.rcvd.code if closed.value.rcvd else 1006
    assert code in (1006, 1008, 1009)
    assert running.api.ask("GET", "/health/live").status == 200
