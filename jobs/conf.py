"""What the layers below the site may know of the settings: a frozen, typed view, read once.

No layer but `ironforge_site` sees the environment, and none but this module sees `django.conf.settings`
for anything that is IronForge's own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal, TypedDict, cast

from django.conf import settings
from django.core.signals import setting_changed
from django.dispatch import receiver

Role = Literal["server", "worker", "loops", "supervisor", "static"]
Durability = Literal["always", "everysec", "replicated"]
PriorityMode = Literal["offset", "strict"]
LogFormat = Literal["json", "console"]
EnqueueMode = Literal["store", "inline", "fake"]
CeleryIsolation = Literal["thread", "process"]

_HOUR_MS = 3_600_000
_MAX_VERSION = 64
_OUR_TASKS = "jobs.integrations."


@dataclass(frozen=True, slots=True)
class Tracing:
    """Whether jobs are traced, names of exporters, and the URL of a trace with `{trace_id}` in it, empty for none."""

    is_on: bool
    exporters: str
    url: str


@dataclass(frozen=True, slots=True)
class Conf:
    """The settings of this process. Their meaning and defaults are in `docs/settings.md`."""

    role: Role
    data_dir: Path
    host: str
    port: int
    redis_url: str = field(repr=False)  # empty: embedded store; it may hold a password
    store_binary: Path | None
    may_preload: bool  # the system's jemalloc, into an embedded store without one
    durability: Durability
    store_maxmemory_bytes: int  # 0: half of the machine's memory
    accept_loss: bool
    is_open: bool
    is_demo: bool
    has_gateway: bool
    is_debug: bool
    behind_tls: bool
    base_path: str  # under which a proxy offers the site, like `/forge`; empty: at the root
    log_level: str
    log_format: LogFormat
    has_colour: bool
    priority: PriorityMode
    replicas: int  # that must have a write, with durability `replicated`
    shards: int
    lease_ms: int
    retention_ms: int
    longest_retention_ms: int  # that a job may ask for
    retention_jobs: int
    retention_bytes: int
    dlq_retention_ms: int
    handlers: tuple[str, ...]
    has_loops_apart: bool  # servers run none
    enqueue: EnqueueMode
    has_tasks: bool  # the tasks framework is set to IronForge
    celery_app: str  # whose tasks workers run; empty: none
    celery_isolation: CeleryIsolation
    trusted_origins: tuple[str, ...]
    push_allow: tuple[str, ...]
    has_mail: bool  # there is a server, or in development a folder, that takes mail
    mail_from: str
    allowed_hosts: tuple[str, ...]
    # Of the code that workers run; empty: nobody said it.
    app_version: str = field(default_factory=lambda: str(settings.IRONFORGE_APP_VERSION)[:_MAX_VERSION])

    @property
    def is_embedded(self) -> bool:
        """Say whether the store is a child process of ours."""
        return not self.redis_url


class _Kept(TypedDict):
    retention_ms: int
    longest_retention_ms: int
    retention_jobs: int
    retention_bytes: int
    dlq_retention_ms: int


@dataclass(frozen=True, slots=True)
class SettingNow:
    """A setting as it counts for this process. `value` is empty for none, and for a secret."""

    name: str
    value: str
    source: Literal["environment", "file", "default"]
    default: str
    is_secret: bool


def settings_now() -> tuple[SettingNow, ...]:
    """Return every setting with its source; () in a project that does not take them from IronForge's environment."""
    return tuple(SettingNow(*told) for told in getattr(settings, "IRONFORGE_SETTING_SOURCES", ()))


@cache
def conf() -> Conf:
    """Return the settings of this process."""
    return Conf(
        role=cast("Role", settings.IRONFORGE_ROLE),
        data_dir=Path(settings.IRONFORGE_DATA_DIR),
        host=str(settings.IRONFORGE_HOST),
        port=int(settings.IRONFORGE_PORT),
        redis_url=str(settings.IRONFORGE_REDIS_URL),
        store_binary=Path(settings.IRONFORGE_STORE_BINARY) if settings.IRONFORGE_STORE_BINARY else None,
        may_preload=settings.IRONFORGE_STORE_ALLOCATOR == "auto",
        durability=cast("Durability", settings.IRONFORGE_DURABILITY),
        store_maxmemory_bytes=int(settings.IRONFORGE_STORE_MAXMEMORY_BYTES),
        accept_loss=bool(settings.IRONFORGE_ACCEPT_LOSS),
        is_open=bool(settings.IRONFORGE_OPEN),
        is_demo=bool(settings.IRONFORGE_DEMO),
        has_gateway=bool(settings.IRONFORGE_GATEWAY),
        is_debug=bool(settings.DEBUG),
        behind_tls=bool(settings.IRONFORGE_BEHIND_TLS),
        base_path=str(settings.IRONFORGE_BASE_PATH),
        log_level=str(settings.IRONFORGE_LOG_LEVEL),
        log_format=settings.IRONFORGE_LOG_FORMAT,
        has_colour=bool(settings.IRONFORGE_COLOUR),
        priority=cast("PriorityMode", settings.IRONFORGE_PRIORITY),
        replicas=int(settings.IRONFORGE_REPLICAS),
        shards=int(settings.IRONFORGE_SHARDS),
        lease_ms=int(settings.IRONFORGE_LEASE_MS),
        **_kept(),
        handlers=tuple(settings.IRONFORGE_HANDLERS),
        has_loops_apart=settings.IRONFORGE_LOOPS == "apart",
        enqueue=cast("EnqueueMode", settings.IRONFORGE_ENQUEUE),
        has_tasks=_has_tasks(),
        celery_app=str(settings.IRONFORGE_CELERY_APP),
        celery_isolation=cast("CeleryIsolation", settings.IRONFORGE_CELERY_ISOLATION),
        trusted_origins=tuple(settings.CSRF_TRUSTED_ORIGINS),
        push_allow=tuple(settings.IRONFORGE_PUSH_ALLOW),
        has_mail=bool(settings.IRONFORGE_EMAIL_URL or settings.IRONFORGE_DEMO),
        mail_from=str(settings.IRONFORGE_EMAIL_FROM),
        allowed_hosts=tuple(settings.ALLOWED_HOSTS),
    )


def _kept() -> _Kept:
    return _Kept(
        retention_ms=int(settings.IRONFORGE_RETENTION_HOURS) * _HOUR_MS,
        longest_retention_ms=int(settings.IRONFORGE_RETENTION_MAX_HOURS) * _HOUR_MS,
        retention_jobs=int(settings.IRONFORGE_RETENTION_JOBS),
        retention_bytes=int(settings.IRONFORGE_RETENTION_BYTES),
        dlq_retention_ms=int(settings.IRONFORGE_DLQ_RETENTION_DAYS) * 24 * _HOUR_MS,
    )


@cache
def tracing_conf() -> Tracing:
    """Return what is set about tracing."""
    url = str(settings.IRONFORGE_TRACE_URL)
    return Tracing(bool(settings.IRONFORGE_TRACING), str(settings.IRONFORGE_TRACES_EXPORTER), url)


def _has_tasks() -> bool:
    backends = getattr(settings, "TASKS", {}).values()
    return any(str(it.get("BACKEND", "")).startswith(_OUR_TASKS) for it in backends)


@receiver(setting_changed, dispatch_uid="jobs.conf")
def _forget(**_: object) -> None:
    """Read again after a test replaced a setting."""
    conf.cache_clear()
    tracing_conf.cache_clear()
