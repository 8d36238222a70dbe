"""The acts on schedules, for `tests.api.verbs`."""

from __future__ import annotations

from collections.abc import Callable

from tests.api.lane import Request
from tests.api.tenant import Tenant
from tests.api.things import schedule_of
from tests.api.verb import Verb


def _on_schedule(method: str, end: str = "") -> Callable[[Tenant, str], Request]:
    def prepare(tenant: Tenant, mark: str) -> Request:
        name, body = f"s{mark}", {"kind": "k", "every_ms": 3_600_000} if method == "PUT" else {}
        if method != "PUT":
            schedule_of(tenant, name)
        return tenant.request(method, f"/schedules/{name}{end}", b"" if method in ("GET", "DELETE") else body)

    return prepare


def _run_schedule(tenant: Tenant, mark: str) -> Request:
    return tenant.request("POST", f"/schedules/{schedule_of(tenant, f's{mark}')}/run", {}, idempotency_key=mark)


def _new_schedule(tenant: Tenant, mark: str) -> Request:
    return tenant.request("POST", "/schedules", {"name": f"s{mark}", "kind": "k", "every_ms": 3_600_000})


SCHEDULE_VERBS: dict[str, Verb] = {
    "make a schedule": Verb(("schedules", "POST"), _new_schedule, 201, (409,)),
    "put a schedule": Verb(("schedule", "PUT"), _on_schedule("PUT"), 201),
    "change a schedule": Verb(("schedule", "PATCH"), _on_schedule("PATCH")),
    "remove a schedule": Verb(("schedule", "DELETE"), _on_schedule("DELETE"), 204, (404,)),
    "pause a schedule": Verb(("schedule-pause", "POST"), _on_schedule("POST", "/pause")),
    "resume a schedule": Verb(("schedule-resume", "POST"), _on_schedule("POST", "/resume")),
    "run a schedule": Verb(("schedule-run", "POST"), _run_schedule, 202, (202,)),
    "preview a schedule": Verb(("schedule-preview", "GET"), _on_schedule("GET", "/preview")),
    "history of a schedule": Verb(("schedule-history", "GET"), _on_schedule("GET", "/history")),
}
