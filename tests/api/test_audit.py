"""What `GET /audit` answers can be verified by whoever read docs/security.md and nothing else."""

from __future__ import annotations

import hashlib
import json

from tests.api.tenant import Tenant

CHAINED = (
    "namespace position previous_hash at actor actor_kind action target_kind target_id reason request_id before after"
)


def test_the_chain_can_be_verified_from_outside(tenant: Tenant) -> None:
    for number in range(3):
        tenant.ask("POST", f"/queues/q{number}/pause", {"reason": "Störung"})
        tenant.ask("POST", f"/queues/q{number}/resume", {"reason": ""})
    entries = tenant.ask("GET", "/audit").body["data"][::-1]
    previous = ""
    for position, entry in enumerate(entries, 1):
        content = ["ironforge-audit-1", *(entry[name] for name in CHAINED.split())]
        text = json.dumps(content, separators=(",", ":"), sort_keys=True, ensure_ascii=True)
        assert (entry["position"], entry["previous_hash"]) == (position, previous)
        assert entry["hash"] == hashlib.sha256(text.encode()).hexdigest()
        previous = entry["hash"]
    assert len(entries) >= 6
