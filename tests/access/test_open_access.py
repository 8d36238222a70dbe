"""Open access: only what plainly comes from this machine's own programs, and only when it is on."""

from __future__ import annotations

import pytest

from jobs.access.open_access import is_loopback, open_actor
from jobs.access.scopes import Scope

CURL = {"Host": "localhost:3000", "User-Agent": "curl/8", "Content-Type": "application/json"}


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
@pytest.mark.parametrize("host", ["localhost:3000", "localhost", "127.0.0.1:3000", "[::1]:3000", "LOCALHOST"])
def test_a_program_on_this_machine_needs_no_key(peer: str, host: str) -> None:
    actor = open_actor(is_open=True, peer=peer, headers={**CURL, "Host": host})
    assert actor is not None
    assert actor.namespace == "default"
    assert actor.scopes == set(Scope) - {Scope.ADMIN, Scope.PAYLOAD_REVEAL, Scope.INSTALLATION}


@pytest.mark.parametrize(
    "more",
    [
        {"Origin": "http://localhost:3000", "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
        {"X-Request-ID": "a"},
    ],
)
def test_our_own_pages_and_the_address_bar_are_local_too(more: dict[str, str]) -> None:
    assert open_actor(is_open=True, peer="127.0.0.1", headers={**CURL, **more}) is not None


def test_it_is_off_unless_it_was_turned_on() -> None:
    assert open_actor(is_open=False, peer="127.0.0.1", headers=CURL) is None


@pytest.mark.parametrize(
    "peer",
    [None, "", "10.0.0.5", "192.168.1.7", "::2", "::ffff:10.0.0.1", "0.0.0.0", "testclient"],  # noqa: S104
)
def test_another_machine_needs_a_key(peer: str | None) -> None:
    assert open_actor(is_open=True, peer=peer, headers=CURL) is None


@pytest.mark.parametrize(
    "more",
    [
        {"Host": "evil.example"},
        {"Host": "localhost.evil.example"},
        {"Host": "127.0.0.1.nip.io:3000"},
        {"Host": "evil@localhost"},
        {"Host": "localhost/x"},
        {"Host": "localhost:port"},
        {"Host": "localhost, evil.example"},
        {"Host": "localhost?x"},
        {"Host": ""},
        {"X-Forwarded-For": "203.0.113.9"},
        {"x-forwarded-proto": "https"},
        {"X-FORWARDED-HOST": "localhost"},
        {"Forwarded": "for=203.0.113.9"},
        {"Via": "1.1 proxy"},
        {"X-Real-IP": "127.0.0.1"},
        {"CF-Connecting-IP": "127.0.0.1"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:8000"},
        {"Origin": "http://127.0.0.1:3000"},
        {"Origin": ""},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"sec-fetch-site": "unheard-of"},
        {"Authorization": "Bearer ifk_wrong"},
    ],
)
def test_what_may_come_from_elsewhere_needs_a_key(more: dict[str, str]) -> None:
    assert open_actor(is_open=True, peer="127.0.0.1", headers={**CURL, **more}) is None


def test_a_request_without_a_host_needs_a_key() -> None:
    assert open_actor(is_open=True, peer="127.0.0.1", headers={}) is None


@pytest.mark.parametrize(
    ("host", "expected"),
    [("localhost", True), ("127.0.0.1", True), ("[::1]", True), ("::1", True)]
    + [(host, False) for host in ("0.0.0.0", "::", "", "example.com", "10.1.2.3", "localhost.example.com")],  # noqa: S104
)
def test_a_loopback_address_is_one_that_others_cannot_reach(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected
