"""Limits, unique keys, people, the audit log and exports through both clients."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import pytest

from ironforge_client import AsyncClient, Client, Namespace, NewJob, NotFound, UnreadableAnswer
from ironforge_client.conformance.gate import Gate, StandIn
from tests.client.conftest import Blocking
from tests.stores import random_namespace


@pytest.fixture
def home(url: str, root_key: str) -> Namespace:
    """Return a namespace of its own, with its first key."""
    with Client(url, root_key) as root:
        return root.create_namespace(random_namespace(), key_name="first")


@pytest.fixture(params=[Client, Blocking])
def admin(request: pytest.FixtureRequest, url: str, home: Namespace) -> Iterator[Client]:
    """Return a client that may do everything there."""
    client = request.param(url, home.first_key and home.first_key.text)
    yield client
    client.end() if isinstance(client, Blocking) else client.close()


def test_limits_and_circuits(admin: Client) -> None:
    made = admin.set_limit("mail.send", concurrency=2, circuit={"percent": 40}, reason="slow receiver")
    assert (made.by, made.concurrency, made.rate, made.circuit and made.circuit["percent"]) == ("kind", 2, None, 40)
    assert admin.set_limit("mail", by="queue", rate={"starts": 5}).rate == {"starts": 5, "period_ms": 1000, "burst": 5}
    admin.set_limit("mail.send", by="key", concurrency=1, path="payload.to")
    assert {(it.by, it.name) for it in admin.limits()} == {
        ("kind", "mail.send"), ("queue", "mail"), ("key", "mail.send"),
    }  # fmt: skip
    assert admin.limit("mail.send", by="key", key="a").key == "a"
    opened = admin.turn_circuit("mail.send", "open", "receiver is down")
    assert opened.circuit is not None
    assert (opened.circuit["state"], opened.circuit["reason"]) == ("open", "receiver is down")
    with pytest.raises(ValueError, match="open or closed"):
        admin.turn_circuit("mail.send", "ajar")
    admin.drop_limit("mail", by="queue")
    with pytest.raises(NotFound):
        admin.limit("mail", by="queue")
    assert admin.share_queue("mail", {"acme": 3}).fair == {"acme": 3}
    assert admin.queue("mail").fair == {"acme": 3}
    assert admin.share_queue("mail", None).fair is None


def test_unique_keys_people_and_the_audit_log(admin: Client, home: Namespace) -> None:
    job = admin.submit("mail.send", delay=3600, unique={"key": "order 17"})
    (lock,) = admin.unique_locks()
    assert (lock.key, lock.job_id, lock.status, lock.is_debounced) == ("order 17", job.id, "scheduled", False)
    assert admin.release_lock("order 17", "sent by hand").job_id == job.id
    assert list(admin.unique_locks()) == []
    assert admin.members(home.name) == ()
    for call in (
        lambda: admin.set_member(home.name, "nobody", "viewer"),
        lambda: admin.remove_member(home.name, "nobody"),
    ):
        with pytest.raises(NotFound):
            call()
    (entry,) = admin.audit(action="unique.release")
    assert (entry.target_id, entry.reason, entry.before) == ("order 17", "sent by hand", {"job_id": job.id})
    assert [it.position for it in admin.audit()] == sorted((it.position for it in admin.audit()), reverse=True)
    assert admin.workers() == ()


def test_an_export_goes_on_where_it_ended_and_one_that_was_cut_is_none(
    admin: Client, home: Namespace, gate: Gate
) -> None:
    jobs = [NewJob(kind="mail.send", payload=number, delay=3600) for number in range(5)]
    ids = [item.id for item in admin.submit_many(jobs).accepted]
    found = list(admin.export(home.name, page_size=2))
    assert [job.id for job in found] == sorted(map(str, ids), reverse=True)
    assert {job.payload for job in found} == set(range(5))
    gate.stand_in = lambda method, path, body: StandIn(200, b'{"id": "cut in the mid')
    with Client(gate.url) as behind, pytest.raises(UnreadableAnswer, match="cut off"):
        list(behind.export(home.name))


def test_both_clients_can_do_the_same() -> None:
    calls = [{name for name in dir(it) if name[0] != "_"} for it in (Client, AsyncClient)]
    assert calls[0] == calls[1]
    for name in calls[0] - {"from_environment"}:
        asked = [inspect.signature(getattr(it, name)).parameters for it in (Client, AsyncClient)]
        assert list(asked[0].values()) == list(asked[1].values()), name
