"""Jobs whose kind is bound to a URL: sent by any worker without a handler for it, ended by what comes back."""

from __future__ import annotations

import json
import threading

import pytest
from pytest_django import Settings

from jobs import wiring
from jobs.domain.backoff import Backoff
from jobs.domain.endpoint import Endpoint, Secret
from jobs.domain.job import Job
from jobs.domain.signature import new_secret
from jobs.domain.status import Status
from jobs.domain.trace import TraceContext
from jobs.outbound.posting import Answer
from tests.api.test_endpoints import is_signed
from tests.receiver import json_answer, receiver
from tests.stores import Bench
from tests.waiting import until
from tests.workers.test_worker import ended, working
from workers.push.verdicts import retry_after_s
from workers.registry import Registry

SECRET = new_secret()
# Nobody tries again before a test has looked.
LATER = Backoff(base_ms=3_600_000, max_ms=3_600_000)
TRACE = TraceContext("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", state="vendor=1")


@pytest.fixture(autouse=True)
def opened(settings: Settings) -> None:
    settings.IRONFORGE_PUSH_ALLOW = ("127.0.0.0/8",)


def _stay_silent(silence: threading.Event) -> None:
    silence.wait(60)


def bind(bench: Bench, url: str, kind: str = "pushed", **fields: int) -> Endpoint:
    endpoint = Endpoint(kind=kind, url=url, secrets=(Secret(SECRET),), **fields)
    assert bench.run(wiring.backend().endpoints(bench.namespace).bind(endpoint, None)) == "bound"
    return endpoint


def pushed(bench: Bench, registry: Registry, answer: bytes, status: Status, **fields: object) -> Job:
    """Return a job that was sent to a receiver which answers so, once it has come to be in that status."""
    with receiver(answer) as there:
        bind(bench, there.url)
        with working(bench, registry):
            return ended(bench, bench.submit("pushed", **fields), status)


def test_a_job_is_sent_signed_and_the_answer_is_its_result(bench: Bench, registry: Registry) -> None:
    with receiver(json_answer("200 OK", b'{"sent":1}')) as there:
        bind(bench, there.url)
        with working(bench, registry):
            job = ended(
                bench,
                bench.submit("pushed", payload=b'{"to":"a@b.c","n":36893488147419103232}', trace=TRACE),
                Status.COMPLETED,
            )
        (received,) = there.requests
    assert job.result == b'{"sent":1}'
    assert json.loads(received.body) == {"to": "a@b.c", "n": 2**65}
    told = {name: received.headers[f"ironforge-{name}"] for name in ("job-id", "kind", "attempt", "namespace")}
    assert told == {"job-id": job.id, "kind": "pushed", "attempt": "1", "namespace": bench.namespace}
    assert received.headers["ironforge-lease-token"]
    assert received.headers["webhook-id"] == job.id
    assert is_signed(received, SECRET)
    assert {name: received.headers[name] for name in TRACE.headers()} == TRACE.headers()


def test_a_handler_of_the_kind_wins(bench: Bench, registry: Registry) -> None:
    with receiver() as there:
        bind(bench, there.url, "echo")
        with working(bench, registry):
            assert ended(bench, bench.submit("echo", payload=b"7"), Status.COMPLETED).result == b"7"
        assert there.connections == 0


@pytest.mark.parametrize(
    "answer", [json_answer("204 No Content", b""), json_answer("200 OK", b"{"), b"HTTP/1.1 200 OK\r\n\r\nplain"]
)
def test_any_2xx_completes(bench: Bench, registry: Registry, answer: bytes) -> None:
    assert pushed(bench, registry, answer, Status.COMPLETED).result is None


@pytest.mark.parametrize("head", [b"429 Too Many Requests", b"503 Busy\r\nretry-after: 120"])
def test_a_receiver_that_asks_for_later_costs_no_retry(bench: Bench, registry: Registry, head: bytes) -> None:
    job = pushed(bench, registry, b"HTTP/1.1 " + head + b"\r\n\r\n", Status.SCHEDULED)
    assert (job.retry_count, job.attempts[0].outcome, job.reason) == (0, "snoozed", "snoozed")
    assert job.error is not None
    assert job.error.type == "http_" + head[:3].decode()
    assert job.scheduled_for is not None
    assert job.scheduled_for >= (job.attempts[0].finished_at or 0) + 25_000


def test_what_is_gone_is_given_up(bench: Bench, registry: Registry) -> None:
    job = pushed(bench, registry, b"HTTP/1.1 410 Gone\r\n\r\nmoved away", Status.DEAD_LETTER)
    assert job.reason == "discard"
    assert job.error is not None
    assert (job.error.type, job.error.message) == ("http_410", "The receiver answered 410: moved away")


def test_the_rest_fails_and_says_why(bench: Bench, registry: Registry) -> None:
    job = pushed(bench, registry, b"HTTP/1.1 500 No\r\n\r\n" + b"x" * 5000, Status.FAILED, backoff=LATER)
    assert job.retry_count == 1
    assert job.error is not None
    assert job.error.type == "http_500"
    assert job.error.traceback == ""
    assert job.error.message == "The receiver answered 500: " + "x" * 1024


def test_a_blocked_address_fails_and_is_sent_nothing(bench: Bench, registry: Registry, settings: Settings) -> None:
    settings.IRONFORGE_PUSH_ALLOW = ()
    with receiver() as there:
        bind(bench, there.url)
        with working(bench, registry):
            job = ended(bench, bench.submit("pushed", backoff=LATER), Status.FAILED)
        assert there.connections == 0
    assert job.error is not None
    assert job.error.type == "blocked_address"


def test_a_kind_that_is_bound_later_is_met_at_once_and_one_that_is_not_is_unknown(
    bench: Bench, registry: Registry
) -> None:
    with receiver() as there, working(bench, registry):
        first = bench.submit("pushed")
        until(lambda: bench.get(first).reason == "unknown_kind")
        assert bench.get(first).attempt == 0
        bind(bench, there.url)
        ended(bench, bench.submit("pushed"), Status.COMPLETED)


def test_a_changed_binding_is_followed(bench: Bench, registry: Registry) -> None:
    with receiver() as old, receiver() as new, working(bench, registry):
        before = bind(bench, old.url)
        ended(bench, bench.submit("pushed"), Status.COMPLETED)
        moved = Endpoint(kind="pushed", url=new.url, secrets=before.secrets)
        bench.run(wiring.backend().endpoints(bench.namespace).bind(moved, before))
        until(lambda: bool(ended(bench, bench.submit("pushed"), Status.COMPLETED)) and bool(new.requests))


def test_the_time_limit_of_the_binding_counts(bench: Bench, registry: Registry) -> None:
    silence = threading.Event()
    with receiver(lambda *_: _stay_silent(silence)) as there:
        bind(bench, there.url, timeout_ms=200)
        with working(bench, registry):
            job = ended(bench, bench.submit("pushed", backoff=LATER), Status.FAILED)
        silence.set()
    assert job.error is not None
    assert job.error.type == "timeout"


@pytest.mark.parametrize(
    ("status", "text", "wanted"),
    [
        (429, None, 30), (503, None, None), (503, "0", 1), (429, "90", 90), (500, "999999999999999", 3600),
        (503, "soon", None), (503, "-5", None), (503, "Thu, 01 Jan 1970 00:02:00 GMT", 20), (503, "٣", None),
    ],
)  # fmt: skip
def test_how_long_a_receiver_is_left_alone(status: int, text: str | None, wanted: float | None) -> None:
    assert retry_after_s(Answer(status, b"", retry_after=text), 100.0) == wanted
