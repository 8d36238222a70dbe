"""The store's own settings, as its health tells them: read now and then, and never a reason to fail."""

from __future__ import annotations

from jobs.backends.redis.connection import Client, connect
from jobs.backends.redis.health import SettingsReader


def test_settings_are_unreadable_while_no_node_of_a_cluster_answers_and_read_when_one_does(cluster_url: str) -> None:
    # Nobody listens on port 1.
    urls, now_s = ["redis+cluster://127.0.0.1:1", cluster_url], [0.0]

    def connected() -> Client:
        return connect(urls.pop(0), "test")

    reader = SettingsReader(connected, lambda: now_s[0])
    assert not reader.now().is_readable
    now_s[0] = 29.0
    assert not reader.now().is_readable
    now_s[0] = 31.0
    assert reader.now().appendfsync == "everysec"
