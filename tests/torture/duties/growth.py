"""What a step does that adds steps: it asks the API of TORTURE_API with a key of TORTURE_KEYS, and writes it down."""

from __future__ import annotations

import http.client
import json
import os
from pathlib import Path
from typing import Any, Protocol

from tests.journeys.api import Api
from tests.torture.ledger import Ledger

PATIENCE_S, TRIES = 3.0, 3
_grown = Ledger(Path(os.environ.get("TORTURE_GROWN", os.devnull)))


class Holder(Protocol):
    """The context of a handler, of either kind of worker."""

    @property
    def job_id(self) -> str: ...
    @property
    def lease_token(self) -> str: ...
    @property
    def workflow_id(self) -> str | None: ...


def grow(holder: Holder, namespace: str, payload: dict[str, Any]) -> bool:
    """Add the steps of the payload, again where no answer comes; tell whether they were."""
    key = json.loads(Path(os.environ["TORTURE_KEYS"]).read_text(encoding="utf-8"))[namespace]["client"]
    body = {"job_id": holder.job_id, "lease_token": holder.lease_token, "steps": payload["steps"]}
    facts = {"cid": payload["cid"], "job": holder.job_id, "workflow": holder.workflow_id}
    if not payload["steps"]:
        return True
    for _ in range(TRIES):
        _grown.write("ask", **facts)
        path, asked = f"/workflows/{holder.workflow_id}/steps", {"authorization": f"Bearer {key}"}
        try:
            answer = Api(int(os.environ["TORTURE_API"])).ask("POST", path, body, timeout_s=PATIENCE_S, **asked)
        except (OSError, http.client.HTTPException, ValueError):
            continue
        _grown.write("answer", **facts, http=answer.status, code=answer.body.get("code"))
        if answer.status < 500:
            return answer.status == 200
    return False
