"""A tenant whose keys in the store are damaged: others are written down, watched, measured and deleted all the same."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.utils import timezone

from jobs.access.alert import Alert
from jobs.access.history import HistoryReading
from jobs.access.models import Namespace
from jobs.services import alert_watch, history_recording, metrics, namespace_deletion
from tests.api.tenant import Tenant
from tests.api.test_alerts import set_alert


@pytest.fixture
def damaged(tenant: Tenant, other: Tenant) -> tuple[Tenant, Tenant]:
    """Return a tenant that nobody can read, and one behind it in all orders."""
    broken, sound = sorted((tenant, other), key=lambda each: each.name)
    for each in (broken, sound):
        each.submit()
        set_alert(each, metric="dead_letters", threshold=0)
    for part in ("queues", "totals"):
        key = broken.bench.keys.named(part)
        broken.bench.client.delete(key)
        broken.bench.client.set(key, "no hash")
    broken.bench.is_checked = sound.bench.is_checked = False
    return broken, sound


def test_what_is_damaged_in_one_namespace_is_told_and_keeps_nothing_from_the_others(
    damaged: tuple[Tenant, Tenant], caplog: pytest.LogCaptureFixture
) -> None:
    broken, sound = damaged
    assert history_recording.record_minute(lambda: time.time() + 60)
    written = HistoryReading.objects.filter(namespace__in=(broken.name, sound.name))
    assert list(written.values_list("namespace", flat=True)) == [sound.name]
    alert_watch.look()
    values = dict(Alert.objects.values_list("namespace", "value"))
    assert values == {broken.name: None, sound.name: 0}
    text = metrics.metrics_text(None).decode()
    assert f'namespace="{sound.name}"' in text
    Namespace.objects.filter(name=broken.name).update(deleting_since=timezone.now() - timedelta(minutes=9))
    Namespace.objects.filter(name=sound.name).update(deleting_since=timezone.now() - timedelta(seconds=9))
    while namespace_deletion.work_on_next():
        pass
    ended = dict(Namespace.objects.filter(deleting_since__isnull=False).values_list("name", "deleted_at"))
    assert ended[broken.name] is None
    assert ended[sound.name] is not None
    told = {record.msg for record in caplog.records}
    assert {"history.unread", "alert.unread", "metrics.unread", "namespace.undeleted"} <= told
