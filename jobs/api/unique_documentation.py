"""What the documents say about the routes of unique keys."""

from __future__ import annotations

from jobs.api.documented import BODY, ON_THING, Answer, Documented, Parameter
from jobs.api.unique_shapes import LockListShape, LockShape
from jobs.services.unique_locks import DEFAULT_LIMIT, MAX_CURSOR, MAX_LIMIT

UNIQUE_ROUTES: dict[tuple[str, str], Documented] = {
    ("unique-locks", "GET"): Documented(
        "listUniqueLocks",
        "List the unique keys that are held",
        (Answer(200, "A page, those taken last first.", LockListShape),),
        parameters=(
            Parameter(
                "limit",
                "How many.",
                {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
            ),
            Parameter("cursor", "`page.next` of the page before.", {"type": "string", "maxLength": MAX_CURSOR}),
        ),
    ),
    ("unique-release", "POST"): Documented(
        "releaseUniqueLock",
        "Take a unique key from its holder",
        (Answer(200, "The lock as it was.", LockShape),),
        "The job goes on without the key, and another may take it at once.",
        refusals=(*BODY, *ON_THING),
        request="UniqueRelease",
        request_example={"key": "report:2026-01", "reason": "The report is wanted now."},
        is_body_required=True,
    ),
}
