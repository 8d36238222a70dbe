"""The one table of the API: address, view, and the action that each method needs (`SCOPE_OF` says which scope that is).

`make_urls` and the tests of access are made from it; a method without an action is refused by the view.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.urls import URLPattern, path

from jobs.access.scopes import Action
from jobs.api.alerts import AlertRotateView, AlertsView, AlertTestView, AlertView
from jobs.api.api_keys import ApiKeysView, ApiKeyView
from jobs.api.audit import AuditView
from jobs.api.bulk import BulkSubmissionView
from jobs.api.circuits import CircuitView
from jobs.api.deploys import DeploysView, DeployView
from jobs.api.documents import DocsView, OpenApiView
from jobs.api.endpoints import EndpointRotateView, EndpointsView, EndpointTestView, EndpointView
from jobs.api.error_groups import ErrorGroupsView, ErrorGroupView
from jobs.api.explain import JobExplainView
from jobs.api.export import NamespaceExportView
from jobs.api.health import HealthView, LiveView, ReadyView
from jobs.api.history import HistoryView
from jobs.api.job_export import JobsExportView
from jobs.api.job_log import JobLogView
from jobs.api.job_places import JobMoveView, JobReprioritiseView
from jobs.api.job_views import ViewsView, ViewView
from jobs.api.jobs import JobCancelView, JobRetryView, JobsView, JobView
from jobs.api.limits import KeyLimitView, LimitsView, LimitView, QueueLimitView
from jobs.api.metrics import MetricsView
from jobs.api.namespaces import MembersView, MemberView, NamespacesView, NamespaceView
from jobs.api.operations import (
    BulkAbortView,
    BulkOperationsView,
    BulkOperationView,
    BulkOutcomesView,
    BulkPauseView,
    BulkResumeView,
)
from jobs.api.queues import QueuePauseView, QueuePurgeView, QueueResumeView, QueueStatsView, QueuesView, QueueView
from jobs.api.scaling import QueueScalingView
from jobs.api.schedules import (
    ScheduleHistoryView,
    SchedulePauseView,
    SchedulePreviewView,
    ScheduleResumeView,
    ScheduleRunView,
    SchedulesView,
    ScheduleTrialView,
    ScheduleView,
)
from jobs.api.system import SystemView
from jobs.api.unique_locks import UniqueLocksView, UniqueReleaseView
from jobs.api.view import ApiView
from jobs.api.webhooks import DeliveriesView, DeliveryResendView, WebhookRotateView, WebhookView
from jobs.api.worker_protocol import HeartbeatView, LeasesView, RemoteWorkerView
from jobs.api.workers import WorkerQuietView, WorkerResumeView, WorkersView, WorkerTerminateView
from jobs.api.workflows import (
    WorkflowCancelView,
    WorkflowRetryView,
    WorkflowStepsView,
    WorkflowsView,
    WorkflowView,
)


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


_LIMIT = {"GET": Action.LIMIT_READ, "PUT": Action.LIMIT_SET, "DELETE": Action.LIMIT_DROP}

ROUTES = (
    Route("jobs", JobsView, "jobs", {"POST": Action.JOB_SUBMIT, "GET": Action.JOB_READ}),
    Route("jobs/bulk", BulkSubmissionView, "jobs-bulk", {"POST": Action.JOB_SUBMIT}),
    Route("jobs/export", JobsExportView, "jobs-export", {"GET": Action.JOB_EXPORT}),
    Route("jobs/<str:job_id>", JobView, "job", {"GET": Action.JOB_READ, "DELETE": Action.JOB_CANCEL}),
    Route("jobs/<str:job_id>/cancel", JobCancelView, "job-cancel", {"POST": Action.JOB_CANCEL}),
    Route("jobs/<str:job_id>/retry", JobRetryView, "job-retry", {"POST": Action.JOB_RETRY}),
    Route("jobs/<str:job_id>/move", JobMoveView, "job-move", {"POST": Action.JOB_MOVE}),
    Route("jobs/<str:job_id>/reprioritise", JobReprioritiseView, "job-reprioritise", {"POST": Action.JOB_REPRIORITISE}),
    Route("jobs/<str:job_id>/explain", JobExplainView, "job-explain", {"GET": Action.JOB_READ}),
    Route("jobs/<str:job_id>/log", JobLogView, "job-log", {"GET": Action.LOG_READ}),
    Route("deploys", DeploysView, "deploys", {"GET": Action.DEPLOY_READ, "POST": Action.DEPLOY_MARK}),
    Route("deploys/<str:deploy_id>", DeployView, "deploy", {"DELETE": Action.DEPLOY_REMOVE}),
    Route("error-groups", ErrorGroupsView, "error-groups", {"GET": Action.JOB_READ}),
    Route("error-groups/<str:group_id>", ErrorGroupView, "error-group", {"GET": Action.JOB_READ}),
    Route("views", ViewsView, "views", {"GET": Action.VIEW_READ}),
    Route("views/<str:name>", ViewView, "view", {"PUT": Action.VIEW_KEEP, "DELETE": Action.VIEW_REMOVE}),
    Route("queues", QueuesView, "queues", {"GET": Action.QUEUE_READ}),
    Route("queues/stats", QueueStatsView, "queue-stats", {"GET": Action.QUEUE_READ}),
    Route("queues/scaling", QueueScalingView, "queue-scaling", {"GET": Action.QUEUE_READ}),
    Route("queues/<str:name>", QueueView, "queue", {"GET": Action.QUEUE_READ, "PATCH": Action.QUEUE_UPDATE}),
    Route("queues/<str:name>/pause", QueuePauseView, "queue-pause", {"POST": Action.QUEUE_PAUSE}),
    Route("queues/<str:name>/resume", QueueResumeView, "queue-resume", {"POST": Action.QUEUE_RESUME}),
    Route("queues/<str:name>/purge", QueuePurgeView, "queue-purge", {"POST": Action.QUEUE_PURGE}),
    Route("workers", WorkersView, "workers", {"GET": Action.WORKER_READ, "POST": Action.WORKER_REPORT}),
    Route("workers/<str:worker_id>/quiet", WorkerQuietView, "worker-quiet", {"POST": Action.WORKER_QUIET}),
    Route("workers/<str:worker_id>/resume", WorkerResumeView, "worker-resume", {"POST": Action.WORKER_RESUME}),
    Route(
        "workers/<str:worker_id>/terminate", WorkerTerminateView, "worker-terminate", {"POST": Action.WORKER_TERMINATE}
    ),
    Route("workers/<str:worker_id>", RemoteWorkerView, "worker", {"DELETE": Action.WORKER_REPORT}),
    Route("workers/<str:worker_id>/heartbeat", HeartbeatView, "worker-heartbeat", {"POST": Action.WORKER_REPORT}),
    Route("leases", LeasesView, "leases", {"POST": Action.LEASE_CLAIM}),
    Route("leases/extend", LeasesView, "leases-extend", {"POST": Action.LEASE_EXTEND}),
    Route("leases/settle", LeasesView, "leases-settle", {"POST": Action.LEASE_SETTLE}),
    Route("leases/report", LeasesView, "leases-report", {"POST": Action.LEASE_REPORT}),
    Route("schedules", SchedulesView, "schedules", {"GET": Action.SCHEDULE_READ, "POST": Action.SCHEDULE_CREATE}),
    Route("schedules/preview", ScheduleTrialView, "schedule-trial", {"POST": Action.SCHEDULE_READ}),
    Route(
        "schedules/<str:name>",
        ScheduleView,
        "schedule",
        {
            "GET": Action.SCHEDULE_READ,
            "PUT": Action.SCHEDULE_CHANGE,
            "PATCH": Action.SCHEDULE_CHANGE,
            "DELETE": Action.SCHEDULE_DELETE,
        },
    ),
    Route("schedules/<str:name>/pause", SchedulePauseView, "schedule-pause", {"POST": Action.SCHEDULE_PAUSE}),
    Route("schedules/<str:name>/resume", ScheduleResumeView, "schedule-resume", {"POST": Action.SCHEDULE_RESUME}),
    Route("schedules/<str:name>/run", ScheduleRunView, "schedule-run", {"POST": Action.SCHEDULE_RUN}),
    Route("schedules/<str:name>/preview", SchedulePreviewView, "schedule-preview", {"GET": Action.SCHEDULE_READ}),
    Route("schedules/<str:name>/history", ScheduleHistoryView, "schedule-history", {"GET": Action.SCHEDULE_READ}),
    Route("unique-locks", UniqueLocksView, "unique-locks", {"GET": Action.UNIQUE_READ}),
    Route("unique-locks/release", UniqueReleaseView, "unique-release", {"POST": Action.UNIQUE_RELEASE}),
    Route("workflows", WorkflowsView, "workflows", {"GET": Action.WORKFLOW_READ, "POST": Action.WORKFLOW_SUBMIT}),
    Route("workflows/<str:workflow_id>", WorkflowView, "workflow", {"GET": Action.WORKFLOW_READ}),
    Route(
        "workflows/<str:workflow_id>/cancel", WorkflowCancelView, "workflow-cancel", {"POST": Action.WORKFLOW_CANCEL}
    ),
    Route("workflows/<str:workflow_id>/retry", WorkflowRetryView, "workflow-retry", {"POST": Action.WORKFLOW_RETRY}),
    Route("workflows/<str:workflow_id>/steps", WorkflowStepsView, "workflow-steps", {"POST": Action.WORKFLOW_GROW}),
    Route("limits", LimitsView, "limits", {"GET": Action.LIMIT_READ}),
    Route("limits/kinds/<str:kind>", LimitView, "limit", _LIMIT),
    Route("limits/kinds/<str:kind>/circuit", CircuitView, "circuit", {"PUT": Action.CIRCUIT_TURN}),
    Route("limits/queues/<str:name>", QueueLimitView, "queue-limit", _LIMIT),
    Route("limits/keys/<str:kind>", KeyLimitView, "key-limit", _LIMIT),
    Route("endpoints", EndpointsView, "endpoints", {"GET": Action.ENDPOINT_READ}),
    Route(
        "endpoints/<str:kind>",
        EndpointView,
        "endpoint",
        {"GET": Action.ENDPOINT_READ, "PUT": Action.ENDPOINT_BIND, "DELETE": Action.ENDPOINT_UNBIND},
    ),
    Route("endpoints/<str:kind>/test", EndpointTestView, "endpoint-test", {"POST": Action.ENDPOINT_TEST}),
    Route("endpoints/<str:kind>/rotate", EndpointRotateView, "endpoint-rotate", {"POST": Action.ENDPOINT_ROTATE}),
    Route(
        "webhook",
        WebhookView,
        "webhook",
        {"GET": Action.WEBHOOK_READ, "PUT": Action.WEBHOOK_SET, "DELETE": Action.WEBHOOK_REMOVE},
    ),
    Route("webhook/rotate", WebhookRotateView, "webhook-rotate", {"POST": Action.WEBHOOK_ROTATE}),
    Route("deliveries", DeliveriesView, "deliveries", {"GET": Action.DELIVERY_READ}),
    Route(
        "deliveries/<str:delivery_id>/resend", DeliveryResendView, "delivery-resend", {"POST": Action.DELIVERY_RESEND}
    ),
    Route(
        "bulk-operations",
        BulkOperationsView,
        "bulk-operations",
        {"GET": Action.BULK_READ, "POST": Action.BULK_OPERATE},
    ),
    Route("bulk-operations/<str:operation_id>", BulkOperationView, "bulk-operation", {"GET": Action.BULK_READ}),
    Route("bulk-operations/<str:operation_id>/outcomes", BulkOutcomesView, "bulk-outcomes", {"GET": Action.BULK_READ}),
    Route("bulk-operations/<str:operation_id>/abort", BulkAbortView, "bulk-abort", {"POST": Action.BULK_OPERATE}),
    Route("bulk-operations/<str:operation_id>/pause", BulkPauseView, "bulk-pause", {"POST": Action.BULK_OPERATE}),
    Route("bulk-operations/<str:operation_id>/resume", BulkResumeView, "bulk-resume", {"POST": Action.BULK_OPERATE}),
    Route("namespaces", NamespacesView, "namespaces", {"GET": Action.NAMESPACE_READ, "POST": Action.NAMESPACE_CREATE}),
    Route(
        "namespaces/<str:namespace>",
        NamespaceView,
        "namespace",
        {"GET": Action.NAMESPACE_READ, "PATCH": Action.NAMESPACE_UPDATE, "DELETE": Action.NAMESPACE_DELETE},
    ),
    Route("namespaces/<str:namespace>/members", MembersView, "members", {"GET": Action.MEMBER_READ}),
    Route(
        "namespaces/<str:namespace>/members/<str:person>",
        MemberView,
        "member",
        {"PUT": Action.MEMBER_SET, "DELETE": Action.MEMBER_REMOVE},
    ),
    Route(
        "namespaces/<str:namespace>/export", NamespaceExportView, "namespace-export", {"GET": Action.NAMESPACE_EXPORT}
    ),
    Route("api-keys", ApiKeysView, "api-keys", {"GET": Action.KEY_READ, "POST": Action.KEY_MINT}),
    Route("api-keys/<str:prefix>", ApiKeyView, "api-key", {"DELETE": Action.KEY_REVOKE}),
    Route("audit", AuditView, "audit", {"GET": Action.AUDIT_READ}),
    Route("alerts", AlertsView, "alerts", {"GET": Action.ALERT_READ}),
    Route(
        "alerts/<str:name>",
        AlertView,
        "alert",
        {
            "GET": Action.ALERT_READ,
            "PUT": Action.ALERT_SET,
            "PATCH": Action.ALERT_CHANGE,
            "DELETE": Action.ALERT_REMOVE,
        },
    ),
    Route("alerts/<str:name>/rotate", AlertRotateView, "alert-rotate", {"POST": Action.ALERT_ROTATE}),
    Route("alerts/<str:name>/test", AlertTestView, "alert-test", {"POST": Action.ALERT_TEST}),
    Route("system", SystemView, "system", {"GET": Action.SYSTEM_READ}),
    Route("history", HistoryView, "history", {"GET": Action.QUEUE_READ}),
    Route("health", HealthView, "health"),
    Route("health/live", LiveView, "health-live"),
    Route("health/ready", ReadyView, "health-ready"),
    Route("metrics", MetricsView, "metrics"),
    Route("openapi.json", OpenApiView, "openapi"),
    Route("docs", DocsView, "docs"),
)
