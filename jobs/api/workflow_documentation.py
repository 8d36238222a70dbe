"""What the documents say about the routes of workflows."""

from __future__ import annotations

from jobs.api.documented import BODY, ON_THING, REFUSED, Answer, Documented, Parameter
from jobs.api.submission_headers import TRACE_HEADERS, submission_headers
from jobs.api.workflow_shapes import WorkflowListShape, WorkflowShape
from jobs.domain.workflow import WorkflowStatus

_ORDER = {
    "name": "order",
    "steps": [
        {"name": "charge", "kind": "card.charge", "payload": {"order": 7}},
        {"name": "pack", "kind": "parcel.pack", "after": ["charge"]},
        {"name": "mail", "kind": "email.send", "after": ["charge"], "on_parent_failure": "continue"},
        {"name": "close", "kind": "order.close", "after": ["pack", "mail"]},
    ],
}
_FILTERS = (
    Parameter("status", "Only these.", {"type": "string", "enum": [str(status) for status in WorkflowStatus]}),
    Parameter("limit", "How many.", {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}),
    Parameter("cursor", "Where to go on.", {"type": "string", "maxLength": 64}),
)

WORKFLOW_ROUTES: dict[tuple[str, str], Documented] = {
    ("workflows", "GET"): Documented(
        "listWorkflows",
        "List workflows",
        (Answer(200, "The newest start first.", WorkflowListShape),),
        "With `status` the newest 2 000 are looked at; `page.next` goes on.",
        refusals=REFUSED,
        parameters=_FILTERS,
    ),
    ("workflows", "POST"): Documented(
        "submitWorkflow",
        "Submit a workflow",
        (
            Answer(
                202,
                "All of it is stored, and its first steps are ready.",
                WorkflowShape,
                headers={"Location": "Its address."},
            ),
            Answer(200, "The key submitted it before.", WorkflowShape),
        ),
        "Steps are jobs; a step starts when all that its `after` names have completed, and gets their results. Cycles, "
        "unknown and repeated names and more than 10 000 steps are 422, and nothing is stored.",
        refusals=(*BODY, *REFUSED, 429),
        parameters=submission_headers("workflow"),
        request="NewWorkflow",
        request_example=_ORDER,
        is_body_required=True,
    ),
    ("workflow", "GET"): Documented(
        "getWorkflow", "Look at a workflow", (Answer(200, "It and its steps.", WorkflowShape),), refusals=ON_THING
    ),
    ("workflow-cancel", "POST"): Documented(
        "cancelWorkflow",
        "Cancel the rest of a workflow",
        (Answer(200, "What has not ended is cancelled; what runs is asked to stop.", WorkflowShape),),
        refusals=(*BODY, *ON_THING, 409),
        request="Reason",
        request_example={"reason": "ordered by mistake"},
    ),
    ("workflow-retry", "POST"): Documented(
        "retryWorkflow",
        "Run again what failed",
        (Answer(200, "It runs on.", WorkflowShape),),
        "Dead letters are re-injected, and steps that were cancelled get other jobs. What completed stays.",
        refusals=(*BODY, *ON_THING, 409),
        request="Reason",
        request_example={},
    ),
    ("workflow-steps", "POST"): Documented(
        "addSteps",
        "Add steps to a workflow that runs",
        (Answer(200, "They are there; a name that was there already is left as it is.", WorkflowShape),),
        "For who holds the lease of one of its steps. `before` names steps that still wait: they wait for these, too.",
        refusals=(*BODY, *ON_THING, 409, 429),
        parameters=TRACE_HEADERS,
        request="AddedSteps",
        request_example={
            "job_id": "019a9c4e-7c1f-7d3a-9b1e-5f0c2a7d4e00",
            "lease_token": "5f0c2a7d4e00",
            "steps": [{"name": "part-1", "kind": "page.render", "before": ["join"]}],
        },
        is_body_required=True,
    ),
}
