"""FastAPI with an endpoint that sends a Dramatiq message; served by uvicorn."""

from typing import Any, Literal

from fastapi import FastAPI
from pydantic import BaseModel

from dramatiq_jobs import noop

application = FastAPI()


class Job(BaseModel):
    """The outline's example."""

    kind: str
    payload: dict[str, Any]
    priority: Literal["critical", "high", "medium", "low"] = "medium"
    max_retries: int = 3


@application.post("/jobs", status_code=202)
def submit(job: Job):
    """Send a message. A plain function, since Dramatiq's client blocks: FastAPI runs it in a thread."""
    return {"id": noop.send(job.payload).message_id, "status": "queued"}
