"""What the layers below the site may know of the settings: a frozen, typed view, read once.

No layer but `ironforge_site` sees the environment, and none but this module sees `django.conf.settings`
for anything that is IronForge's own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal, cast

from django.conf import settings
from django.core.signals import setting_changed
from django.dispatch import receiver

Role = Literal["server", "worker", "supervisor", "static"]
Durability = Literal["always", "everysec", "replicated"]
PriorityMode = Literal["offset", "strict"]
LogFormat = Literal["json", "console"]
EnqueueMode = Literal["store", "inline", "fake"]
CeleryIsolation = Literal["thread", "process"]

_HOUR_MS = 3_600_000
_OUR_TASKS = "jobs.integrations."


@dataclass(frozen=True, slots=True)
class Conf:
    """The settings of this process. Their meaning and defaults are in `docs/settings.md`."""

    role: Role
    data_dir: Path
    host: str
    port: int
    redis_url: str = field(repr=False)  # empty: embedded store; it may hold a password
    store_binary: Path | None
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
    retention_jobs: int
    retention_bytes: int
    dlq_retention_ms: int
    handlers: tuple[str, ...]
    enqueue: EnqueueMode
    has_tasks: bool  # the tasks framework is set to IronForge
    celery_app: str  # whose tasks workers run; empty: none
    celery_isolation: CeleryIsolation
    trusted_origins: tuple[str, ...]
    push_allow: tuple[str, ...]
    has_mail: bool  # there is a server, or in development a folder, that takes mail
    mail_from: str
    allowed_hosts: tuple[str, ...]

    @property
    def is_embedded(self) -> bool:
        """Say whether the store is a child process of ours."""
        return not self.redis_url


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
        retention_ms=int(settings.IRONFORGE_RETENTION_HOURS) * _HOUR_MS,
        retention_jobs=int(settings.IRONFORGE_RETENTION_JOBS),
        retention_bytes=int(settings.IRONFORGE_RETENTION_BYTES),
        dlq_retention_ms=int(settings.IRONFORGE_DLQ_RETENTION_DAYS) * 24 * _HOUR_MS,
        handlers=tuple(settings.IRONFORGE_HANDLERS),
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


def _has_tasks() -> bool:
    backends = getattr(settings, "TASKS", {}).values()
    return any(str(it.get("BACKEND", "")).startswith(_OUR_TASKS) for it in backends)


@receiver(setting_changed, dispatch_uid="jobs.conf")
def _forget(**_: object) -> None:
    """Read again after a test replaced a setting."""
    conf.cache_clear()
