"""`/metrics`: the names of the design, numbers that are exact, and nothing for strangers."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import replace

import pytest
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families

from jobs.access.actor import system_actor
from jobs.access.models import Namespace
from jobs.domain.priority import Priority
from jobs.domain.status import Status
from jobs.services import keys
from jobs.telemetry.metrics import MAX_NAMESPACES, store_families
from tests.api.conftest import MakeTenant
from tests.api.lane import Request
from tests.api.tenant import Tenant
from tests.api.test_workers import worker
from tests.backends.situations import fill_queues

# Part 8 of the design: type and labels, beside the namespace, of what a dashboard is built on.
PROMISED = {
    "ironforge_jobs_submitted": ("counter", {"priority"}),
    "ironforge_jobs_completed": ("counter", {"kind"}),
    "ironforge_jobs_failed": ("counter", {"kind"}),
    "ironforge_queue_depth": ("gauge", {"queue"}),
    "ironforge_dlq_depth": ("gauge", set()),
    "ironforge_active_workers": ("gauge", set()),
    "ironforge_job_duration_seconds": ("histogram", {"kind"}),
    "ironforge_job_wait_time_seconds": ("histogram", set()),
}
Families = dict[str, Metric]


def text(tenant: Tenant) -> str:
    """Return what the tenant's key sees."""
    answer = tenant.ask("GET", "/metrics")
    assert answer.status == 200
    return answer.raw.decode()


def parsed(exposition: str) -> Families:
    return {family.name: family for family in text_string_to_metric_families(exposition)}


def value(families: Families, name: str, **labels: str) -> float:
    """Return one sample that must be there; a sample's own suffix is part of `name`."""
    found = [
        sample.value
        for family in families.values()
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    ]
    assert len(found) == 1, (name, labels, found)
    return float(found[0])


@pytest.fixture
def busy(tenant: Tenant) -> Tenant:
    """Return a tenant in which each thing has happened once."""
    for status in (Status.COMPLETED, Status.FAILED, Status.DEAD_LETTER, Status.CANCELLED, Status.SCHEDULED):
        tenant.job_in(status)
    tenant.bench.submit(priority=Priority.HIGH)
    tenant.bench.run(tenant.bench.consumer.heartbeat(worker(tenant)))
    return tenant


def test_the_promised_metrics_are_there_with_type_and_labels(busy: Tenant) -> None:
    families = parsed(text(busy))
    for name, (kind, labels) in PROMISED.items():
        assert families[name].type == kind
        assert families[name].documentation
        assert families[name].samples, name
        for sample in families[name].samples:
            assert set(sample.labels) - {"le"} == labels | {"namespace"}


def test_the_type_of_every_metric_is_told_before_anything_has_happened(tenant: Tenant) -> None:
    exposition = text(tenant)
    for name, (kind, _) in PROMISED.items():
        suffix = "_total" if kind == "counter" else ""
        assert f"# TYPE {name}{suffix} {kind}\n" in exposition
    assert value(parsed(exposition), "ironforge_dlq_depth", namespace=tenant.name) == 0


def test_the_numbers_are_those_of_what_happened(busy: Tenant) -> None:
    families = parsed(text(busy))
    assert value(families, "ironforge_jobs_submitted_total", priority="high") == 1
    assert value(families, "ironforge_jobs_submitted_total", priority="medium") == 5
    assert value(families, "ironforge_jobs_completed_total", kind="demo.echo") == 1
    assert value(families, "ironforge_jobs_failed_total", kind="demo.echo") == 2
    assert value(families, "ironforge_queue_depth", queue="main") == 1
    assert value(families, "ironforge_dlq_depth") == 1
    assert value(families, "ironforge_active_workers") == 1


def test_the_histograms_count_every_attempt_in_seconds(tenant: Tenant) -> None:
    tenant.bench.submit()
    tenant.bench.advance(2_000)
    lease = tenant.bench.lease()
    tenant.bench.settle(lease, duration_ms=400)
    families = parsed(text(tenant))
    for name, low, high in (("job_wait_time", 2.0, 60.0), ("job_duration", 0.4, 30.0)):
        assert value(families, f"ironforge_{name}_seconds_count") == 1
        assert low <= value(families, f"ironforge_{name}_seconds_sum") < high
        assert value(families, f"ironforge_{name}_seconds_bucket", le="+Inf") == 1
        assert value(families, f"ironforge_{name}_seconds_bucket", le="0.25") == 0


def test_every_known_queue_is_exported_with_zero_too(tenant: Tenant) -> None:
    tenant.bench.submit(queue="drained")
    tenant.bench.settle(tenant.bench.lease(queues=("drained",)))
    tenant.ask("POST", "/queues/only-paused/pause")
    families = parsed(text(tenant))
    assert value(families, "ironforge_queue_depth", queue="drained") == 0
    assert value(families, "ironforge_queue_depth", queue="only-paused") == 0
    assert value(families, "ironforge_queue_paused", queue="only-paused") == 1


def test_a_thousand_queues_are_a_thousand_lines(tenant: Tenant) -> None:
    fill_queues(tenant.bench)
    tenant.bench.submit()
    depths = [sample.value for sample in parsed(text(tenant))["ironforge_queue_depth"].samples]
    assert depths == [1.0] * 1_000


def test_promtool_accepts_the_page(busy: Tenant) -> None:
    tool = shutil.which("promtool")
    if tool is None:
        assert not os.environ.get("CI"), "promtool is missing"
        pytest.skip("promtool is not installed")
    everything = busy.ask_anonymously("GET", "/metrics").raw
    for page in (everything, text(busy).encode()):
        checked = subprocess.run([tool, "check", "metrics"], input=page, capture_output=True, check=False)
        lint = checked.stderr.decode() + checked.stdout.decode()
        # Exit code 3 is lint alone; what Django's own client library measures is not ours to rename.
        assert checked.returncode in (0, 3), lint
        assert not [line for line in lint.splitlines() if line.startswith("ironforge_")], lint


def test_a_program_on_this_machine_sees_every_namespace_and_the_process(busy: Tenant, other: Tenant) -> None:
    answer = busy.ask_anonymously("GET", "/metrics")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = parsed(answer.raw.decode())
    seen = {sample.labels["namespace"] for sample in families["ironforge_dlq_depth"].samples}
    assert {busy.name, other.name, "default"} <= seen
    assert "django_http_requests_total_by_method" in families
    assert value(families, "ironforge_store_used_bytes") > 0
    assert value(families, "ironforge_store_max_bytes") > 0
    assert "ironforge_store_used_bytes" not in text(busy), "the store is the installation's"


@pytest.mark.parametrize(("memory", "told"), [([(9, 0)], (9, 0)), ([(50, 100), (9, 10), (90, 0)], (9, 10))])
def test_of_several_primaries_the_fullest_is_told(memory: list[tuple[int, int]], told: tuple[int, int]) -> None:
    assert tuple(family.samples[0].value for family in store_families(memory)) == told


@pytest.mark.parametrize(
    ("peer", "headers"),
    [
        ("10.0.0.5", {}),
        ("127.0.0.1", {"X-Forwarded-For": "203.0.113.9"}),
        ("127.0.0.1", {"Origin": "https://evil.example"}),
        ("127.0.0.1", {"Sec-Fetch-Site": "cross-site"}),
    ],
)
def test_a_stranger_needs_a_key(tenant: Tenant, peer: str, headers: dict[str, str]) -> None:
    stranger = Request("GET", "/metrics", headers=headers, peer=(peer, 50_000))
    answer = tenant.lane.ask(stranger)
    assert (answer.status, answer.code) == (401, "unauthenticated")
    with_key = replace(stranger, headers={**headers, "Authorization": f"Bearer {tenant.key('jobs:read')}"})
    assert tenant.lane.ask(with_key).status == 200


def test_a_key_sees_its_own_namespace_only(busy: Tenant, other: Tenant) -> None:
    for scopes in (("jobs:read",), ("admin",)):
        families = parsed(busy.ask_as(busy.key(*scopes), "GET", "/metrics").raw.decode())
        for family in families.values():
            assert {sample.labels.get("namespace") for sample in family.samples} <= {busy.name}
    assert busy.ask_as(busy.key("jobs:write"), "GET", "/metrics").status == 403


def test_an_admin_key_of_the_default_namespace_sees_them_all(busy: Tenant) -> None:
    Namespace.objects.get_or_create(name="default")
    request = keys.KeyRequest(name="ops", scopes=("admin",))
    key = keys.mint(system_actor("test", "default"), request).text
    remote = Request("GET", "/metrics", headers={"Authorization": f"Bearer {key}"}, peer=("10.0.0.5", 1))
    families = parsed(busy.lane.ask(remote).raw.decode())
    assert value(families, "ironforge_dlq_depth", namespace=busy.name) == 1
    assert "django_http_requests_total_by_method" in families


def test_a_hundred_namespaces_have_a_label_and_the_others_share_one(tenant: Tenant, make_tenant: MakeTenant) -> None:
    Namespace.objects.bulk_create([Namespace(name=f"a{number:03}") for number in range(MAX_NAMESPACES + 20)])
    tenant.job_in(Status.DEAD_LETTER)
    make_tenant().job_in(Status.DEAD_LETTER)
    families = parsed(tenant.ask_anonymously("GET", "/metrics").raw.decode())
    names = {sample.labels["namespace"] for sample in families["ironforge_dlq_depth"].samples}
    assert len(names) == MAX_NAMESPACES + 1
    assert value(families, "ironforge_dlq_depth", namespace="other") == 2
    assert value(families, "ironforge_queue_depth", namespace="other", queue="main") == 0
