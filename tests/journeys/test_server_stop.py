"""A server is asked to stop while requests are on their way: what it was sent is answered."""

from __future__ import annotations

import http.client
import json
import signal
import socket
from contextlib import ExitStack, closing
from threading import Semaphore, Thread

import pytest

from tests.journeys.api import BUSY
from tests.journeys.fleet import Client, NoAnswer, server_of
from tests.journeys.installation import Installation
from tests.journeys.moment import in_seconds
from tests.processes.running import free_port
from tests.waiting import WAIT_S

pytestmark = pytest.mark.journey

BODY = json.dumps({"kind": "demo.echo", "queue": "server-stop", "payload": 1})
CLIENTS = 20


def test_what_came_before_the_end_is_answered_on_new_connections_and_on_kept_ones(shared: Installation) -> None:
    port = free_port()
    with server_of(shared.data_dir, port) as server, ExitStack() as stack:
        kept = [stack.enter_context(closing(client_of(port))) for _ in range(CLIENTS)]
        for client in kept:
            submit(client)
            assert id_of(client)[0]
        # While it stands still, new connections wait in the kernel and requests wait in their connections.
        server.send(signal.SIGSTOP)
        fresh = [stack.enter_context(closing(client_of(port))) for _ in range(CLIENTS)]
        for client in (*kept, *fresh):
            submit(client)
        server.send(signal.SIGTERM)
        server.send(signal.SIGCONT)
        answers = [id_of(client) for client in (*kept, *fresh)]
        assert server.wait() == 0
    assert all(shared.api.job(job_id) for job_id, _ in answers)
    assert len({job_id for job_id, _ in answers}) == 2 * CLIENTS


def test_clients_without_a_pause_are_answered_until_they_are_refused(shared: Installation) -> None:
    port = free_port()
    broken: list[str] = []
    accepted = Semaphore(0)

    def ask_on(one: Client, *, is_kept: bool) -> None:
        job = {"kind": "demo.echo", "queue": "server-stop"}
        try:
            while True:
                answer = one.ask("POST", "/jobs", job)
                # An answer all the same, where a store has no time for it.
                assert answer.status == 202 or answer.body["code"] in BUSY, answer
                accepted.release()
                if not is_kept:
                    one.close()
        except ConnectionRefusedError:
            return
        except (NoAnswer, AssertionError) as error:
            broken.append(repr(error))

    with server_of(shared.data_dir, port) as server:
        threads = [Thread(target=ask_on, args=(Client((port,)),), kwargs={"is_kept": n % 2 == 0}) for n in range(16)]
        for thread in threads:
            thread.start()
        assert all(accepted.acquire(timeout=WAIT_S) for _ in range(200))
        server.send(signal.SIGTERM)
        for thread in threads:
            thread.join(WAIT_S)
        assert server.wait() == 0
    assert broken == []


def test_a_read_that_waits_is_told_to_ask_elsewhere_before_the_grace_is_over(shared: Installation) -> None:
    port = free_port()
    job_id = shared.api.submit("demo.echo", queue="server-stop", scheduled_for=in_seconds(3_600))
    with server_of(shared.data_dir, port, "--grace", "2") as server, closing(client_of(port)) as client:
        client.request("GET", f"/jobs/{job_id}?wait=30")
        # The next request on another connection is answered after this one was read.
        with closing(client_of(port)) as other:
            other.request("GET", "/health/live")
            assert other.getresponse().read()
        server.send(signal.SIGTERM)
        answer = client.getresponse()
        assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
        assert json.loads(answer.read())["code"] == "stopping"
        assert server.wait() == 0
    assert shared.api.ask("DELETE", f"/jobs/{job_id}").status == 200


def client_of(port: int) -> http.client.HTTPConnection:
    """Connect, and send nothing yet."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT_S)
    client.connect()
    client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


def submit(client: http.client.HTTPConnection) -> None:
    """Send a job and do not wait for the answer."""
    client.request("POST", "/jobs", BODY, {"Content-Type": "application/json"})


def id_of(client: http.client.HTTPConnection) -> tuple[str, str | None]:
    """Return the id of the accepted job, and whether the connection ends with the answer."""
    answer = client.getresponse()
    assert answer.status == 202
    return str(json.loads(answer.read())["id"]), answer.headers["Connection"]
