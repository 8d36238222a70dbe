"""What the documents say about deploy marks."""

from __future__ import annotations

from typing import Any

from jobs.api.deploy_shapes import DeployListShape, DeployShape
from jobs.api.documented import BODY, ON_THING, REFUSED, Answer, Documented
from jobs.domain.deploy import MAX_DEPLOYS, MAX_LINK, MAX_NOTE, MAX_VERSION

DEPLOY_SCHEMAS: dict[str, Any] = {
    "Deploy": {
        "type": "object",
        "additionalProperties": False,
        "required": ["version"],
        "properties": {
            "version": {"type": "string", "minLength": 1, "maxLength": MAX_VERSION},
            "at": {"type": "string", "format": "date-time", "description": "When it came; now, unless it is said."},
            "note": {"type": "string", "maxLength": MAX_NOTE},
            "link": {"type": "string", "maxLength": MAX_LINK, "description": "Of the release: http or https."},
        },
    }
}
DEPLOY_ROUTES: dict[tuple[str, str], Documented] = {
    ("deploys", "GET"): Documented(
        "listDeploys",
        "List deploy marks",
        (Answer(200, "The marks, newest first.", DeployListShape),),
        f"Charts show them. The newest {MAX_DEPLOYS} of a namespace are kept.",
    ),
    ("deploys", "POST"): Documented(
        "markDeploy",
        "Mark a deployment",
        (Answer(201, "The mark.", DeployShape),),
        "A worker whose `app_version` was not seen before makes a mark too, within two minutes, unless there is one "
        "for that version in the hour before.",
        refusals=(*REFUSED, *BODY),
        request="Deploy",
        request_example={"version": "2026.11.3", "link": "https://ci.example/builds/712"},
        is_body_required=True,
    ),
    ("deploy", "DELETE"): Documented(
        "removeDeploy",
        "Remove a deploy mark",
        (Answer(204, "It is gone.", None),),
        refusals=(*ON_THING, *BODY),
        request="Reason",
        request_example={"reason": "It was marked twice."},
    ),
}
