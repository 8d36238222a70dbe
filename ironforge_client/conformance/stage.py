"""Where a case plays: a queue of its own, a gate before the server, and the program behind it."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ironforge_client.client import Client, run
from ironforge_client.conformance.gate import Gate, Passage
from ironforge_client.conformance.program import Program
from ironforge_client.conformance.tidying import tidy
from ironforge_client.connection import Connection, Place
from ironforge_client.errors import IronForgeError
from ironforge_client.exchange import Act, Retrying
from ironforge_client.jobs import Job
from ironforge_client.queues import WorkerRecord

LEASE_MS = 3_000
CONCURRENCY = 2
GRACE_S = 2
# A retry that waits as short as can be.
QUICK = {"base_ms": 50, "max_ms": 50}
_LOOK_EVERY_S = 0.05


class Unmet(Exception):
    """The program did not do what a worker must."""


class Stage:
    """What a case has at hand."""

    def __init__(self, place: Place, argv: Sequence[str], gate: Gate) -> None:
        self.queue = f"conformance-{secrets.token_hex(6)}"
        self.gate = gate
        self.client = Client(place.base_url, place.api_key)
        self.told = ""  # what ended programs wrote last
        self._connection = Connection(place)
        self._argv = argv
        self._key = place.api_key
        self._programs: list[Program] = []

    @property
    def program(self) -> Program:
        """Return the program that was started last."""
        return self._programs[-1]

    def start(self) -> None:
        """Start the program and wait until it is registered."""
        before = self.count("/workers")
        self.launch()
        self.until(lambda: self.count("/workers") > before, "the program registers (POST /workers)", within_s=15)

    def launch(self) -> None:
        """Start the program."""
        variables = {
            "IRONFORGE_URL": self.gate.url,
            "IRONFORGE_QUEUES": self.queue,
            "IRONFORGE_CONCURRENCY": str(CONCURRENCY),
            "IRONFORGE_LEASE_MS": str(LEASE_MS),
            "IRONFORGE_GRACE_S": str(GRACE_S),
        }
        if self._key:
            variables["IRONFORGE_API_KEY"] = self._key
        self._programs.append(Program(self._argv, variables))

    def submit(self, kind: str, payload: Any = None, **fields: Any) -> str:
        """Submit a job of a kind of the kit; return its id."""
        return self.client.submit(f"conformance.{kind}", payload, queue=self.queue, **fields).id

    def final(self, job_id: str, within_s: float = 10.0) -> Job:
        """Return a job that must end in time."""
        end = time.monotonic() + within_s
        while not (job := self.client.get(job_id)).is_final:
            left_s = end - time.monotonic()
            self.demand(left_s > 0, f"job {job.kind} is {job.status} after {within_s:g} s")
            time.sleep(_LOOK_EVERY_S)
        return job

    def completed(self, job_id: str, within_s: float = 10.0) -> Job:
        """Return a job that must complete in time."""
        job = self.final(job_id, within_s)
        self.demand(job.is_completed, f"job {job.kind} is {job.status}, not completed: {job.error}")
        return job

    def running(self, kind: str, payload: Any, **fields: Any) -> str:
        """Submit a job and wait until the program runs it, and shows so by extending its lease."""
        job_id = self.submit(kind, payload, **fields)

        def is_extended() -> bool:
            asked = [passage.sent for passage in [*self.passages("/heartbeat"), *self.passages("/leases/extend")]]
            named = [lease for sent in asked if isinstance(sent, dict) for lease in sent.get("leases") or ()]
            return any(lease.get("job_id") == job_id for lease in named)

        self.until(is_extended, f"the lease of {kind} is extended while it runs")
        return job_id

    def is_alive(self) -> None:
        """Demand that the program still runs, and runs jobs."""
        self.demand(self.program.exit_code is None, f"the program ended with {self.program.exit_code}")
        self.completed(self.submit("echo", "still there"))

    def until(self, condition: Callable[[], bool], what: str, within_s: float = 10.0) -> None:
        """Wait for something that must happen in time."""
        end = time.monotonic() + within_s
        while not condition():
            self.demand(time.monotonic() < end, f"not within {within_s:g} s: {what}")
            time.sleep(_LOOK_EVERY_S)

    def demand(self, is_met: bool, otherwise: str) -> None:
        """Raise Unmet unless it is met."""
        if not is_met:
            raise Unmet(otherwise)

    def same(self, found: object, expected: object, what: str) -> None:
        """Demand that something is as it must be."""
        self.demand(found == expected, f"{what} is {found!r}, not {expected!r}")

    def count(self, path: str, since: int = 0) -> int:
        """Return how many requests of the program to a path were answered."""
        return len(self.passages(path)[since:])

    def passages(self, path: str) -> list[Passage]:
        """Return the requests of the program whose path ends so."""
        return [passage for passage in list(self.gate.passages) if passage.path.endswith(path)]

    def ends_well(self, within_s: float) -> None:
        """Demand that the program ends by itself with 0, and says goodbye."""
        self.ends(within_s)
        self.demand(not self.workers(), "it is still listed as a worker: DELETE /workers/{id} was not sent")

    def ends(self, within_s: float) -> None:
        """Demand that the program ends by itself with 0."""
        self.until(lambda: self.program.exit_code is not None, "the program ends", within_s)
        self.same(self.program.exit_code, 0, "the exit code")

    def workers(self) -> tuple[WorkerRecord, ...]:
        """Return the workers of this stage's queue that the server knows."""
        return tuple(found for found in self.client.workers() if self.queue in found.queues)

    def ask(self, act: Act[Any]) -> Any:
        """Ask the server itself, as another program would."""
        return run(act, self._connection)

    def close(self) -> None:
        """End the programs, and clear up behind them as far as the key allows."""
        self.told = "\n".join(program.end() for program in self._programs)
        with contextlib.suppress(IronForgeError):
            tidy(self.client, self._connection, self.queue, ONCE)
        self.client.close()
        self._connection.close()


def ids_settled(passages: Sequence[Passage], job_id: str) -> list[Mapping[str, Any]]:
    """Return what the server answered to settlements of a job."""
    answers = [result for passage in passages for result in (passage.answered or {}).get("results", ())]
    return [answer for answer in answers if answer.get("job_id") == job_id]


ONCE = Retrying(retries=2, timeout_s=10.0)
