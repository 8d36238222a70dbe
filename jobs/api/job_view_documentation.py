"""What the documents say about saved views."""

from __future__ import annotations

from typing import Any

from jobs.api.documented import BODY, ON_THING, REFUSED, Answer, Documented
from jobs.api.job_view_shapes import ViewListShape, ViewShape
from jobs.domain.job_view import MAX_QUERY, MAX_VIEWS, PARAMETERS

VIEW_SCHEMAS: dict[str, Any] = {
    "SavedView": {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "query": {
                "type": "string",
                "maxLength": MAX_QUERY,
                "description": f"Parameters of the console's list: {', '.join(PARAMETERS)}.",
            },
            "shared": {"type": "boolean", "default": False, "description": "Seen by all of the namespace."},
        },
    }
}
VIEW_ROUTES: dict[tuple[str, str], Documented] = {
    ("views", "GET"): Documented(
        "listViews", "List saved views", (Answer(200, "One's own and the shared ones, by name.", ViewListShape),)
    ),
    ("view", "PUT"): Documented(
        "keepView",
        "Keep a view of the list of jobs",
        (Answer(200, "It is kept in place of the one before.", ViewShape), Answer(201, "It is kept.", ViewShape)),
        f"At most {MAX_VIEWS} of one person or key. To share one takes `queues:operate` as well.",
        refusals=(*BODY, *REFUSED, 409),
        request="SavedView",
        request_example={"query": "status=dead_letter&kind=email.send", "shared": True},
        is_body_required=True,
    ),
    ("view", "DELETE"): Documented(
        "removeView", "Remove a view of one's own", (Answer(204, "It is gone.", None),), refusals=ON_THING
    ),
}
