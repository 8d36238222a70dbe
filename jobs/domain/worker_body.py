"""What a worker that speaks HTTP says of itself: the bodies of its registration, its heartbeats and its farewell."""

from __future__ import annotations

import re

import msgspec

from jobs.domain import naming
from jobs.domain.error_group import MAX_VERSION
from jobs.domain.field_reader import FieldReader, read_object
from jobs.domain.lease import DEFAULT_LEASE_MS, MAX_HTTP_LEASE_MS, MIN_LEASE_MS
from jobs.domain.lease_body import LEASE_KEYS, HeldLease, lease_keys

MAX_QUEUES_SERVED = 64
MAX_KINDS_KNOWN = 256
# Of all their names together: the store keeps them for as long as the worker lives.
MAX_KINDS_BYTES = 8_192
MAX_CONCURRENCY = 10_000
MAX_PID = 2**31 - 1
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
STATUSES = ("running", "quiet", "draining")

REGISTRATION_FIELDS = frozenset(
    {"name", "host", "pid", "version", "app_version", "language", "queues", "kinds", "concurrency"}
)
HEARTBEAT_FIELDS = frozenset({"status", "busy", "leases", "lease_ms"})
_QUEUE_RULE = f"^{naming.QUEUE.pattern}$"


class Registration(msgspec.Struct, frozen=True, kw_only=True):
    """A worker that begins its life. Whatever is not said is empty, except that it runs one job at a time."""

    name: str
    host: str
    pid: int
    version: str
    app_version: str
    language: str
    queues: tuple[str, ...]
    kinds: tuple[str, ...]
    concurrency: int


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True):
    """A sign of life. `busy` None: as many as it names leases."""

    status: str
    busy: int | None
    leases: tuple[HeldLease, ...]
    lease_ms: int


def read_registration(body: bytes) -> Registration:
    """Return the worker that a JSON text presents. Raises MalformedInput, or InvalidInput with all problems."""
    made: list[Registration] = []

    def take(fields: FieldReader) -> None:
        made.append(
            Registration(
                name=fields.name("name", _is_name, f"^{NAME.pattern}$", "worker"),
                host=fields.text("host", 255),
                pid=fields.integer("pid", 0, MAX_PID, 0),
                version=fields.text("version", 64),
                app_version=fields.text("app_version", MAX_VERSION),
                language=fields.text("language", 32),
                queues=fields.names("queues", MAX_QUEUES_SERVED, naming.is_queue, _QUEUE_RULE, is_required=True),
                kinds=_kinds(fields),
                concurrency=fields.integer("concurrency", 1, MAX_CONCURRENCY, 1),
            )
        )

    read_object(body, REGISTRATION_FIELDS, take)
    return made[0]


def read_heartbeat(body: bytes) -> Heartbeat:
    """Return a sign of life; an empty body is one too. Raises MalformedInput, or InvalidInput with all problems."""
    made: list[Heartbeat] = []

    def take(fields: FieldReader) -> None:
        made.append(
            Heartbeat(
                status=fields.choice("status", STATUSES, STATUSES[0]),
                busy=fields.optional_integer("busy", 0, MAX_CONCURRENCY),
                leases=lease_keys(fields, is_required=False),
                lease_ms=fields.integer("lease_ms", MIN_LEASE_MS, MAX_HTTP_LEASE_MS, DEFAULT_LEASE_MS),
            )
        )

    read_object(body or b"{}", HEARTBEAT_FIELDS, take)
    return made[0]


def read_farewell(body: bytes) -> tuple[HeldLease, ...]:
    """Return what a worker that ends still holds; an empty body says nothing. Raises as `read_heartbeat`."""
    made: list[tuple[HeldLease, ...]] = []
    read_object(body or b"{}", LEASE_KEYS, lambda fields: made.append(lease_keys(fields, is_required=False)))
    return made[0]


def _kinds(fields: FieldReader) -> tuple[str, ...]:
    kinds = fields.names("kinds", MAX_KINDS_KNOWN, naming.is_kind, f"^{naming.KIND.pattern}$", is_required=False)
    if sum(map(len, kinds)) > MAX_KINDS_BYTES:
        fields.refuse("kinds", "too_large", f"The names of kinds have at most {MAX_KINDS_BYTES} bytes together.")
    return kinds


def _is_name(text: str) -> bool:
    return NAME.fullmatch(text) is not None
