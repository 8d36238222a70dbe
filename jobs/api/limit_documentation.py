"""What the documents say about the routes of limits."""

from __future__ import annotations

from jobs.api.documented import BODY, ON_THING, REFUSED, Answer, Documented
from jobs.api.limit_shapes import LimitListShape, LimitShape

LIMIT_ROUTES: dict[tuple[str, str], Documented] = {
    ("limits", "GET"): Documented(
        "listLimits", "List the limits of kinds", (Answer(200, "All, by kind.", LimitListShape),)
    ),
    ("limit", "GET"): Documented(
        "getLimit",
        "Look what limits a kind",
        (Answer(200, "Its limits and how full they are.", LimitShape),),
        refusals=ON_THING,
    ),
    ("limit", "PUT"): Documented(
        "setLimit",
        "Limit how many jobs of a kind run at once and start in a time",
        (
            Answer(201, "Set.", LimitShape),
            Answer(200, "The kind had limits and has these now.", LimitShape),
        ),
        "The limits count over all workers of the namespace and stand against what handlers ask for. What is left out "
        "is not limited.",
        refusals=(*BODY, *REFUSED),
        request="Limit",
        request_example={"concurrency": 10, "rate": {"starts": 100, "period_ms": 60000, "burst": 10}},
        is_body_required=True,
    ),
    ("limit", "DELETE"): Documented(
        "dropLimit",
        "End the limits of a kind",
        (Answer(204, "Nothing limits it any more.", None),),
        "What a handler asks for comes back when a worker with it starts.",
        refusals=(*BODY, *ON_THING),
        request="Reason",
        request_example={"reason": "The service copes again."},
    ),
}
