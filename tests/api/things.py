"""Things of a tenant that addresses name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from django.contrib.auth.models import User

from jobs import wiring
from jobs.access.models import Membership, Namespace
from jobs.access.scopes import Role
from jobs.domain.circuit import Circuit
from jobs.domain.limit import Limit, LimitBy
from jobs.services import job_views, schedules
from tests.api.tenant import Tenant


def namespace_of(tenant: Tenant) -> str:
    return tenant.name


def member_of(tenant: Tenant) -> str:
    """Return the end of an address: a namespace and a person of it."""
    person = User.objects.create_user(f"p-{tenant.name}")
    Membership.objects.create(user=person, namespace=Namespace.objects.get(name=tenant.name), role=Role.VIEWER.value)
    return f"{tenant.name}/members/{person.username}"


def key_of(tenant: Tenant) -> str:
    return tenant.mint("jobs:read").details.prefix


def schedule_of(tenant: Tenant, name: str = "theirs") -> str:
    """Return a schedule."""
    source: dict[str, object] = {"name": name, "kind": "k", "every_ms": 3_600_000}
    return schedules.create_schedule(tenant.system, source).name


def limit_of(tenant: Tenant, name: str = "theirs", by: LimitBy = LimitBy.KIND) -> str:
    """Return a kind, or a queue, that is limited."""
    limit = Limit(by=by, name=name, concurrency=1)
    assert tenant.bench.run(wiring.backend().limits(tenant.name).put(limit)) == "set"
    return name


def circuit_of(tenant: Tenant, name: str = "theirs") -> str:
    """Return a kind that has a circuit."""
    limit = Limit(name=name, circuit=Circuit())
    assert tenant.bench.run(wiring.backend().limits(tenant.name).put(limit)) == "set"
    return name


queue_limit_of, key_limit_of = partial(limit_of, by=LimitBy.QUEUE), partial(limit_of, by=LimitBy.KEY)

# What the table of test_isolation says of them: how one is made, what is sent, and a name that nobody has.
FOREIGN_LIMITS: dict[tuple[str, str], tuple[Callable[[Tenant], str], object, str]] = {
    ("limit", "GET"): (limit_of, b"", "nobodys"),
    ("limit", "DELETE"): (limit_of, b"", "nobodys"),
    ("circuit", "PUT"): (circuit_of, {"state": "open"}, "nobodys"),
    ("queue-limit", "GET"): (queue_limit_of, b"", "nobodys"),
    ("queue-limit", "DELETE"): (queue_limit_of, b"", "nobodys"),
    ("key-limit", "GET"): (key_limit_of, b"", "nobodys"),
    ("key-limit", "DELETE"): (key_limit_of, b"", "nobodys"),
}


def view_of(tenant: Tenant) -> str:
    """Return a view that is shared with all of its namespace."""
    job_views.keep_view(tenant.system, "theirs", "kind=k", is_shared=True)
    return "theirs"
