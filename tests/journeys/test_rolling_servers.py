"""Servers and workers are restarted in turn under load: what was sent is answered, and no client notices more."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from tests.browser.people import make_people
from tests.journeys.api import Answer
from tests.journeys.fleet import Client, NoAnswer, server_of
from tests.journeys.installation import Installation
from tests.journeys.moment import in_seconds, seconds
from tests.journeys.test_rolling_restart import PAUSE_S, STILL_S, WORKERS, begin
from tests.processes.running import Running, free_port
from tests.waiting import WAIT_S

pytestmark = pytest.mark.journey

GRACE_S = 3
RESTART = 1012  # the code of a websocket's end after which a page comes again


@dataclass
class Traffic:
    """Clients of every sort, a thread each; what they were told is kept."""

    ports: tuple[int, ...]
    queue: str
    endless: str  # a job that does not end
    accepted: list[str] = field(default_factory=list)
    refused: list[Answer] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    waited: int = 0

    def __post_init__(self) -> None:
        self._told = threading.Condition()
        self._over = threading.Event()
        sorts: list[tuple[Callable[[Client], None], float]] = [
            *[(self._submit, 0.1)] * 4,
            *[(self._submit_many, 0.4)] * 2,
            *[(self._submit_and_wait, 0.05)] * 2,
            *[(self._wait_in_vain, 0.05)] * 2,
        ]
        self._threads = [
            threading.Thread(target=self._run, args=(act, pace_s, Client(self.ports, number % len(self.ports))))
            for number, (act, pace_s) in enumerate(sorts)
        ]
        for thread in self._threads:
            thread.start()

    def wait_for_accepted(self, more: int) -> None:
        """Wait until so many more jobs are accepted."""
        with self._told:
            goal = len(self.accepted) + more
            assert self._told.wait_for(lambda: len(self.accepted) >= goal, timeout=WAIT_S), self.broken[-3:]

    def stop(self) -> None:
        """Stop and wait for the answers under way."""
        self._over.set()
        for thread in self._threads:
            thread.join(WAIT_S)

    def _run(self, act: Callable[[Client], None], pace_s: float, client: Client) -> None:
        while not self._over.wait(pace_s):
            try:
                act(client)
            except (NoAnswer, OSError) as error:
                self.broken.append(repr(error))
        client.close()

    def _submit(self, client: Client) -> None:
        self._take(client.ask("POST", "/jobs", self._job(20)))

    def _submit_many(self, client: Client) -> None:
        answer = client.ask("POST", "/jobs/bulk", [self._job(5)] * 10)
        if answer.status == 202:
            self._accept([str(item["id"]) for item in answer.body["items"]])
        else:
            self.refused.append(answer)

    def _submit_and_wait(self, client: Client) -> None:
        answer = client.ask("POST", "/jobs", self._job(400))
        self._take(answer)
        if answer.status == 202 and self._read(client, f"/jobs/{answer.body['id']}?wait=20").status == 200:
            self.waited += 1

    def _wait_in_vain(self, client: Client) -> None:
        self._read(client, f"/jobs/{self.endless}?wait=20")

    def _job(self, ms: int) -> dict[str, object]:
        return {"kind": "demo.sleep", "payload": {"ms": ms}, "queue": self.queue}

    def _read(self, client: Client, path: str) -> Answer:
        answer = client.ask("GET", path)
        if answer.status != 200:
            self.refused.append(answer)
        return answer

    def _take(self, answer: Answer) -> None:
        if answer.status == 202:
            self._accept([str(answer.body["id"])])
        else:
            self.refused.append(answer)

    def _accept(self, job_ids: list[str]) -> None:
        with self._told:
            self.accepted += job_ids
            self._told.notify_all()


@dataclass
class Fleet:
    """The servers that stand side by side, and how long each took to stop."""

    data: Installation
    stack: ExitStack
    ports: tuple[int, ...]
    session_key: str
    servers: list[Running] = field(default_factory=list)
    stops_s: list[float] = field(default_factory=list)

    def start(self, number: int) -> Running:
        """Start the server of that number."""
        server = server_of(self.data.data_dir, self.ports[number], "--grace", str(GRACE_S))
        return self.stack.enter_context(server)

    def restart(self, number: int, worker: Running) -> None:
        """Stop a server and a worker in good order and start another server; an open page is told to come again."""
        port, leaving = self.ports[number], self.servers[number]
        probes = [http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT_S) for _ in range(2)]
        with page_of(port, self.session_key) as page:
            assert json.loads(page.recv(WAIT_S))["gap"] is True
            assert [ready(probe).status for probe in probes] == [200, 200]
            asked_at = time.monotonic()
            leaving.send(signal.SIGTERM)
            worker.send(signal.SIGTERM)
            self._see_drain(*probes)
            assert code_of_end(page) == RESTART
        assert leaving.wait() == 0
        self.stops_s.append(time.monotonic() - asked_at)
        assert worker.wait() == 0
        self.servers[number] = self.start(number)

    def _see_drain(self, busy: http.client.HTTPConnection, quiet: http.client.HTTPConnection) -> None:
        # The answer that ends a connection tells that the server ends; it may be the last one that is ready.
        while ready(busy).headers.get("connection") != "close":
            pass
        answer = ready(quiet)
        assert (answer.status, answer.headers["retry-after"], answer.body["code"]) == (503, "1", "stopping")
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((quiet.host, quiet.port), timeout=WAIT_S)


# The workers' own rolling restart is in each run; this one takes as long as three long polls.
@pytest.mark.parametrize(
    "rounds",
    [pytest.param(1, marks=pytest.mark.long), pytest.param(10, marks=[pytest.mark.long, pytest.mark.timeout(600)])],
)
def test_servers_restarted_in_turn_answer_all_that_was_sent_and_the_work_goes_on(
    shared: Installation, rounds: int
) -> None:
    queue = f"rolling-servers-{rounds}"
    viewer = make_people(shared.data_dir, (queue,))[queue, "viewer"]
    with ExitStack() as stack:
        fleet = Fleet(shared, stack, (free_port(), free_port()), viewer.session_key)
        fleet.servers = [fleet.start(number) for number in range(2)]
        crew = [begin(shared, stack, queue) for _ in range(WORKERS)]
        endless = shared.api.submit("demo.echo", queue=queue, scheduled_for=in_seconds(3_600))
        traffic = Traffic(fleet.ports, queue, endless)
        stack.callback(traffic.stop)
        stack.callback(shared.api.ask, "POST", f"/jobs/{endless}/cancel")
        for number in range(2 * rounds):
            traffic.wait_for_accepted(50)
            crew.append(begin(shared, stack, queue))
            fleet.restart(number % 2, crew.pop(0))
        traffic.wait_for_accepted(50)
        shared.api.ask("POST", f"/jobs/{endless}/cancel")
        traffic.stop()
        jobs = [shared.api.completed(job_id) for job_id in traffic.accepted]
    assert traffic.broken == []
    assert {(answer.status, answer.headers.get("retry-after")) for answer in traffic.refused} <= {(503, "1")}
    assert traffic.waited > 0
    assert {len(job["attempts"]) for job in jobs} == {1}
    waits_s = [seconds(job["started_at"]) - seconds(job["created_at"]) for job in jobs]
    assert median(waits_s) < PAUSE_S
    assert max(waits_s) < PAUSE_S + STILL_S
    assert min(fleet.stops_s) <= GRACE_S
    assert max(fleet.stops_s) <= GRACE_S + STILL_S


def page_of(port: int, session_key: str) -> ClientConnection:
    """Open the websocket of a console's page."""
    return connect(
        f"ws://localhost:{port}/console/ws",
        origin=Origin(f"http://localhost:{port}"),
        additional_headers={"Cookie": f"ironforge_session={session_key}"},
        open_timeout=WAIT_S,
    )


def code_of_end(page: ClientConnection) -> int:
    """Return the code with which the server ends a page's websocket."""
    try:
        while True:
            page.recv(WAIT_S)
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else 0


def ready(probe: http.client.HTTPConnection) -> Answer:
    """Ask on a connection that is kept whether the server is ready."""
    probe.request("GET", "/health/ready")
    answer = probe.getresponse()
    return Answer(
        answer.status, {name.lower(): value for name, value in answer.getheaders()}, json.loads(answer.read())
    )
