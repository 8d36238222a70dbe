"""What may be done, and the one table of which scope it takes.

Scopes are flat: none contains another, so a key can do exactly what it lists.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Scope(StrEnum):
    """A right that a credential can hold."""

    JOBS_WRITE = "jobs:write"
    JOBS_READ = "jobs:read"
    PAYLOAD_READ = "payload:read"
    PAYLOAD_REVEAL = "payload:reveal"
    LEASES = "leases"
    QUEUES_OPERATE = "queues:operate"
    ADMIN = "admin"
    INSTALLATION = "installation"


class Role(StrEnum):
    """What a person is in a namespace."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"


class Action(StrEnum):
    """An act of a service, as the audit log names it."""

    JOB_SUBMIT = "job.submit"
    JOB_CANCEL = "job.cancel"
    JOB_RETRY = "job.retry"
    JOB_READ = "job.read"
    JOB_EXPORT = "job.export"
    PAYLOAD_READ = "payload.read"
    LOG_READ = "log.read"
    PAYLOAD_REVEAL = "payload.reveal"
    JOB_DISCARD = "job.discard"
    JOB_DUPLICATE = "job.duplicate"
    JOB_PROMOTE = "job.promote"
    JOB_MOVE = "job.move"
    JOB_REPRIORITISE = "job.reprioritise"
    VIEW_READ = "view.read"
    VIEW_KEEP = "view.keep"
    VIEW_SHARE = "view.share"
    VIEW_REMOVE = "view.remove"
    BULK_READ = "bulk.read"
    BULK_OPERATE = "bulk.operate"
    QUEUE_READ = "queue.read"
    QUEUE_PAUSE = "queue.pause"
    QUEUE_RESUME = "queue.resume"
    QUEUE_PURGE = "queue.purge"
    QUEUE_UPDATE = "queue.update"
    QUEUE_SHARE = "queue.share"
    WORKER_READ = "worker.read"
    WORKER_QUIET = "worker.quiet"
    WORKER_RESUME = "worker.resume"
    WORKER_TERMINATE = "worker.terminate"
    METRICS_READ = "metrics.read"
    LEASE_CLAIM = "lease.claim"
    LEASE_EXTEND = "lease.extend"
    LEASE_SETTLE = "lease.settle"
    LEASE_REPORT = "lease.report"
    WORKER_REPORT = "worker.report"
    KEY_READ = "key.read"
    KEY_MINT = "key.mint"
    KEY_REVOKE = "key.revoke"
    NAMESPACE_READ = "namespace.read"
    NAMESPACE_CREATE = "namespace.create"
    NAMESPACE_UPDATE = "namespace.update"
    NAMESPACE_DELETE = "namespace.delete"
    NAMESPACE_EXPORT = "namespace.export"
    MEMBER_READ = "member.read"
    MEMBER_SET = "member.set"
    MEMBER_REMOVE = "member.remove"
    PERSON_CREATE = "person.create"
    ALERT_READ = "alert.read"
    ALERT_SET = "alert.set"
    ALERT_CHANGE = "alert.change"
    ALERT_ROTATE = "alert.rotate"
    ALERT_REMOVE = "alert.remove"
    ALERT_TEST = "alert.test"
    DEPLOY_READ = "deploy.read"
    DEPLOY_MARK = "deploy.mark"
    DEPLOY_REMOVE = "deploy.remove"
    UNIQUE_READ = "unique.read"
    UNIQUE_RELEASE = "unique.release"
    LIMIT_READ = "limit.read"
    LIMIT_SET = "limit.set"
    LIMIT_DROP = "limit.drop"
    WORKFLOW_SUBMIT = "workflow.submit"
    WORKFLOW_READ = "workflow.read"
    WORKFLOW_CANCEL = "workflow.cancel"
    WORKFLOW_RETRY = "workflow.retry"
    WORKFLOW_GROW = "workflow.grow"
    CIRCUIT_TURN = "circuit.turn"
    SCHEDULE_READ = "schedule.read"
    SCHEDULE_CREATE = "schedule.create"
    SCHEDULE_CHANGE = "schedule.change"
    SCHEDULE_DELETE = "schedule.delete"
    SCHEDULE_PAUSE = "schedule.pause"
    SCHEDULE_RESUME = "schedule.resume"
    SCHEDULE_RUN = "schedule.run"
    ENDPOINT_READ = "endpoint.read"
    ENDPOINT_BIND = "endpoint.bind"
    ENDPOINT_UNBIND = "endpoint.unbind"
    ENDPOINT_ROTATE = "endpoint.rotate"
    ENDPOINT_TEST = "endpoint.test"
    WEBHOOK_READ = "webhook.read"
    WEBHOOK_SET = "webhook.set"
    WEBHOOK_REMOVE = "webhook.remove"
    WEBHOOK_ROTATE = "webhook.rotate"
    DELIVERY_READ = "delivery.read"
    DELIVERY_RESEND = "delivery.resend"
    AUDIT_READ = "audit.read"
    AUDIT_EXPORT = "audit.export"
    SYSTEM_READ = "system.read"
    LOGIN = "login"
    LOGIN_FAILED = "login.failed"
    LOGOUT = "logout"


ALL_SCOPES = frozenset(Scope)

# What can be had inside one namespace. The rest is a right over the installation: superusers and the server's own
# commands have it, and keys that one of those made.
TENANT_SCOPES = ALL_SCOPES - {Scope.INSTALLATION}

# What a key may hold: revealing a secret takes a person, who is named.
KEY_SCOPES = ALL_SCOPES - {Scope.PAYLOAD_REVEAL}

OPEN_SCOPES = TENANT_SCOPES - {Scope.ADMIN, Scope.PAYLOAD_REVEAL}

ROLE_SCOPES: Mapping[Role, frozenset[Scope]] = MappingProxyType(
    {
        Role.VIEWER: frozenset({Scope.JOBS_READ, Scope.PAYLOAD_READ}),
        Role.OPERATOR: frozenset({Scope.JOBS_READ, Scope.PAYLOAD_READ, Scope.JOBS_WRITE, Scope.QUEUES_OPERATE}),
        Role.ADMIN: TENANT_SCOPES,
    }
)

# None: needs no scope, for one acts before one has any.
SCOPE_OF: Mapping[Action, Scope | None] = MappingProxyType(
    {
        Action.JOB_SUBMIT: Scope.JOBS_WRITE,
        Action.JOB_CANCEL: Scope.JOBS_WRITE,
        Action.JOB_RETRY: Scope.JOBS_WRITE,
        Action.JOB_READ: Scope.JOBS_READ,
        Action.JOB_EXPORT: Scope.JOBS_READ,
        Action.PAYLOAD_READ: Scope.PAYLOAD_READ,
        Action.LOG_READ: Scope.PAYLOAD_READ,
        Action.PAYLOAD_REVEAL: Scope.PAYLOAD_REVEAL,
        Action.JOB_DISCARD: Scope.QUEUES_OPERATE,
        Action.JOB_DUPLICATE: Scope.JOBS_WRITE,
        Action.JOB_PROMOTE: Scope.JOBS_WRITE,
        Action.JOB_MOVE: Scope.QUEUES_OPERATE,
        Action.JOB_REPRIORITISE: Scope.QUEUES_OPERATE,
        Action.VIEW_READ: Scope.JOBS_READ,
        Action.VIEW_KEEP: Scope.JOBS_READ,
        Action.VIEW_SHARE: Scope.QUEUES_OPERATE,
        Action.VIEW_REMOVE: Scope.JOBS_READ,
        Action.BULK_READ: Scope.JOBS_READ,
        Action.BULK_OPERATE: Scope.QUEUES_OPERATE,
        Action.QUEUE_READ: Scope.JOBS_READ,
        Action.QUEUE_PAUSE: Scope.QUEUES_OPERATE,
        Action.QUEUE_RESUME: Scope.QUEUES_OPERATE,
        Action.QUEUE_PURGE: Scope.QUEUES_OPERATE,
        Action.QUEUE_UPDATE: Scope.QUEUES_OPERATE,
        Action.QUEUE_SHARE: Scope.QUEUES_OPERATE,
        Action.WORKER_READ: Scope.JOBS_READ,
        Action.WORKER_QUIET: Scope.QUEUES_OPERATE,
        Action.WORKER_RESUME: Scope.QUEUES_OPERATE,
        Action.WORKER_TERMINATE: Scope.QUEUES_OPERATE,
        Action.METRICS_READ: Scope.JOBS_READ,
        Action.LEASE_CLAIM: Scope.LEASES,
        Action.LEASE_EXTEND: Scope.LEASES,
        Action.LEASE_SETTLE: Scope.LEASES,
        Action.LEASE_REPORT: Scope.LEASES,
        Action.WORKER_REPORT: Scope.LEASES,
        Action.KEY_READ: Scope.ADMIN,
        Action.KEY_MINT: Scope.ADMIN,
        Action.KEY_REVOKE: Scope.ADMIN,
        Action.NAMESPACE_READ: Scope.ADMIN,
        Action.NAMESPACE_CREATE: Scope.INSTALLATION,
        Action.NAMESPACE_UPDATE: Scope.INSTALLATION,
        Action.NAMESPACE_DELETE: Scope.INSTALLATION,
        Action.NAMESPACE_EXPORT: Scope.ADMIN,
        Action.MEMBER_READ: Scope.ADMIN,
        Action.MEMBER_SET: Scope.ADMIN,
        Action.MEMBER_REMOVE: Scope.ADMIN,
        Action.PERSON_CREATE: Scope.ADMIN,
        Action.ALERT_READ: Scope.JOBS_READ,
        Action.ALERT_SET: Scope.QUEUES_OPERATE,
        Action.ALERT_CHANGE: Scope.QUEUES_OPERATE,
        Action.ALERT_ROTATE: Scope.QUEUES_OPERATE,
        Action.ALERT_REMOVE: Scope.QUEUES_OPERATE,
        Action.ALERT_TEST: Scope.QUEUES_OPERATE,
        Action.DEPLOY_READ: Scope.JOBS_READ,
        Action.DEPLOY_MARK: Scope.QUEUES_OPERATE,
        Action.DEPLOY_REMOVE: Scope.QUEUES_OPERATE,
        Action.UNIQUE_READ: Scope.JOBS_READ,
        Action.UNIQUE_RELEASE: Scope.QUEUES_OPERATE,
        Action.LIMIT_READ: Scope.JOBS_READ,
        Action.LIMIT_SET: Scope.QUEUES_OPERATE,
        Action.LIMIT_DROP: Scope.QUEUES_OPERATE,
        Action.WORKFLOW_SUBMIT: Scope.JOBS_WRITE,
        Action.WORKFLOW_READ: Scope.JOBS_READ,
        Action.WORKFLOW_CANCEL: Scope.JOBS_WRITE,
        Action.WORKFLOW_RETRY: Scope.JOBS_WRITE,
        Action.WORKFLOW_GROW: Scope.JOBS_WRITE,
        Action.CIRCUIT_TURN: Scope.QUEUES_OPERATE,
        Action.SCHEDULE_READ: Scope.JOBS_READ,
        Action.SCHEDULE_CREATE: Scope.QUEUES_OPERATE,
        Action.SCHEDULE_CHANGE: Scope.QUEUES_OPERATE,
        Action.SCHEDULE_DELETE: Scope.QUEUES_OPERATE,
        Action.SCHEDULE_PAUSE: Scope.QUEUES_OPERATE,
        Action.SCHEDULE_RESUME: Scope.QUEUES_OPERATE,
        Action.SCHEDULE_RUN: Scope.QUEUES_OPERATE,
        Action.ENDPOINT_READ: Scope.ADMIN,
        Action.ENDPOINT_BIND: Scope.ADMIN,
        Action.ENDPOINT_UNBIND: Scope.ADMIN,
        Action.ENDPOINT_ROTATE: Scope.ADMIN,
        Action.ENDPOINT_TEST: Scope.ADMIN,
        Action.WEBHOOK_READ: Scope.ADMIN,
        Action.WEBHOOK_SET: Scope.ADMIN,
        Action.WEBHOOK_REMOVE: Scope.ADMIN,
        Action.WEBHOOK_ROTATE: Scope.ADMIN,
        Action.DELIVERY_READ: Scope.JOBS_READ,
        Action.DELIVERY_RESEND: Scope.JOBS_WRITE,
        Action.SYSTEM_READ: Scope.INSTALLATION,
        Action.AUDIT_READ: Scope.ADMIN,
        Action.AUDIT_EXPORT: Scope.ADMIN,
        Action.LOGIN: None,
        Action.LOGIN_FAILED: None,
        Action.LOGOUT: None,
    }
)
