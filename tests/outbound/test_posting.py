"""One POST on real sockets: to checked addresses only, bounded in time and size, redirected nowhere."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.domain.address import networks_of
from jobs.outbound import resolving
from jobs.outbound.posting import MAX_ANSWER_BYTES, Answer, Unsent, post
from jobs.outbound.resolving import UnknownHost
from jobs.outbound.rules import Rules, rules_of
from tests.ports import closed_port
from tests.receiver import drip, json_answer, receiver
from tests.torture.pulse import Pulse

LOOPBACK = networks_of(["127.0.0.0/8"])
OPENED = Rules(LOOPBACK)
# For what comes, and the least that a receiver keeps silent who says nothing.
PATIENCE_S = 60.0
# What a machine that stands still now and then may need beside a limit.
SLACK_MS = 10_000


class Alternating:
    """A name server whose answer changes with each question."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.asked = 0
        self._answers = answers

    def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked += 1
        return self._answers[(self.asked - 1) % len(self._answers)]


def send(url: str, rules: Rules = OPENED, *, limit_s: float = PATIENCE_S) -> Answer | Unsent:
    return post(url, b'{"a":1}', {"webhook-id": "i"}, limit_s, rules)


def code_of(url: str, rules: Rules, *, limit_s: float = PATIENCE_S) -> str:
    came = send(url, rules, limit_s=limit_s)
    assert isinstance(came, Unsent), came
    return came.code


def test_a_request_arrives_whole_and_its_answer_comes_back() -> None:
    with receiver(json_answer("201 Created", b'{"b":2}')) as there:
        came = send(there.url)
        (received,) = there.requests
    assert came.status == 201
    assert came.body == b'{"b":2}'
    assert came.is_json
    assert not came.is_cut
    assert received.head == "POST /hook HTTP/1.1"
    assert received.body == b'{"a":1}'
    assert received.headers["host"] == f"127.0.0.1:{there.port}"
    assert (received.headers["webhook-id"], received.headers["content-type"]) == ("i", "application/json")


def test_chunks_are_read() -> None:
    chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    with receiver(chunked) as there:
        assert send(there.url).body == b"abcde"  # type: ignore[union-attr]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0"])  # noqa: S104
def test_a_listener_on_a_closed_address_sees_nothing(host: str) -> None:
    with receiver() as there, receiver(host="::1") as on_six:
        for port in (there.port, on_six.port):
            assert code_of(f"http://{host}:{port}/", Rules()) == "blocked_address"
        assert (there.connections, on_six.connections) == (0, 0)


@pytest.mark.parametrize("host", ["127.1", "0x7f000001", "2130706433", "0177.0.0.1", "u@127.0.0.1"])
def test_other_forms_of_an_address_are_refused_even_where_it_is_open(host: str) -> None:
    with receiver() as there:
        assert code_of(f"http://{host}:{there.port}/", OPENED) == "invalid_url"
        assert there.connections == 0


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(["8.8.8.8", "2606:4700::1111"]), max_size=3), st.integers(0, 3))
def test_one_closed_address_among_others_closes_the_name(public: list[str], place: int) -> None:
    public.insert(place, "127.0.0.1")
    assert code_of("http://a.example/", Rules(ask=Alternating(public))) == "blocked_address"


def test_a_name_is_asked_for_once_and_what_it_says_later_leads_nowhere() -> None:
    with receiver() as there:
        # The first answer is an address that is opened and where nobody listens; the second is where somebody does.
        names = Alternating(["127.0.0.2"], ["127.0.0.1"])
        assert code_of(f"http://a.example:{there.port}/", Rules(LOOPBACK, ask=names)) == "unreachable"
        assert (names.asked, there.connections) == (1, 0)


def test_the_next_address_is_tried_where_one_does_not_answer() -> None:
    with receiver() as there:
        rules = Rules(LOOPBACK, ask=Alternating(["127.0.0.2", "127.0.0.1"]))
        assert send(f"http://a.example:{there.port}/", rules).status == 200  # type: ignore[union-attr]
        assert there.requests[0].headers["host"] == f"a.example:{there.port}"


def test_a_name_of_this_installation_leads_only_where_it_was_opened() -> None:
    names = Alternating(["8.8.8.8"])
    rules = rules_of([], ["jobs.example", "*", ".inner.example"])
    for host in ("jobs.example", "x.inner.example", "JOBS.example."):
        assert code_of(f"http://{host}/", Rules(rules.opened, rules.own_names, names)) == "blocked_address"


def test_a_name_that_leads_nowhere_is_told_so() -> None:
    def nobody(host: str, port: int) -> Sequence[str]:
        raise UnknownHost("no such name")

    assert code_of("http://a.example/", Rules(ask=nobody)) == "unknown_host"
    assert code_of("http://a.example/", Rules(ask=Alternating([]))) == "unknown_host"


def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    with receiver() as inside:
        chain = f"HTTP/1.1 302 Found\r\nlocation: {inside.url}\r\ncontent-length: 0\r\n\r\n".encode()
        with receiver(chain) as there:
            assert send(there.url).status == 302  # type: ignore[union-attr]
        assert inside.connections == 0


@pytest.mark.parametrize("part", [b"x: y\r\n", b"x", b"\r\n\r\nbody"], ids=["headers", "a line", "a body"])
def test_a_receiver_that_drips_has_its_time_and_no_more(part: bytes) -> None:
    # So slowly that a sender who stood still finds no more headers than a server may send.
    with receiver(drip(part, 0.1)) as there:
        came = send(there.url, limit_s=0.3)
        assert isinstance(came, Unsent)
        assert came.code == "timeout"
        assert came.duration_ms < SLACK_MS


def test_a_silent_receiver_has_its_time_and_no_more() -> None:
    silence = threading.Event()
    with receiver(lambda *_: silence.wait(PATIENCE_S)) as there:
        assert code_of(there.url, OPENED, limit_s=0.2) == "timeout"
        silence.set()


def test_a_name_server_that_is_silent_has_its_time_and_no_more_and_its_places_are_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    silence, asked = threading.Event(), []

    def silent(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        silence.wait(PATIENCE_S)
        return ["127.0.0.1"]

    monkeypatch.setattr(resolving, "_places", threading.BoundedSemaphore(2))
    try:
        for number in range(3):
            came = send(f"http://{number}.example/", Rules(LOOPBACK, ask=silent), limit_s=0.2)
            assert isinstance(came, Unsent)
            assert came.code == "timeout"
            assert 150 < came.duration_ms < SLACK_MS
        assert asked == ["0.example", "1.example"]
    finally:
        silence.set()
    with receiver() as there:
        rules = Rules(LOOPBACK, ask=Alternating(["127.0.0.1"]))
        assert send(f"http://a.example:{there.port}/", rules).status == 200  # type: ignore[union-attr]


def test_a_receiver_that_says_nothing_of_tls_has_what_the_name_left_of_the_time() -> None:
    def slow(host: str, port: int) -> Sequence[str]:
        pause.wait(1.0)
        return ["127.0.0.1"]

    pause, pulse = threading.Event(), Pulse()
    with socket.create_server(("127.0.0.1", 0)) as there:
        url = f"https://a.example:{there.getsockname()[1]}/"
        came = send(url, Rules(LOOPBACK, ask=slow), limit_s=1.2)
    pulse.stop()
    assert isinstance(came, Unsent)
    assert came.code == "timeout"
    # Each with the whole time for itself would have 2.2 s.
    assert came.duration_ms - pulse.stalled_ms() < 2_000


def test_an_endless_body_is_read_up_to_the_limit() -> None:
    with receiver(drip(b"\r\n" + b"x" * 65_536, 0)) as there:
        came = send(there.url)
    assert isinstance(came, Answer)
    assert came.is_cut
    assert len(came.body) <= MAX_ANSWER_BYTES


@pytest.mark.parametrize("part", [b"x: " + b"y" * 60_000 + b"\r\n", b"a: b\r\n" * 90, b"z" * 70_000])
def test_endless_headers_are_no_answer(part: bytes) -> None:
    with receiver(drip(part, 0)) as there:
        assert code_of(there.url, OPENED) == "bad_answer"


@pytest.mark.parametrize("answer", [b"", b"+PONG\r\n", b"HTTP/1.1 9x OK\r\n\r\n", b"HTTP/9\r\n\r\n"])
def test_what_is_no_http_is_told_as_such(answer: bytes) -> None:
    with receiver(answer) as there:
        assert code_of(there.url, OPENED) in ("bad_answer", "unreachable")


def test_where_nobody_listens_nobody_is_reached() -> None:
    with closed_port() as port:
        assert code_of(f"http://127.0.0.1:{port}/hook", OPENED) == "unreachable"


def test_a_certificate_that_nobody_vouches_for_ends_the_attempt(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1",
         "-subj", "/CN=127.0.0.1", "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with receiver(tls=context) as there:
        came = send(f"https://127.0.0.1:{there.port}/")
    assert isinstance(came, Unsent)
    assert came.code == "tls_failed"
    assert "self" in came.detail
