"""What the documents say about the routes of workers."""

from __future__ import annotations

from jobs.api.documented import BODY, ON_THING, Answer, Documented, Parameter
from jobs.api.worker_shapes import OrderShape, WorkerListShape


def _order(name: str, title: str, more: str) -> Documented:
    return Documented(
        name,
        title,
        (Answer(202, "It hears of it with its next heartbeat.", OrderShape),),
        more,
        refusals=(*BODY, *ON_THING),
        request="Reason",
        request_example={"reason": "The machine is to be restarted."},
    )


WORKER_ROUTES: dict[tuple[str, str], Documented] = {
    ("workers", "GET"): Documented(
        "listWorkers",
        "List the workers",
        (Answer(200, "Workers seen in the last 30 s, by id.", WorkerListShape),),
        parameters=(
            Parameter("limit", "Workers a page.", {"type": "integer", "minimum": 1, "maximum": 200, "default": 200}),
            Parameter("cursor", "`page.next` of an earlier answer.", {"type": "string"}),
        ),
    ),
    ("worker-quiet", "POST"): _order("quietWorker", "Have a worker take nothing new", "What runs goes on."),
    ("worker-resume", "POST"): _order("resumeWorker", "Have a worker take jobs again", ""),
    ("worker-terminate", "POST"): _order(
        "terminateWorker",
        "Have a worker stop in good order",
        "As SIGTERM: it drains for its grace period and gives the rest back. What supervises it may start another.",
    ),
}
