"""Requests about limits and circuits that change something."""

from __future__ import annotations

from collections.abc import Callable

from jobs.domain.limit import LimitBy
from tests.api.lane import Request
from tests.api.tenant import Tenant
from tests.api.things import circuit_of, limit_of
from tests.api.verb import Verb


def _on_limit(method: str, by: LimitBy = LimitBy.KIND) -> Callable[[Tenant, str], Request]:
    def prepare(tenant: Tenant, mark: str) -> Request:
        name = f"k{mark}"
        if method != "PUT":
            limit_of(tenant, name, by)
        return tenant.request(method, f"/limits/{by}s/{name}", {"concurrency": 1} if method == "PUT" else b"")

    return prepare


def _on_circuit(tenant: Tenant, mark: str) -> Request:
    kind = circuit_of(tenant, f"k{mark}")
    return tenant.request("PUT", f"/limits/kinds/{kind}/circuit", {"state": "open"})


LIMIT_VERBS: dict[str, Verb] = {
    "limit": Verb(("limit", "PUT"), _on_limit("PUT"), 201),
    "look at a limit": Verb(("limit", "GET"), _on_limit("GET")),
    "end a limit": Verb(("limit", "DELETE"), _on_limit("DELETE"), 204, (404,)),
    "open a circuit": Verb(("circuit", "PUT"), _on_circuit),
    "limit a queue": Verb(("queue-limit", "PUT"), _on_limit("PUT", LimitBy.QUEUE), 201),
    "look at a queue's limit": Verb(("queue-limit", "GET"), _on_limit("GET", LimitBy.QUEUE)),
    "end a queue's limit": Verb(("queue-limit", "DELETE"), _on_limit("DELETE", LimitBy.QUEUE), 204, (404,)),
    "limit keys": Verb(("key-limit", "PUT"), _on_limit("PUT", LimitBy.KEY), 201),
    "look at keys' limit": Verb(("key-limit", "GET"), _on_limit("GET", LimitBy.KEY)),
    "end keys' limit": Verb(("key-limit", "DELETE"), _on_limit("DELETE", LimitBy.KEY), 204, (404,)),
}
