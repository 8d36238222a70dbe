"""The bulk operations of a run: each ends, and says of each job that it took what became of it."""

from __future__ import annotations

import http.client

from tests.journeys.api import Api
from tests.torture.cast import Cast
from tests.torture.work import NAMESPACES


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
