"""The schemas of request bodies. Their limits are the domain's own constants."""

from __future__ import annotations

from typing import Any

from jobs.access.scopes import KEY_SCOPES, Role
from jobs.api.alert_documentation import ALERT_SCHEMAS
from jobs.api.circuit_schemas import KIND_TERMS
from jobs.api.deploy_documentation import DEPLOY_SCHEMAS
from jobs.api.job_view_documentation import VIEW_SCHEMAS
from jobs.api.operation_documentation import OPERATION_SCHEMAS
from jobs.api.unique_schemas import DEBOUNCE, KEY, UNIQUE
from jobs.domain import naming
from jobs.domain.backoff import DEFAULT_BASE_MS, DEFAULT_MAX_MS, LIMIT_MS, Jitter
from jobs.domain.bulk_body import MAX_BULK_JOBS
from jobs.domain.endpoint import DEFAULT_ENDPOINT_TIMEOUT_MS, MAX_ENDPOINT_TIMEOUT_MS, MIN_ENDPOINT_TIMEOUT_MS
from jobs.domain.job import (
    DEFAULT_MAX_RETRIES,
    DEFAULT_TIMEOUT_MS,
    MAX_RETRIES,
    MAX_TAG_VALUE,
    MAX_TAGS,
    MAX_TIMEOUT_MS,
    Delivery,
)
from jobs.domain.limit import MAX_CONCURRENCY, MAX_PERIOD_MS, MAX_STARTS
from jobs.domain.limit_key import MAX_LIMIT_KEY, PATH
from jobs.domain.priority import Priority
from jobs.domain.quota import MAX_AGE_MS, MAX_PER_S, MOST
from jobs.domain.sharing import MAX_WEIGHT, MAX_WEIGHTS
from jobs.domain.status import FINAL
from jobs.domain.target import MAX_URL
from jobs.services.keys import MAX_EXPIRY_DAYS

Schema = dict[str, Any]
_REASON: Schema = {"type": "string", "maxLength": 500, "description": "Kept in the audit log."}


def _integer(low: int, high: int, default: int, description: str) -> Schema:
    return {"type": "integer", "minimum": low, "maximum": high, "default": default, "description": description}


def _object(properties: Schema, required: tuple[str, ...] = ()) -> Schema:
    made: Schema = {"type": "object", "additionalProperties": False, "properties": properties}
    return made | ({"required": list(required)} if required else {})


_BACKOFF = _object(
    {
        "base_ms": _integer(1, LIMIT_MS, DEFAULT_BASE_MS, "min(base · 2^retry_count, max) is the wait."),
        "max_ms": _integer(1, LIMIT_MS, DEFAULT_MAX_MS, "The longest wait; at least base_ms."),
        "jitter": {"type": "string", "enum": [str(jitter) for jitter in Jitter], "default": Jitter.NONE.value},
    }
)
_JOB = _object(
    {
        "kind": {"type": "string", "pattern": f"^{naming.KIND.pattern}$", "description": "Which handler runs it."},
        "payload": {"description": "Any JSON, at most 256 KiB and 64 levels deep.", "default": None},
        "queue": {"type": "string", "pattern": f"^{naming.QUEUE.pattern}$", "default": naming.DEFAULT_QUEUE},
        "priority": {"type": "string", "enum": [str(level) for level in Priority], "default": Priority.MEDIUM.value},
        "max_retries": _integer(0, MAX_RETRIES, DEFAULT_MAX_RETRIES, "It runs at most 1 + max_retries times."),
        "timeout_ms": _integer(1, MAX_TIMEOUT_MS, DEFAULT_TIMEOUT_MS, "How long one attempt may take."),
        "scheduled_for": {
            "type": ["string", "null"],
            "format": "date-time",
            "description": "Not before this time, at most 10 years ahead.",
        },
        "metadata": {
            "type": ["object", "null"],
            "maxProperties": MAX_TAGS,
            "additionalProperties": {"type": "string", "maxLength": MAX_TAG_VALUE},
            "description": "Tags to find the job by.",
        },
        "delivery": {
            "type": "string",
            "enum": [str(delivery) for delivery in Delivery],
            "default": Delivery.AT_LEAST_ONCE.value,
            "description": "at_most_once never runs a job twice: a lost lease or a failure is final.",
        },
        "backoff": {"anyOf": [_BACKOFF, {"type": "null"}]},
        "webhook": {
            "type": ["string", "null"],
            "format": "uri",
            "maxLength": MAX_URL,
            "description": "Hears of the job's end, signed with the secret of the namespace's webhook.",
        },
        "expires_at": {
            "type": ["string", "null"],
            "format": "date-time",
            "description": "A job that was not handed out by then is cancelled, reason `expired`.",
        },
        "unique": {"anyOf": [UNIQUE, {"type": "null"}]},
        "debounce": {"anyOf": [DEBOUNCE, {"type": "null"}]},
        "limit_key": {
            "type": ["string", "null"],
            "minLength": 1,
            "maxLength": MAX_LIMIT_KEY,
            "description": "By which its kind may be limited; by default what the payload has where the limit says.",
        },
        "retention_ms": {
            "type": ["integer", "null"],
            "minimum": 1,
            "maximum": MAX_AGE_MS,
            "description": "How long its record stays once it completed or was cancelled, in place of the namespace's"
            " retention; at most IRONFORGE_RETENTION_MAX_HOURS.",
        },
    },
    ("kind",),
)

_LIMIT: Schema = {
    "concurrency": {
        "type": ["integer", "null"],
        "minimum": 1,
        "maximum": MAX_CONCURRENCY,
        "description": "How many of its jobs run at once.",
    },
    "rate": {
        "type": ["object", "null"],
        "description": "So many starts in a time, as a bucket of tokens that holds `burst`, else `starts`.",
        "properties": {
            "starts": {"type": "integer", "minimum": 1, "maximum": MAX_STARTS},
            "period_ms": _integer(1, MAX_PERIOD_MS, 1_000, "In how long."),
            "burst": {"type": "integer", "minimum": 1, "maximum": MAX_STARTS},
        },
        "required": ["starts"],
        "additionalProperties": False,
    },
    "reason": _REASON,
}
_WEIGHTS: Schema = {
    "type": "object",
    "maxProperties": MAX_WEIGHTS,
    "additionalProperties": {"type": "integer", "minimum": 1, "maximum": MAX_WEIGHT},
    "propertyNames": {"minLength": 1, "maxLength": 200, "pattern": r"^[^\x00-\x1f\x7f*]*\*?$"},
    "description": "Turns of a key, or of keys that begin so and a star, for one of others. The first counts.",
}
_PATH: Schema = {
    "type": ["string", "null"],
    "pattern": f"^{PATH.pattern}$",
    "description": "Where the payload has the key of a job that was given none.",
}


def _part(most: int, description: str) -> Schema:
    return {"type": ["integer", "null"], "minimum": 0, "maximum": most, "description": description}


_QUOTA = _object(
    {
        "jobs": _part(MOST, "Jobs stored, in any status."),
        "bytes": _part(MOST, "Bytes of their payloads and results; submissions are refused beyond."),
        "submissions_per_s": _part(MAX_PER_S, "Jobs submitted in a second, evenly."),
        "running": _part(MOST, "Jobs that run at once; the others wait."),
    }
)
_RETENTION = _object(
    {
        "ended_age_ms": _part(MAX_AGE_MS, "How long completed and cancelled jobs are kept."),
        "ended_jobs": _part(MOST, "How many of them at most."),
        "dead_letter_age_ms": _part(MAX_AGE_MS, "How long dead letters are kept."),
        "dead_letters": _part(MOST, "How many of them at most; without it none goes by number."),
    }
)
_WEIGHT = {
    "type": ["integer", "null"],
    "minimum": 1,
    "maximum": MAX_WEIGHT,
    "description": "Its turns at workers that serve several namespaces, for one of a namespace of weight 1; null is 1.",
}
_KEY = _object(
    {
        "name": {"type": "string", "minLength": 1, "maxLength": 100, "description": "What the key is for."},
        "scopes": {
            "type": "array",
            "items": {"type": "string", "enum": sorted(KEY_SCOPES)},
            "minItems": 1,
            "maxItems": len(KEY_SCOPES),
        },
        "expires_days": {
            "type": ["integer", "null"],
            "minimum": 1,
            "maximum": MAX_EXPIRY_DAYS,
            "description": "Null: never.",
        },
    },
    ("name", "scopes"),
)

REQUEST_SCHEMAS: dict[str, Schema] = {
    "NewJob": _JOB,
    "NewJobs": {"type": "array", "items": _JOB, "minItems": 1, "maxItems": MAX_BULK_JOBS},
    "Reason": _object({"reason": _REASON}),
    "Retry": _object({"payload": {"description": "Replaces the job's payload."}, "reason": _REASON}),
    "Purge": _object(
        {"confirm": {"type": "string", "description": "The name of the queue."}, "reason": _REASON}, ("confirm",)
    ),
    "QueueChange": _object(
        {
            "paused": {"type": "boolean", "description": "Whether jobs stay in the queue."},
            "limit": {
                "anyOf": [
                    _object({name: part for name, part in _LIMIT.items() if name != "reason"}),
                    {"type": "null"},
                ],
                "description": "How many of its jobs run at once and start in a time; null: any number.",
            },
            "fair": {
                "anyOf": [_object({"weights": _WEIGHTS}), {"type": "null"}],
                "description": "Keys take turns, or not.",
            },
            "reason": _REASON,
        }
    ),
    "UniqueRelease": _object({"key": KEY, "reason": _REASON}, ("key",)),
    "Limit": _object(_LIMIT),
    "KindLimit": _object(_LIMIT | KIND_TERMS),
    "Circuit": _object({"state": {"type": "string", "enum": ["open", "closed"]}, "reason": _REASON}, ("state",)),
    "KeyLimit": _object(_LIMIT | {"path": _PATH}),
    "Endpoint": _object(
        {
            "url": {"type": "string", "format": "uri", "maxLength": MAX_URL, "description": "Where jobs are sent."},
            "timeout_ms": _integer(
                MIN_ENDPOINT_TIMEOUT_MS,
                MAX_ENDPOINT_TIMEOUT_MS,
                DEFAULT_ENDPOINT_TIMEOUT_MS,
                "How long the receiver may take.",
            ),
            "reason": _REASON,
        },
        ("url",),
    ),
    "Webhook": _object(
        {
            "url": {"type": ["string", "null"], "format": "uri", "maxLength": MAX_URL},
            "statuses": {
                "type": "array",
                "items": {"type": "string", "enum": sorted(FINAL)},
                "minItems": 1,
                "default": sorted(FINAL),
            },
            "reason": _REASON,
        },
    ),
    "NewNamespace": _object(
        {
            "name": {"type": "string", "pattern": f"^{naming.NAMESPACE.pattern}$"},
            "quota": _QUOTA,
            "retention": _RETENTION,
            "weight": _WEIGHT,
            "key": {
                **_KEY,
                "required": ["name"],
                "description": "A first key: of all a tenant may do, without scopes.",
            },
            "reason": _REASON,
        },
        ("name",),
    ),
    "NamespaceRules": _object({"quota": _QUOTA, "retention": _RETENTION, "weight": _WEIGHT, "reason": _REASON}),
    "DeleteNamespace": _object(
        {"confirm": {"type": "string", "description": "The name of the namespace."}, "reason": _REASON}, ("confirm",)
    ),
    "Member": _object({"role": {"type": "string", "enum": [str(role) for role in Role]}, "reason": _REASON}, ("role",)),
    "NewApiKey": _KEY,
    **OPERATION_SCHEMAS,
    **ALERT_SCHEMAS,
    **VIEW_SCHEMAS,
    **DEPLOY_SCHEMAS,
}
