"""The schemas of what is sent to the routes of workflows."""

from __future__ import annotations

from jobs.api.request_schemas import REQUEST_SCHEMAS, Schema
from jobs.domain import naming
from jobs.domain.target import MAX_URL
from jobs.domain.workflow import MAX_ADDED, MAX_STEPS, OnParentFailure

_JOB: Schema = REQUEST_SCHEMAS["NewJob"]["properties"]
_NAME: Schema = {"type": "string", "pattern": f"^{naming.KIND.pattern}$"}
_NAMES: Schema = {"type": "array", "items": _NAME, "default": []}
_POLICY: Schema = {
    "type": "string",
    "enum": [str(policy) for policy in OnParentFailure],
    "description": "What a step does when a parent became a dead letter or was cancelled.",
}


def _object(properties: Schema, required: tuple[str, ...]) -> Schema:
    return {"type": "object", "additionalProperties": False, "properties": properties, "required": list(required)}


def _steps(most: int, more: Schema) -> Schema:
    step = _object({"name": _NAME, "after": _NAMES, "on_parent_failure": _POLICY, **more, **_JOB}, ("name", "kind"))
    return {"type": "array", "minItems": 1, "maxItems": most, "items": step}


WORKFLOW_SCHEMAS: dict[str, Schema] = {
    "NewWorkflow": _object(
        {
            "name": _NAME,
            "steps": _steps(MAX_STEPS, {}),
            "on_parent_failure": _POLICY | {"default": OnParentFailure.CANCEL.value},
            "callback": REQUEST_SCHEMAS["NewJob"]
            | {"description": "A job that is submitted at each end, with the outcome around its payload."},
            "webhook": {"type": ["string", "null"], "format": "uri", "maxLength": MAX_URL},
        },
        ("name", "steps"),
    ),
    "AddedSteps": _object(
        {
            "job_id": {"type": "string", "description": "The step that adds them."},
            "lease_token": {"type": "string"},
            "steps": _steps(MAX_ADDED, {"before": _NAMES}),
        },
        ("job_id", "lease_token", "steps"),
    ),
}
