"""`/api-keys`: made, listed and revoked, shown once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from jobs.access.models import ApiKey, Namespace
from tests.api.tenant import Tenant


def test_keys_are_made_listed_and_revoked_and_shown_once(tenant: Tenant) -> None:
    made = tenant.ask("POST", "/api-keys", {"name": "ci", "scopes": ["jobs:read"], "expires_days": 1})
    assert made.status == 201
    text, prefix = made.body["key"], made.body["prefix"]
    assert tenant.ask_as(text, "GET", "/jobs").status == 200
    listed = tenant.ask("GET", "/api-keys")
    row = next(key for key in listed.body["data"] if key["prefix"] == prefix)
    assert (row["status"], row["namespace"], "key" in row) == ("active", tenant.name, False)
    assert row["last_used_at"]
    gone = tenant.ask("DELETE", f"/api-keys/{prefix}", {"reason": "left in a log"})
    assert (gone.status, gone.body["status"]) == (200, "revoked")
    assert tenant.ask_as(text, "GET", "/jobs").status == 401
    assert tenant.ask("DELETE", "/api-keys/a%00b").status == tenant.ask("DELETE", "/api-keys/x").status == 404
    assert tenant.ask("GET", "/namespaces?cursor=%00").problems == [("?cursor", "invalid_name")]
    kept = ApiKey.objects.get(prefix=prefix).secret_hash
    for target in ("/api-keys", "/audit", f"/namespaces/{tenant.name}"):
        raw = tenant.ask("GET", target).raw.decode()
        assert text not in raw
        assert text.rpartition("_")[2] not in raw
        assert kept not in raw


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"name": "x"}, "required"),
        ({"name": "x", "scopes": []}, "out_of_range"),
        ({"name": "x", "scopes": ["everything"]}, "unknown_scope"),
        ({"name": "x", "scopes": ["payload:reveal"]}, "unknown_scope"),
        ({"name": "x", "scopes": ["jobs:read"], "expires_days": 0}, "out_of_range"),
        ({"name": "x", "scopes": ["jobs:read"], "namespace": "default"}, "unknown_field"),
    ],
)
def test_what_is_no_key_is_refused(tenant: Tenant, body: object, code: str) -> None:
    answer = tenant.ask("POST", "/api-keys", body)
    assert (answer.status, answer.body["errors"][0]["code"]) == (422, code)


def test_of_revoked_keys_the_last_are_listed(tenant: Tenant) -> None:
    place, now = Namespace.objects.get(name=tenant.name), timezone.now()
    ApiKey.objects.bulk_create(
        ApiKey(name="old", namespace=place, prefix=f"p{day}", secret_hash="x", revoked_at=now - timedelta(days=day))
        for day in range(150)
    )
    found = tenant.ask("GET", "/api-keys").body["data"]
    assert [key["status"] for key in found].count("active") == 1
    assert {key["prefix"] for key in found if key["status"] == "revoked"} == {f"p{number}" for number in range(100)}
