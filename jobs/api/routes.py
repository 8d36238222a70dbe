"""The one table of the API: address, view, and the action that each method needs (`SCOPE_OF` says which scope that is).

`make_urls` and the tests of access are made from it; a method without an action is refused by the view.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.urls import URLPattern, path

from jobs.access.scopes import Action
from jobs.api.bulk import BulkSubmissionView
from jobs.api.documents import DocsView, OpenApiView
from jobs.api.health import HealthView, LiveView, ReadyView
from jobs.api.jobs import JobCancelView, JobRetryView, JobsView, JobView
from jobs.api.metrics import MetricsView
from jobs.api.operations import BulkOperationsView, BulkOperationView
from jobs.api.queues import QueuePauseView, QueuePurgeView, QueueResumeView, QueueStatsView, QueuesView
from jobs.api.view import ApiView
from jobs.api.workers import WorkersView


@dataclass(frozen=True, slots=True)
class Route:
    """One address. Public views have no actions and judge their callers themselves."""

    path: str
    view: type[ApiView]
    name: str
    actions: Mapping[str, Action] = field(default_factory=dict)

    def url(self) -> URLPattern:
        """Return the route as Django wants it."""
        return path(self.path, self.view.as_view(actions=self.actions, route_name=self.name), name=f"api-{self.name}")


ROUTES = (
    Route("jobs", JobsView, "jobs", {"POST": Action.JOB_SUBMIT, "GET": Action.JOB_READ}),
    Route("jobs/bulk", BulkSubmissionView, "jobs-bulk", {"POST": Action.JOB_SUBMIT}),
    Route("jobs/<str:job_id>", JobView, "job", {"GET": Action.JOB_READ, "DELETE": Action.JOB_CANCEL}),
    Route("jobs/<str:job_id>/cancel", JobCancelView, "job-cancel", {"POST": Action.JOB_CANCEL}),
    Route("jobs/<str:job_id>/retry", JobRetryView, "job-retry", {"POST": Action.JOB_RETRY}),
    Route("queues", QueuesView, "queues", {"GET": Action.QUEUE_READ}),
    Route("queues/stats", QueueStatsView, "queue-stats", {"GET": Action.QUEUE_READ}),
    Route("queues/<str:name>/pause", QueuePauseView, "queue-pause", {"POST": Action.QUEUE_PAUSE}),
    Route("queues/<str:name>/resume", QueueResumeView, "queue-resume", {"POST": Action.QUEUE_RESUME}),
    Route("queues/<str:name>/purge", QueuePurgeView, "queue-purge", {"POST": Action.QUEUE_PURGE}),
    Route("workers", WorkersView, "workers", {"GET": Action.WORKER_READ}),
    Route("bulk-operations", BulkOperationsView, "bulk-operations", {"POST": Action.BULK_OPERATE}),
    Route("bulk-operations/<str:operation_id>", BulkOperationView, "bulk-operation", {"GET": Action.BULK_OPERATE}),
    Route("health", HealthView, "health"),
    Route("health/live", LiveView, "health-live"),
    Route("health/ready", ReadyView, "health-ready"),
    Route("metrics", MetricsView, "metrics"),
    Route("openapi.json", OpenApiView, "openapi"),
    Route("docs", DocsView, "docs"),
)
