"""What a stage leaves behind: jobs that nobody will run, and dead letters."""

from __future__ import annotations

from ironforge_client.client import Client, run
from ironforge_client.connection import Connection
from ironforge_client.exchange import JSON_TYPE, Act, Request, Retrying, encode, exchange


def tidy(client: Client, connection: Connection, queue: str, retrying: Retrying) -> None:
    """Cancel the jobs of a queue that have not ended, and discard its dead letters. Raises IronForgeError."""
    dead: list[str] = []
    for job in list(client.list(queue=queue)):
        if job.status == "dead_letter":
            dead.append(job.id)
        elif not job.is_final:
            client.cancel(job.id, "the conformance kit has ended")
    if dead:
        run(_discard(dead, retrying), connection)


def _discard(ids: list[str], retrying: Retrying) -> Act[None]:
    body = encode({"action": "discard", "ids": ids, "reason": "left by the conformance kit"})
    yield from exchange(Request("POST", "/bulk-operations", body=body, headers={"Content-Type": JSON_TYPE}), retrying)
