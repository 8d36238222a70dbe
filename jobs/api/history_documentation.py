"""What the documents say about the history."""

from __future__ import annotations

from jobs.api.documented import Answer, Documented, Parameter
from jobs.api.history_shapes import HistoryShape
from jobs.domain.history_range import Range

HISTORY_ROUTES: dict[tuple[str, str], Documented] = {
    ("history", "GET"): Documented(
        "getHistory",
        "Look at the last hours or days",
        (Answer(200, "Points of equal length, their total, and that of the stretch before.", HistoryShape),),
        "Throughput, failures, and percentiles of waits and runs, of all of the namespace, of one queue or of one "
        "kind. Minutes are kept for 72 hours, hours for 90 days; a range is told in at most 360 points. They are "
        "written down once a minute.",
        parameters=(
            Parameter(
                "range",
                "How far back from now.",
                {"type": "string", "enum": [each.value for each in Range], "default": Range.DAY.value},
            ),
            Parameter(
                "queue",
                "Only this queue: what came in, went out and stood there, and its attempts.",
                {"type": "string"},
            ),
            Parameter("kind", "Only attempts of this kind. Not together with `queue`.", {"type": "string"}),
        ),
    ),
}
