"""What the documents say about the routes of limits."""

from __future__ import annotations

from jobs.api.documented import BODY, ON_THING, REFUSED, Answer, Documented, Parameter
from jobs.api.limit_shapes import LimitListShape, LimitShape
from jobs.domain.limit_key import MAX_LIMIT_KEY

_KEY = Parameter(
    "key", "How full the limit of this key is.", {"type": "string", "minLength": 1, "maxLength": MAX_LIMIT_KEY}
)


def _on(
    route: str,
    name: str,
    what: str,
    more: str = "",
    *,
    request: str = "Limit",
    more_example: dict[str, object] | None = None,
    parameters: tuple[Parameter, ...] = (),
) -> dict[tuple[str, str], Documented]:
    example: dict[str, object] = {"concurrency": 10, "rate": {"starts": 100, "period_ms": 60000, "burst": 10}}
    return {
        (route, "GET"): Documented(
            f"get{name}",
            f"Look what limits {what}",
            (Answer(200, "Its limits and how full they are.", LimitShape),),
            refusals=ON_THING,
            parameters=parameters,
        ),
        (route, "PUT"): Documented(
            f"set{name}",
            f"Limit how many jobs of {what} run at once and start in a time",
            (
                Answer(201, "Set.", LimitShape),
                Answer(200, "It had limits and has these now.", LimitShape),
            ),
            "The limits count over all workers of the namespace and stand against what handlers ask for. What is left "
            f"out is not limited.{more}",
            refusals=(*BODY, *REFUSED),
            request=request,
            request_example=example | (more_example or {}),
            is_body_required=True,
        ),
        (route, "DELETE"): _end(name, what),
    }


def _end(name: str, what: str) -> Documented:
    return Documented(
        f"drop{name}",
        f"End the limits of {what}",
        (Answer(204, "Nothing limits it any more.", None),),
        "What a handler asks for comes back when a worker with it starts.",
        refusals=(*BODY, *ON_THING),
        request="Reason",
        request_example={"reason": "The service copes again."},
    )


LIMIT_ROUTES: dict[tuple[str, str], Documented] = {
    ("limits", "GET"): Documented(
        "listLimits",
        "List the limits of kinds, queues and keys",
        (Answer(200, "All, by what they limit and by name.", LimitListShape),),
    ),
    **_on(
        "limit",
        "Limit",
        "a kind",
        " A `circuit` gives a kind that fails a rest, and a `retry_budget` bounds its retries.",
        request="KindLimit",
        more_example={"circuit": {"percent": 50, "cool_down_ms": 30000}, "retry_budget": {"percent": 20}},
    ),
    ("circuit", "PUT"): Documented(
        "turnCircuit",
        "Open or close the circuit of a kind by hand",
        (Answer(200, "The limits of the kind.", LimitShape),),
        "Open, it stays so until it is closed by hand: no job of the kind starts. Closed, jobs start at once.",
        refusals=(*BODY, *REFUSED, *ON_THING),
        request="Circuit",
        request_example={"state": "open", "reason": "The relay moves tonight."},
        is_body_required=True,
    ),
    **_on("queue-limit", "QueueLimit", "a queue"),
    **_on(
        "key-limit",
        "KeyLimit",
        "each key of a kind",
        " A job has the key `limit_key` that it was given, else what its payload has at `path` when it is submitted. A "
        "job without a key is not limited.",
        request="KeyLimit",
        more_example={"path": "payload.account_id"},
        parameters=(_KEY,),
    ),
}
