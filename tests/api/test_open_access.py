"""Open access through HTTP: the developer's own programs need no key, strangers and their pages do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from jobs.access.models import Namespace
from tests.api.lane import Answer, Lane, Request, each_submission_lane
from tests.api.tenant import NOBODYS_ID, Tenant
from tests.stores import Bench

pytestmark = [each_submission_lane, pytest.mark.usefixtures("open_access")]

JOB = {"kind": "email.send"}


@pytest.fixture
def default(lane: Lane) -> Iterator[Bench]:
    """Return the namespace in which open access acts."""
    bench = Bench(namespace="default")
    yield bench
    bench.close()


def submit(lane: Lane, peer: tuple[str, int] | None = ("127.0.0.1", 50_000), **headers: str) -> Answer:
    """Return the answer to a submission without a key."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lane.ask(Request("POST", "/jobs", JOB, named, peer))


@pytest.mark.parametrize("peer", ["127.0.0.1", "::1", "127.9.9.9"])
@pytest.mark.parametrize("host", ["localhost:3000", "127.0.0.1", "[::1]:3000"])
def test_a_program_on_this_machine_needs_no_key(lane: Lane, default: Bench, peer: str, host: str) -> None:
    answer = submit(lane, (peer, 50_000), Host=host)
    assert answer.status == 202
    assert default.queue_ids() == [answer.body["id"]]


def test_it_is_off_by_itself(lane: Lane, settings: object) -> None:
    settings.IRONFORGE_OPEN = False  # type: ignore[attr-defined]
    assert submit(lane).status == 401


@pytest.mark.parametrize("peer", ["10.0.0.5", "::ffff:10.0.0.5", "0.0.0.0", "testclient"])  # noqa: S104
def test_another_machine_needs_a_key(lane: Lane, default: Bench, peer: str) -> None:
    assert submit(lane, (peer, 50_000)).status == 401
    assert submit(lane, None).status == 401
    assert default.queue_ids() == []


@pytest.mark.parametrize(
    "headers",
    [
        {"X_Forwarded_For": "127.0.0.1"},
        {"x_forwarded_host": "localhost"},
        {"Forwarded": "for=127.0.0.1"},
        {"Via": "1.1 proxy"},
        {"X_Real_IP": "127.0.0.1"},
        {"CF_Connecting_IP": "127.0.0.1"},
        {"Origin": "https://evil.example"},
        {"Origin": "http://localhost:8080"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
    ids=str,
)
def test_a_proxy_or_a_page_of_another_site_needs_a_key(lane: Lane, default: Bench, headers: dict[str, str]) -> None:
    answer = submit(lane, **headers)
    assert (answer.status, answer.code) == (401, "unauthenticated")
    assert default.queue_ids() == []


def test_our_own_pages_need_none(lane: Lane, default: Bench) -> None:
    assert submit(lane, Origin="http://localhost:3000", Sec_Fetch_Site="same-origin").status == 202


def test_a_wrong_key_is_not_forgiven(lane: Lane, default: Bench) -> None:
    assert submit(lane, Authorization="Bearer ifk_wrong").status == 401
    assert submit(lane, Authorization="").status == 401


def test_a_right_key_acts_in_its_own_namespace(tenant: Tenant, default: Bench) -> None:
    tenant.submit()
    assert default.queue_ids() == []


def test_it_may_do_everything_but_administer(lane: Lane, default: Bench) -> None:
    Namespace.objects.get_or_create(name="default")
    letter = default.dead_letter(payload=b'{"to":1}')
    shown = lane.ask(Request("GET", f"/jobs/{letter}"))
    assert (shown.status, shown.body["payload"]) == (200, {"to": 1})
    assert lane.ask(Request("POST", f"/jobs/{letter}/retry", {})).status == 200
    assert lane.ask(Request("POST", "/queues/main/pause", {})).status == 200
    assert lane.ask(Request("POST", "/queues/main/resume", {})).status == 200
    bulk = Request("POST", "/bulk-operations", {"action": "cancel", "ids": [NOBODYS_ID]})
    assert lane.ask(bulk).status == 202
    assert lane.ask(Request("POST", "/queues/main/purge", {"confirm": "main"})).body == {"purged": 1}
    assert lane.ask(Request("DELETE", f"/jobs/{default.submit()}")).status == 200
