"""An export of a namespace, a stretch at a time, once for both clients."""

from __future__ import annotations

import json
from urllib.parse import quote

from ironforge_client.errors import UnreadableAnswer
from ironforge_client.exchange import Act, Answer, Request, Retrying, exchange
from ironforge_client.jobs import Job, read_job

# The server begins to answer at once, and then reads what it sends.
_HELD_S = 60.0


def export_page(
    namespace: str, before: str | None, page_size: int, retrying: Retrying
) -> Act[tuple[tuple[Job, ...], str | None]]:
    """Return up to `page_size` jobs, newest first, and after which the next ones come. Raises UnreadableAnswer.

    The last line of an answer says that it is whole; one without it was cut off.
    """
    if not namespace:
        raise ValueError("a name is not empty")
    query = (("limit", str(page_size)), *((("before", before),) if before is not None else ()))
    path = f"/namespaces/{quote(namespace, safe='')}/export"
    answer = yield from exchange(Request("GET", path, query, is_repeatable=True, held_s=_HELD_S), retrying)
    return _read(answer)


def _read(answer: Answer) -> tuple[tuple[Job, ...], str | None]:
    try:
        *jobs, end = [json.loads(line) for line in answer.body.split(b"\n") if line]
        return tuple(map(read_job, jobs)), end["end"]["next"]
    except (LookupError, TypeError, ValueError, RecursionError) as error:
        raise UnreadableAnswer("The export was cut off.", status=answer.status) from error
