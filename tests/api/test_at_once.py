"""The same request from several clients at once: one does it, the others are told, and each entry is of an act."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from jobs.access.models import AuditEntry
from tests.api.lane import Answer
from tests.api.tenant import ALL_SCOPES, Tenant

_WATCHED = {"metric": "workers", "threshold": 1}
_ROUNDS, _CLIENTS = 4, 4


def test_what_several_make_and_remove_at_once_is_made_and_removed_once(tenant: Tenant) -> None:
    key = tenant.key(*ALL_SCOPES, "installation")
    acts = (
        ("/alerts/a", _WATCHED, "alert.remove"),
        ("/schedules/a", {"kind": "k", "every_ms": 60_000}, "schedule.delete"),
        (f"/namespaces/{tenant.name}/members/p-{tenant.name}", {"role": "viewer"}, "member.remove"),
    )
    with ThreadPoolExecutor(_CLIENTS) as clients:

        def ask(method: str, target: str, body: object) -> Counter[int]:
            answers = list(clients.map(lambda _: tenant.ask_as(key, method, target, body), range(_CLIENTS)))
            return Counter(map(_told, answers))

        for target, body, _ in acts * _ROUNDS:
            made = ask("PUT", target, body)
            assert made[201] == 1, made
            assert made.keys() <= {200, 201, 409}, made
            assert ask("DELETE", target, b"") == {204: 1, 404: _CLIENTS - 1}
    entries = Counter(AuditEntry.objects.filter(namespace=tenant.name).values_list("action", flat=True))
    assert {entries[action] for _, _, action in acts} == {_ROUNDS}


def _told(answer: Answer) -> int:
    return answer.status
