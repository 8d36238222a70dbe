"""What the documents say about explanations."""

from __future__ import annotations

from jobs.api.documented import ON_THING, Answer, Documented
from jobs.api.explain_shapes import ExplanationShape

EXPLAIN_ROUTES: dict[tuple[str, str], Documented] = {
    ("job-explain", "GET"): Documented(
        "explainJob",
        "Say why a job is not running",
        (Answer(200, "What keeps it, by what the store's claim would make of it now.", ExplanationShape),),
        refusals=ON_THING,
    ),
}
