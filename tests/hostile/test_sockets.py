"""Websockets of a real server: bytes that are no frames, floods of frames and sockets, rights that end meanwhile."""

from __future__ import annotations

import os
import re
import secrets
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from jobs.live.admission import SOCKETS_PER_PERSON
from jobs.live.consumer import NOT_SIGNED_IN, RECHECK_S
from tests.browser.people import Person, make_people
from tests.hostile.site_table import SOCKETS
from tests.journeys.installation import Installation, installation
from tests.processes.running import ROOT
from tests.waiting import until

pytestmark = pytest.mark.journey

(PATH,) = SOCKETS
LONGEST_S = 60.0
MOST_GROWTH_MIB = 64


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Run store and server; in the end it must not have grown, nor said that anything failed."""
    with installation(tmp_path_factory.mktemp("sockets") / "data", "--no-worker") as started:
        before = resident_mib(started)
        yield started
        assert resident_mib(started) - before < MOST_GROWTH_MIB
        assert [entry for entry in started.log.everything() if entry.get("level") == "ERROR"] == []


@pytest.fixture(scope="module")
def people(running: Installation) -> dict[str, Person]:
    """Return a viewer, an operator and an admin of the default namespace."""
    made = make_people(running.data_dir, ("default",))
    return {role: person for (_, role), person in made.items()}


def resident_mib(running: Installation) -> int:
    status = Path(f"/proc/{running.pid_of('server')}/status").read_text()
    return int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) // 1024


def frame(
    opcode: int, payload: bytes = b"", *, is_final: bool = True, is_masked: bool = True, reserved: int = 0
) -> bytes:
    """Return a frame as it travels, sound or not."""
    first = (0x80 if is_final else 0) | reserved << 4 | opcode
    mask = 0x80 if is_masked else 0
    length = len(payload)
    if length < 126:
        start = struct.pack("!BB", first, mask | length)
    elif length < 1 << 16:
        start = struct.pack("!BBH", first, mask | 126, length)
    else:
        start = struct.pack("!BBQ", first, mask | 127, length)
    # A mask of zeros leaves the payload as it is.
    return start + (bytes(4) if is_masked else b"") + payload


class Raw:
    """A socket that was opened by the rules, and is used without them."""

    def __init__(self, running: Installation, key: str) -> None:
        place = f"localhost:{running.api.port}"
        lines = [
            f"GET {PATH} HTTP/1.1", f"Host: {place}", "Connection: Upgrade", "Upgrade: websocket",
            f"Origin: http://{place}", f"Cookie: ironforge_session={key}", "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", "", "",
        ]  # fmt: skip
        self.socket = socket.create_connection(("127.0.0.1", running.api.port), timeout=LONGEST_S)
        self.socket.sendall("\r\n".join(lines).encode())
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            answer += self.socket.recv(1)
        assert answer.startswith(b"HTTP/1.1 101 "), answer

    def end(self) -> bytes:
        """Return everything that comes until the server closes, or says that it wants to."""
        received = b""
        try:
            while b"\x88" not in received and (chunk := self.socket.recv(65_536)):
                received += chunk
        except ConnectionResetError:
            pass
        finally:
            self.socket.close()
        return received


GARBAGE = {
    "no frame": b"GET / HTTP/1.1\r\n\r\n", "zeros": bytes(64), "ones": b"\xff" * 64,
    "without mask": frame(1, b"{}", is_masked=False), "reserved bits": frame(1, b"{}", reserved=7),
    "an unknown opcode": frame(3, b"{}"), "an unknown control": frame(11, b"{}"),
    "a cut ping": frame(9, b"x", is_final=False), "a large ping": frame(9, b"x" * 126),
    "a large close": frame(8, b"x" * 126), "a close of one byte": frame(8, b"x"),
    "a close with a forbidden code": frame(8, struct.pack("!H", 1005)),
    "a close with bad text": frame(8, struct.pack("!H", 1000) + b"\xff"),
    "a continuation of nothing": frame(0, b"x"), "two beginnings": frame(1, b"a", is_final=False) + frame(1, b"b"),
    "bad UTF-8": frame(1, b"\xff\xfe"), "bytes": frame(2, b"\x00"), "a long text": frame(1, b"x" * 2_000),
    "a length beyond all": struct.pack("!BBQ", 0x81, 0xFF, 2**62) + bytes(4),
    "a negative length": struct.pack("!BBQ", 0x81, 0xFF, 2**63) + bytes(4),
    "many pieces": frame(1, b"x", is_final=False) + frame(0, b"x" * 60_000, is_final=False) * 20,
}  # fmt: skip


@pytest.mark.parametrize("name", GARBAGE)
def test_what_is_no_frame_closes_the_socket_and_nothing_else(
    running: Installation, people: dict[str, Person], name: str
) -> None:
    raw = Raw(running, people["viewer"].session_key)
    raw.socket.sendall(GARBAGE[name])
    received = raw.end()
    if name == "bad UTF-8":
        assert struct.pack("!H", 1007) in received
    assert running.api.ask("GET", "/health/live").status == 200


@pytest.mark.parametrize("opcode", [1, 9, 10], ids=["texts", "pings", "pongs"])
def test_a_flood_of_frames_is_cut_off_or_harmless(
    running: Installation, people: dict[str, Person], opcode: int
) -> None:
    raw = Raw(running, people["viewer"].session_key)
    many = frame(opcode, b"{}") * 5_000
    # What is answered fits into the buffers of this side.
    with suppress(OSError):
        for _ in range(10):
            raw.socket.sendall(many)
    raw.socket.close()
    assert running.api.ask("GET", "/health/live").status == 200


def open_socket(running: Installation, key: str, **more: str) -> ClientConnection:
    place = f"localhost:{running.api.port}"
    headers = {"Cookie": f"ironforge_session={key}", **more}
    return connect(
        f"ws://{place}{PATH}", origin=f"http://{place}", additional_headers=headers,  # type: ignore[arg-type]
        open_timeout=LONGEST_S, close_timeout=LONGEST_S,
    )  # fmt: skip


def status_of_refusal(running: Installation, key: str, **more: str) -> int:
    with pytest.raises(InvalidStatus) as refused:
        open_socket(running, key, **more)
    return refused.value.response.status_code


def test_each_role_may_listen_and_a_key_may_not(running: Installation, people: dict[str, Person]) -> None:
    for person in people.values():
        with open_socket(running, person.session_key) as client:
            job_id = running.api.submit("demo.echo", queue="nobody")
            while job_id not in str(client.recv(LONGEST_S)):
                pass
    for bearer in ("Bearer ifk_aaaaaaaaaaaa_x", "Basic YTpi"):
        assert status_of_refusal(running, "", Authorization=bearer) == 403


def test_sockets_of_strangers_are_refused_by_the_hundred(running: Installation, people: dict[str, Person]) -> None:
    for number in range(100):
        assert status_of_refusal(running, secrets.token_hex(16) if number % 2 else "") == 403
    with open_socket(running, people["viewer"].session_key) as client:
        client.ping()


def test_one_person_takes_no_seat_of_another(running: Installation, people: dict[str, Person]) -> None:
    with ExitStack() as opened:

        def takes_a_seat() -> bool:
            try:
                opened.enter_context(open_socket(running, people["operator"].session_key))
            except InvalidStatus:
                return False  # that of a socket which was just closed may not have been given back yet
            return True

        for _ in range(SOCKETS_PER_PERSON):
            until(takes_a_seat)
        for _ in range(20):
            assert status_of_refusal(running, people["operator"].session_key) == 403
        opened.enter_context(open_socket(running, people["admin"].session_key))


CHANGES = {
    "signed out": "Session.objects.filter(pk=KEY).delete()",
    "shut out": "User.objects.filter(username=NAME).update(is_active=False)",
    "without a role": "Membership.objects.filter(user__username=NAME).delete()",
}
_PROGRAM = """
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from jobs.access.models import Membership
"""


def listen_to_the_end(client: ClientConnection) -> None:
    while True:
        client.recv(RECHECK_S + 10)


@pytest.mark.long
def test_whoever_may_not_listen_any_more_is_cut_off_within_half_a_minute(running: Installation) -> None:
    made = make_people(running.data_dir, ("ended",))
    persons = [made["ended", role] for role in ("viewer", "operator", "admin")]
    program = _PROGRAM
    for person, change in zip(persons, CHANGES.values(), strict=True):
        program += change.replace("KEY", repr(person.session_key)).replace("NAME", repr(person.name)) + "\n"
    environment = {**os.environ, "IRONFORGE_DATA_DIR": str(running.data_dir), "DATABASE_URL": ""}
    command = [sys.executable, str(ROOT / "manage.py"), "shell", "-v", "0", "-c", program]
    with ExitStack() as opened:
        sockets = [opened.enter_context(open_socket(running, person.session_key)) for person in persons]
        subprocess.run(command, env=environment, cwd=ROOT, check=True, capture_output=True, timeout=60)
        for client in sockets:
            with pytest.raises(ConnectionClosed) as closed:
                listen_to_the_end(client)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == NOT_SIGNED_IN
