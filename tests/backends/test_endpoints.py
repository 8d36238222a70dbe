"""bind.lua, unbind.lua and endpoints.lua: one truth about where jobs are sent, changed by one at a time."""

from __future__ import annotations

import msgspec
import pytest

from jobs.backends.endpoints import Endpoints
from jobs.backends.redis.backend import RedisBackend
from jobs.domain.endpoint import MAX_ENDPOINTS, Endpoint, Secret
from tests.stores import Bench


def endpoint(kind: str = "k", url: str = "https://a.example/") -> Endpoint:
    return Endpoint(kind=kind, url=url, secrets=(Secret("whsec_QQ=="),), created_by="key:ci", created_at=1)


@pytest.fixture
def endpoints(bench: Bench) -> Endpoints:
    return RedisBackend(shards=3).endpoints(bench.namespace)


def test_what_is_bound_is_listed_by_kind_until_it_is_unbound(bench: Bench, endpoints: Endpoints) -> None:
    for kind in ("b", "a"):
        assert bench.twice(endpoints.bind(endpoint(kind), None)) == "bound"
    assert bench.run(endpoints.all()) == [endpoint("a"), endpoint("b")]
    bench.twice(endpoints.unbind("a"))
    assert bench.run(endpoints.all()) == [endpoint("b")]


def test_of_two_who_change_what_they_read_the_second_is_told(bench: Bench, endpoints: Endpoints) -> None:
    first, second = endpoint(url="https://b.example/"), endpoint(url="https://c.example/")
    bench.run(endpoints.bind(endpoint(), None))
    assert bench.twice(endpoints.bind(first, endpoint())) == "bound"
    assert bench.refused(endpoints.bind(second, endpoint())) == "changed"
    assert bench.refused(endpoints.bind(second, None)) == "changed"
    assert bench.refused(endpoints.bind(endpoint("new"), endpoint("new"))) == "changed"
    assert bench.run(endpoints.all()) == [first]


def test_a_namespace_has_so_many_and_no_more(bench: Bench, endpoints: Endpoints) -> None:
    for number in range(MAX_ENDPOINTS):
        bench.run(endpoints.bind(endpoint(f"k{number}"), None))
    assert bench.refused(endpoints.bind(endpoint("one.more"), None)) == "too_many"
    changed = msgspec.structs.replace(endpoint("k7"), timeout_ms=500)
    assert bench.run(endpoints.bind(changed, endpoint("k7"))) == "bound"


def test_what_was_damaged_from_outside_hides_no_other(bench: Bench, endpoints: Endpoints) -> None:
    bench.run(endpoints.bind(endpoint(), None))
    bench.client.hset(bench.keys.named("endpoints"), "x", b"\xff{")
    assert bench.run(endpoints.all()) == [endpoint()]
