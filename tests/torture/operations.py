"""The bulk operations of a run: each ends, and says of each job that it took what became of it."""

from __future__ import annotations

import http.client
from dataclasses import dataclass
from typing import Any

from tests.journeys.api import Api
from tests.torture.cast import Cast
from tests.torture.plans import NAMESPACES

PAGE = 200


@dataclass(frozen=True)
class Operation:
    """One at the end: as the API shows it, and what became of each job."""

    ns: str
    shown: dict[str, Any]
    outcomes: list[dict[str, Any]]


def read(cast: Cast) -> list[Operation]:
    """Return the operations of both namespaces with all their outcomes."""
    api, found = Api(cast.http.port), []
    for ns in NAMESPACES:
        asked = {"authorization": f"Bearer {cast.keys[ns]}"}
        for shown in api.ask("GET", "/bulk-operations?limit=200", **asked).body["data"]:
            outcomes: list[dict[str, Any]] = []
            place: str | None = "0"
            while place is not None:
                path = f"/bulk-operations/{shown['id']}/outcomes?limit={PAGE}&cursor={place}"
                answer = api.ask("GET", path, **asked)
                outcomes += answer.body["data"]
                place = answer.body["page"]["next"]
            found.append(Operation(ns, shown, outcomes))
    return found


def have_ended(cast: Cast) -> bool:
    """Tell whether no operation is under way; fails where the sums of one that has ended are wrong."""
    api = Api(cast.http.port)
    for ns in NAMESPACES:
        try:
            answer = api.ask("GET", "/bulk-operations?limit=200", authorization=f"Bearer {cast.keys[ns]}")
        except (OSError, http.client.HTTPException, ValueError):
            return False
        if answer.status != 200 or any(it["status"] not in ("completed", "aborted") for it in answer.body["data"]):
            return False
        for it in answer.body["data"]:
            assert it["taken"] == it["total"] == it["done"] + it["skipped"] + it["failed"], it
    return True
