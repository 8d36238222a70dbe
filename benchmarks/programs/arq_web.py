"""FastAPI with an endpoint that enqueues with arq; served by uvicorn."""

from contextlib import asynccontextmanager
from typing import Any, Literal

from arq import create_pool
from fastapi import FastAPI
from pydantic import BaseModel

from arq_jobs import SETTINGS


@asynccontextmanager
async def lifespan(app):
    """Keep one pool of connections."""
    app.state.pool = await create_pool(SETTINGS)
    yield
    await app.state.pool.aclose()


application = FastAPI(lifespan=lifespan)


class Job(BaseModel):
    """The outline's example."""

    kind: str
    payload: dict[str, Any]
    priority: Literal["critical", "high", "medium", "low"] = "medium"
    max_retries: int = 3


@application.post("/jobs", status_code=202)
async def submit(job: Job):
    """Enqueue a job."""
    enqueued = await application.state.pool.enqueue_job("noop", job.payload)
    return {"id": enqueued.job_id, "status": "queued"}
