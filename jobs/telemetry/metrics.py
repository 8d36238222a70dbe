"""Metrics: from what the store counted to Prometheus families. Pure; a test compares the names with the documents."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric

from jobs.backends.overview import Overview
from jobs.domain.circuit import CircuitState
from jobs.domain.queue import QueueStats
from jobs.domain.status import Status

# Tenants come and go; a label must not grow without bound.
MAX_NAMESPACES = 100
OTHER = "other"

# Upper edges in seconds, as the store counts them; `inf` is the last.
BUCKETS = ("0.001", "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "30", "60", "300")
_INFINITY = "inf"

# Counters: name without `_total`, help, the total's name in the store, the label that follows its colon.
_COUNTERS: tuple[tuple[str, str, str, str | None], ...] = (
    ("ironforge_jobs_submitted", "Jobs accepted.", "submitted", "priority"),
    ("ironforge_jobs_completed", "Attempts that completed their job.", "completed", "kind"),
    ("ironforge_jobs_failed", "Attempts that failed or timed out.", "failed", "kind"),
    ("ironforge_jobs_dead", "Jobs that became dead letters.", "dead", "kind"),
    ("ironforge_jobs_retried", "Failed attempts that will be tried again.", "retried", "kind"),
    ("ironforge_retries_put_off", "Retries that waited longer because a budget was spent.", "put_off", "kind"),
    ("ironforge_circuit_opened", "Times that the circuit of a kind opened.", "circuit_opened", "kind"),
    ("ironforge_jobs_pruned", "Final jobs that retention removed.", "pruned", "status"),
    ("ironforge_jobs_cancelled", "Jobs cancelled or discarded.", "cancelled", None),
    ("ironforge_jobs_expired", "Jobs cancelled because they expired before a start.", "expired", None),
    ("ironforge_jobs_debounced", "Payloads that a newer submission replaced.", "debounced", None),
    (
        "ironforge_unique_conflicts",
        "Submissions refused because another job held their unique key.",
        "unique_conflicts",
        None,
    ),
    ("ironforge_jobs_purged", "Jobs deleted by purging a queue.", "purged", None),
    ("ironforge_jobs_reinjected", "Dead letters sent back to their queue.", "reinjected", None),
    ("ironforge_jobs_snoozed", "Attempts that put their job off.", "snoozed", None),
    ("ironforge_jobs_released", "Attempts given back unused.", "released", None),
    ("ironforge_lost_leases", "Leases that ran out: their worker died or hung.", "lost_leases", None),
    ("ironforge_repairs", "Jobs and index entries that did not fit together and were put right.", "repaired", None),
    ("ironforge_stale_settles", "Outcomes refused because the lease was lost.", "stale_settles", None),
)


_CIRCUIT_STATES = {CircuitState.CLOSED: 0.0, CircuitState.HALF_OPEN: 0.5, CircuitState.OPEN: 1.0}


@dataclass(frozen=True, slots=True)
class NamespaceReading:
    """What was read of one namespace."""

    namespace: str
    overview: Overview
    active_workers: int


def families(readings: Sequence[NamespaceReading]) -> list[Metric]:
    """Return the families of all namespaces; beyond 100 they are added up under the namespace `other`."""
    labelled = [
        (reading.namespace if number < MAX_NAMESPACES else OTHER, reading)
        for number, reading in enumerate(sorted(readings, key=lambda reading: reading.namespace))
    ]
    return [*_counters(labelled), *_gauges(labelled), *_histograms(labelled)]


def store_families(memory: Sequence[tuple[int, int]]) -> list[Metric]:
    """Return the store's memory; `memory` holds of each primary the bytes used and the limit, 0 for none.

    Of several the fullest is told: it is the one that refuses jobs.
    """
    used, limit = max(memory, key=lambda primary: (primary[0] / primary[1] if primary[1] else 0.0, primary[0]))
    return [
        GaugeMetricFamily("ironforge_store_used_bytes", "Memory that the store's fullest primary uses.", value=used),
        GaugeMetricFamily("ironforge_store_max_bytes", "The limit of that primary, 0 for none.", value=limit),
    ]


Labelled = Sequence[tuple[str, NamespaceReading]]
Values = dict[tuple[str, ...], float]


def _counters(labelled: Labelled) -> Iterator[Metric]:
    for name, text, total, label in _COUNTERS:
        family = CounterMetricFamily(name, text, labels=["namespace", *([label] if label else [])])
        values: Values = {}
        for namespace, reading in labelled:
            found = _split(reading.overview.totals, total) if label else {(): reading.overview.totals.get(total, 0.0)}
            for labels, value in found.items():
                _add(values, (namespace, *labels), value)
        for labels, value in sorted(values.items()):
            family.add_metric(labels, value)
        yield family


def _gauges(labelled: Labelled) -> Iterator[Metric]:
    yield _by_queue(labelled, "ironforge_queue_depth", "Ready jobs of a queue.", lambda q, _: q.total(Status.QUEUED))
    yield _by_queue(
        labelled, "ironforge_queue_running", "Running jobs of a queue.", lambda q, _: q.total(Status.RUNNING)
    )
    yield _by_queue(
        labelled, "ironforge_queue_paused", "Whether a queue is paused.", lambda q, _: q.pause is not None, max
    )
    yield _by_queue(
        labelled, "ironforge_queue_oldest_seconds", "Age of the job that has been ready longest.", _oldest_s, max
    )
    yield _circuits(labelled)
    jobs = GaugeMetricFamily("ironforge_jobs", "Jobs by status.", labels=["namespace", "status"])
    by_status: Values = {}
    by_namespace: dict[str, list[float]] = {}
    for namespace, reading in labelled:
        numbers = by_namespace.setdefault(namespace, [0.0, 0.0])
        for status in Status:
            number = sum(queue.total(status) for queue in reading.overview.queues)
            _add(by_status, (namespace, status.value), number)
            numbers[0] += number if status is Status.DEAD_LETTER else 0
        numbers[1] += reading.active_workers
    for status_labels, value in by_status.items():
        jobs.add_metric(status_labels, value)
    yield jobs
    depth = GaugeMetricFamily("ironforge_dlq_depth", "Dead letters.", labels=["namespace"])
    workers = GaugeMetricFamily("ironforge_active_workers", "Workers seen in the last 30 s.", labels=["namespace"])
    for namespace, (dead, alive) in by_namespace.items():
        depth.add_metric([namespace], dead)
        workers.add_metric([namespace], alive)
    yield depth
    yield workers


def _circuits(labelled: Labelled) -> Metric:
    text = "State of the circuit of a kind: 0 closed, 0.5 half open, 1 open."
    family = GaugeMetricFamily("ironforge_circuit_state", text, labels=["namespace", "kind"])
    values: Values = {}
    for namespace, reading in labelled:
        for kind, state in reading.overview.circuits.items():
            labels: tuple[str, ...] = (namespace, kind)
            values[labels] = max(values.get(labels, 0.0), _CIRCUIT_STATES[state])
    for labels, value in sorted(values.items()):
        family.add_metric(labels, value)
    return family


def _by_queue(
    labelled: Labelled,
    name: str,
    text: str,
    measure: Callable[[QueueStats, int], float],
    join: Callable[[float, float], float] = lambda a, b: a + b,
) -> Metric:
    family = GaugeMetricFamily(name, text, labels=["namespace", "queue"])
    values: Values = {}
    for namespace, reading in labelled:
        for queue in reading.overview.queues:
            value = float(measure(queue, reading.overview.server_time))
            labels: tuple[str, ...] = (namespace, queue.name)
            values[labels] = join(values[labels], value) if labels in values else value
    for labels, value in values.items():
        family.add_metric(labels, value)
    return family


def _oldest_s(queue: QueueStats, now_ms: int) -> float:
    return max(0, now_ms - queue.oldest_ready_at) / 1000 if queue.oldest_ready_at is not None else 0.0


def _histograms(labelled: Labelled) -> Iterator[Metric]:
    durations = HistogramMetricFamily(
        "ironforge_job_duration_seconds", "How long attempts ran.", labels=["namespace", "kind"]
    )
    waits = HistogramMetricFamily(
        "ironforge_job_wait_time_seconds", "How long ready jobs waited for a worker.", labels=["namespace"]
    )
    runs: Values = {}
    run_sums: Values = {}
    idle: Values = {}
    idle_sums: Values = {}
    for namespace, reading in labelled:
        totals = reading.overview.totals
        for (rest,), number in _split(totals, "dur_le").items():
            kind, _, bucket = rest.rpartition(":")
            _add(runs, (namespace, kind, bucket), number)
        for (kind,), seconds in _split(totals, "dur_sum").items():
            _add(run_sums, (namespace, kind), seconds)
        for (bucket,), number in _split(totals, "wait_le").items():
            _add(idle, (namespace, bucket), number)
        _add(idle_sums, (namespace,), totals.get("wait_sum", 0.0))
    for labels in sorted({key[:-1] for key in runs} | set(run_sums)):
        durations.add_metric(labels, buckets=_cumulative(runs, labels), sum_value=run_sums.get(labels, 0.0))
    for labels in sorted(idle_sums):
        waits.add_metric(labels, buckets=_cumulative(idle, labels), sum_value=idle_sums[labels])
    yield durations
    yield waits


def _cumulative(counts: Values, labels: tuple[str, ...]) -> list[tuple[str, float]]:
    """Return the buckets as Prometheus wants them: each holds all that is at most its edge."""
    reached = 0.0
    buckets = []
    for edge in (*BUCKETS, _INFINITY):
        reached += counts.get((*labels, edge), 0.0)
        buckets.append(("+Inf" if edge == _INFINITY else edge, reached))
    return buckets


def _split(totals: Mapping[str, float], name: str) -> Values:
    """Return the totals `name:<label>` by their label."""
    start = f"{name}:"
    return {(key[len(start) :],): value for key, value in totals.items() if key.startswith(start)}


def _add(values: Values, labels: Iterable[str], value: float) -> None:
    key = tuple(labels)
    values[key] = values.get(key, 0.0) + value
