"""The text that Prometheus reads. Escaping, HELP and TYPE are the client library's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, REGISTRY, CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.values import MutexValue, ValueClass

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
# When a series was created is a gauge of its own for each; nobody reads it and it doubles the page.
_CREATED = "_created"


def exposition(families: Iterable[Metric], *, with_process: bool) -> bytes:
    """Return the families as text; `with_process` adds what this process measured of itself and of Django."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Given(list(families)))
    text = generate_latest(registry)
    return text + _process_text() if with_process else text


class _Given:
    """A collector of families that were made already."""

    def __init__(self, families: Sequence[Metric]) -> None:
        self._families = families

    def describe(self) -> list[Metric]:
        """Say nothing in advance."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Return the families."""
        yield from self._families


def _process_text() -> bytes:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Given(list(_without_created(_measured()))))
    return generate_latest(registry)


def _measured() -> Iterable[Metric]:
    """Return what this process measured, or where several serve one port, what all of them did."""
    if ValueClass is MutexValue:
        return REGISTRY.collect()
    collected: Iterable[Metric] = MultiProcessCollector(CollectorRegistry()).collect()  # type: ignore[no-untyped-call]
    return collected


def _without_created(families: Iterable[Metric]) -> Iterator[Metric]:
    for family in families:
        kept = Metric(family.name, family.documentation, family.type, family.unit)
        kept.samples = [sample for sample in family.samples if not sample.name.endswith(_CREATED)]
        yield kept
