"""`GET /system`: what a key of the installation is told."""

from __future__ import annotations

from jobs import __version__
from tests.api.lane import each_lane
from tests.api.tenant import Tenant
from tests.api.test_namespaces import as_root

pytestmark = each_lane


def test_the_installation_is_told_without_its_secrets(tenant: Tenant) -> None:
    body = as_root(tenant, "GET", "/system").body
    assert (body["versions"]["IronForge"], body["health"]["status"] != "unavailable") == (__version__, True)
    assert "scripts" in {finding["id"] for finding in body["findings"]}
    levels = [finding["level"] for finding in body["findings"]]
    assert levels == sorted(levels, key=("refuse", "warn", "ok").index)
    settings = {setting["name"]: setting for setting in body["settings"]}
    assert settings["IRONFORGE_SECRET_KEY"]["value"] is None
    assert settings["IRONFORGE_PORT"]["default"] == "3000"
    assert tenant.ask("GET", "/system").status == 403
