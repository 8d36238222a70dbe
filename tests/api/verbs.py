"""Each method of each route as an act that can be done again and again: what to ask, and what is seen of its effect.

`VERBS` is compared with the table of routes, so that a new route is either here or in `WITHOUT_STORE`.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable

from jobs.access.models import Namespace
from jobs.domain.naming import DELIVERY_QUEUE
from jobs.domain.status import Status
from jobs.domain.unique import Unique
from jobs.services import webhooks
from tests.api.error_things import ERROR_VERBS
from tests.api.lane import Request
from tests.api.limit_verbs import LIMIT_VERBS
from tests.api.operation_verbs import OPERATION_VERBS
from tests.api.remote_worker import RemoteWorker, held
from tests.api.schedule_verbs import SCHEDULE_VERBS
from tests.api.tenant import NOBODYS_ID, Tenant
from tests.api.test_isolation import delivery_of, endpoint_of
from tests.api.verb import Row, Verb
from tests.api.workflow_verbs import WORKFLOW_VERBS
from tests.backends.test_heartbeat import record

# What the database or the process itself answers.
WITHOUT_STORE: dict[Row, str] = {
    ("schedules", "GET"): "/schedules",
    ("schedule", "GET"): "/schedules/nobodys",
    ("schedule-trial", "POST"): "/schedules/preview",
    ("bulk-operations", "GET"): "/bulk-operations",
    ("bulk-operation", "GET"): f"/bulk-operations/{NOBODYS_ID}",
    ("bulk-outcomes", "GET"): f"/bulk-operations/{NOBODYS_ID}/outcomes",
    ("bulk-abort", "POST"): f"/bulk-operations/{NOBODYS_ID}/abort",
    ("bulk-pause", "POST"): f"/bulk-operations/{NOBODYS_ID}/pause",
    ("namespaces", "GET"): "/namespaces",
    ("members", "GET"): "/namespaces/nobodys/members",
    ("member", "PUT"): "/namespaces/nobodys/members/nobody",
    ("member", "DELETE"): "/namespaces/nobodys/members/nobody",
    ("api-keys", "GET"): "/api-keys",
    ("api-keys", "POST"): "/api-keys",
    ("api-key", "DELETE"): "/api-keys/nobodys",
    ("audit", "GET"): "/audit",
    ("views", "GET"): "/views",
    ("view", "PUT"): "/views/v",
    ("view", "DELETE"): "/views/nobodys",
    ("system", "GET"): "/system",
    ("health-live", "GET"): "/health/live",
    ("openapi", "GET"): "/openapi.json",
    ("docs", "GET"): "/docs",
}
MANY = 250


def _submit(tenant: Tenant, mark: str) -> Request:
    return tenant.request("POST", "/jobs", {"kind": "k"}, idempotency_key=mark)


def _bulk(number: int, query: str = "") -> Callable[[Tenant, str], Request]:
    def prepare(tenant: Tenant, mark: str) -> Request:
        body = [{"kind": "k", "payload": index} for index in range(number)]
        return tenant.request("POST", f"/jobs/bulk{query}", body, idempotency_key=mark)

    return prepare


def _on_job(status: Status, method: str, end: str = "") -> Callable[[Tenant, str], Request]:
    def prepare(tenant: Tenant, _: str) -> Request:
        body = {} if method == "POST" else b""
        return tenant.request(method, f"/jobs/{tenant.job_in(status)}{end}", body)

    return prepare


def _get(target: str) -> Callable[[Tenant, str], Request]:
    def prepare(tenant: Tenant, _: str) -> Request:
        return tenant.request("GET", target)

    return prepare


def _on_queue(act: str) -> Callable[[Tenant, str], Request]:
    def prepare(tenant: Tenant, mark: str) -> Request:
        queue, bench = f"q{mark}", tenant.bench
        for _ in range(3):
            bench.submit(queue=queue)
        if act == "resume":
            bench.run(bench.operator.pause(queue, by="test", reason=""))
        return tenant.request("POST", f"/queues/{queue}/{act}", {"confirm": queue} if act == "purge" else {})

    return prepare


def _at_queue(method: str, body: object = b"") -> Callable[[Tenant, str], Request]:
    def prepare(tenant: Tenant, mark: str) -> Request:
        tenant.bench.submit(queue=f"q{mark}")
        return tenant.request(method, f"/queues/q{mark}", body)

    return prepare


def _order(order: str) -> Callable[[Tenant, str], Request]:
    def prepare(tenant: Tenant, mark: str) -> Request:
        tenant.bench.run(tenant.bench.consumer.heartbeat(record(f"w{mark}")))
        return tenant.request("POST", f"/workers/w{mark}/{order}", {})

    return prepare


def _on_endpoint(method: str, end: str = "") -> Callable[[Tenant, str], Request]:
    def prepare(tenant: Tenant, mark: str) -> Request:
        kind, body = f"k{mark}", {"url": "https://8.8.8.8/"} if method == "PUT" else b""
        if method != "PUT":
            endpoint_of(tenant, kind)
        return tenant.request(method, f"/endpoints/{kind}{end}", body)

    return prepare


def _release(tenant: Tenant, mark: str) -> Request:
    tenant.bench.submit(unique=Unique(mark))
    return tenant.request("POST", "/unique-locks/release", {"key": mark})


def _on_webhook(method: str, end: str = "") -> Callable[[Tenant, str], Request]:
    def prepare(tenant: Tenant, mark: str) -> Request:
        body = {"statuses": ["completed"]} if method == "PUT" else b""
        if method != "PUT":
            webhooks.set_webhook(tenant.system, "", ())
        return tenant.request(method, f"/webhook{end}", body)

    return prepare


def _resend(tenant: Tenant, _: str) -> Request:
    bench = tenant.bench
    bench.run(bench.operator.purge(DELIVERY_QUEUE, secrets.token_hex(8), bench.now() + 1_000, 0, by="test"))
    return tenant.request("POST", f"/deliveries/{delivery_of(tenant)}/resend", {})


def _worker(act: Callable[[RemoteWorker], Request]) -> Callable[[Tenant, str], Request]:
    def prepare(tenant: Tenant, mark: str) -> Request:
        worker = RemoteWorker(tenant, (f"q{mark}",)) if tenant.lane.name != "control-plane" else None
        if worker is None:
            # Nobody serves it there.
            return tenant.request("POST", "/workers", {"queues": ["main"]})
        tenant.bench.submit(queue=f"q{mark}")
        return act(worker)

    return prepare


def _registration(worker: RemoteWorker) -> Request:
    return worker.tenant.request("POST", "/workers", {"queues": list(worker.queues)})


def _claim(worker: RemoteWorker) -> Request:
    return worker.tenant.request("POST", "/leases", worker.order(claim_id="c"))


def _with_lease(end: str, name: str, **more: object) -> Callable[[RemoteWorker], Request]:
    def prepare(worker: RemoteWorker) -> Request:
        (lease,) = worker.claim()
        return worker.tenant.request("POST", end, {name: [{**held(lease), **more}]})

    return prepare


def _of_worker(method: str, end: str = "") -> Callable[[RemoteWorker], Request]:
    def prepare(worker: RemoteWorker) -> Request:
        return worker.tenant.request(method, f"/workers/{worker.id}{end}", {})

    return prepare


def _on_namespace(method: str, body: object = b"") -> Callable[[Tenant, str], Request]:
    def prepare(tenant: Tenant, mark: str) -> Request:
        key = f"Bearer {tenant.key('admin', 'installation')}"
        name = f"{tenant.name}-{mark}"
        if method == "POST":
            return tenant.request(method, "/namespaces", {"name": name, "quota": {"jobs": 5}}, authorization=key)
        Namespace.objects.get_or_create(name=name)
        return tenant.request(
            method, f"/namespaces/{name}", {"confirm": name} if method == "DELETE" else body, authorization=key
        )

    return prepare


def _export(tenant: Tenant, _: str) -> Request:
    tenant.bench.submit()
    return tenant.request("GET", f"/namespaces/{tenant.name}/export?limit=1")


_REPORT = {"number": 1, "log": ["a line"], "checkpoint": 1}
PROTOCOL_VERBS: dict[str, Verb] = {
    "register": Verb(("workers", "POST"), _worker(_registration), 201, (201,)),
    "heartbeat": Verb(("worker-heartbeat", "POST"), _worker(_of_worker("POST", "/heartbeat"))),
    "farewell": Verb(("worker", "DELETE"), _worker(_of_worker("DELETE")), 204, (404,)),
    "claim": Verb(("leases", "POST"), _worker(_claim)),
    "extend": Verb(("leases-extend", "POST"), _worker(_with_lease("/leases/extend", "leases"))),
    "settle": Verb(
        ("leases-settle", "POST"), _worker(_with_lease("/leases/settle", "settlements", outcome="completed", result=1))
    ),
    "report": Verb(("leases-report", "POST"), _worker(_with_lease("/leases/report", "reports", **_REPORT))),
}


VERBS: dict[str, Verb] = {
    "submit": Verb(("jobs", "POST"), _submit, 202),
    "bulk": Verb(("jobs-bulk", "POST"), _bulk(3), 202, (202,)),
    "bulk in two calls": Verb(("jobs-bulk", "POST"), _bulk(MANY), 202, (202,)),
    "bulk, all or none": Verb(("jobs-bulk", "POST"), _bulk(MANY, "?atomic=true"), 202, (202,)),
    "list": Verb(("jobs", "GET"), _get("/jobs")),
    "list of a queue": Verb(("jobs", "GET"), _get("/jobs?status=queued&queue=main")),
    "export of a list": Verb(("jobs-export", "GET"), _get("/jobs/export?limit=1")),
    "look": Verb(("job", "GET"), _on_job(Status.COMPLETED, "GET")),
    "look and wait": Verb(("job", "GET"), _on_job(Status.COMPLETED, "GET", "?wait=1")),
    "delete": Verb(("job", "DELETE"), _on_job(Status.SCHEDULED, "DELETE"), again=(409,)),
    "cancel": Verb(("job-cancel", "POST"), _on_job(Status.RUNNING, "POST", "/cancel"), 202, (202,)),
    "retry": Verb(("job-retry", "POST"), _on_job(Status.DEAD_LETTER, "POST", "/retry"), again=(409,)),
    "queues": Verb(("queues", "GET"), _get("/queues")),
    "queue stats": Verb(("queue-stats", "GET"), _get("/queues/stats")),
    "scaling": Verb(("queue-scaling", "GET"), _get("/queues/scaling")),
    "history": Verb(("history", "GET"), _get("/history?range=1h")),
    **ERROR_VERBS,
    "pause": Verb(("queue-pause", "POST"), _on_queue("pause")),
    "resume": Verb(("queue-resume", "POST"), _on_queue("resume")),
    "purge": Verb(("queue-purge", "POST"), _on_queue("purge")),
    **OPERATION_VERBS,
    "explain": Verb(("job-explain", "GET"), _on_job(Status.QUEUED, "GET", "/explain")),
    "log": Verb(("job-log", "GET"), _on_job(Status.COMPLETED, "GET", "/log")),
    "quiet": Verb(("worker-quiet", "POST"), _order("quiet"), 202, (202,)),
    "resume worker": Verb(("worker-resume", "POST"), _order("resume"), 202, (202,)),
    "terminate": Verb(("worker-terminate", "POST"), _order("terminate"), 202, (202,)),
    **SCHEDULE_VERBS,
    "unique keys": Verb(("unique-locks", "GET"), _get("/unique-locks")),
    "release a key": Verb(("unique-release", "POST"), _release, again=(404,)),
    **WORKFLOW_VERBS,
    "limits": Verb(("limits", "GET"), _get("/limits")),
    **LIMIT_VERBS,
    **{name: Verb((name, "GET"), _get(f"/{name}")) for name in ("endpoints", "deliveries", "alerts")},
    "bind": Verb(("endpoint", "PUT"), _on_endpoint("PUT"), 201),
    "look at a binding": Verb(("endpoint", "GET"), _on_endpoint("GET")),
    "unbind": Verb(("endpoint", "DELETE"), _on_endpoint("DELETE"), 204, (404,)),
    "try a binding": Verb(("endpoint-test", "POST"), _on_endpoint("POST", "/test")),
    "rotate": Verb(("endpoint-rotate", "POST"), _on_endpoint("POST", "/rotate")),
    "webhook": Verb(("webhook", "GET"), _on_webhook("GET")),
    "set a webhook": Verb(("webhook", "PUT"), _on_webhook("PUT"), 201),
    "remove a webhook": Verb(("webhook", "DELETE"), _on_webhook("DELETE"), 204, (404,)),
    "rotate a webhook": Verb(("webhook-rotate", "POST"), _on_webhook("POST", "/rotate")),
    "resend": Verb(("delivery-resend", "POST"), _resend, 202, (202, 409)),
    "look at a queue": Verb(("queue", "GET"), _at_queue("GET")),
    "change a queue": Verb(("queue", "PATCH"), _at_queue("PATCH", {"paused": True})),
    "workers": Verb(("workers", "GET"), _get("/workers")),
    "make a namespace": Verb(("namespaces", "POST"), _on_namespace("POST"), 201, (409,)),
    "look at a namespace": Verb(("namespace", "GET"), _on_namespace("GET")),
    "limit a namespace": Verb(("namespace", "PATCH"), _on_namespace("PATCH", {"quota": {"jobs": 5}})),
    "delete a namespace": Verb(("namespace", "DELETE"), _on_namespace("DELETE"), 202, (202,)),
    "export": Verb(("namespace-export", "GET"), _export),
    "health": Verb(("health", "GET"), _get("/health")),
    "ready": Verb(("health-ready", "GET"), _get("/health/ready")),
    "metrics": Verb(("metrics", "GET"), _get("/metrics")),
    **PROTOCOL_VERBS,
}


def effect_of(tenant: Tenant) -> Counter[str]:
    """Return what of a tenant an act could change: its jobs by status, its totals, its paused queues."""
    overview = tenant.bench.run(tenant.bench.inspector.overview(0))
    seen: Counter[str] = Counter()
    for stats in overview.queues:
        for status in Status:
            seen[f"jobs {status}"] += stats.total(status)
        seen["paused"] += stats.pause is not None
    for name, number in overview.totals.items():
        if not name.startswith(("wait_", "dur_")):
            # Under a label stands what the verb made for itself.
            seen[name.partition(":")[0]] += int(number)
    return seen


def difference(before: Counter[str], after: Counter[str]) -> dict[str, int]:
    """Return by how much each thing that is counted changed."""
    return {name: after[name] - before[name] for name in before | after if after[name] != before[name]}
