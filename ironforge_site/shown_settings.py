"""What `jobs.conf` shows to the layers below, one attribute a setting, from the environment.

A Django project that is not IronForge's own takes these into its settings: see docs/django.md.
"""

from __future__ import annotations

import sys

from ironforge_site import environment, setting_sources
from ironforge_site.arguments import process_role

_env = environment.read()

IRONFORGE_ROLE = process_role(sys.argv)
IRONFORGE_DATA_DIR = _env.data_dir
IRONFORGE_HOST = _env.host
IRONFORGE_PORT = _env.port
IRONFORGE_REDIS_URL = _env.redis_url
IRONFORGE_STORE_BINARY = _env.store_binary
IRONFORGE_STORE_ALLOCATOR = _env.store_allocator
IRONFORGE_DURABILITY = _env.durability
IRONFORGE_STORE_MAXMEMORY_BYTES = _env.store_maxmemory_bytes
IRONFORGE_ACCEPT_LOSS = _env.accept_loss
IRONFORGE_OPEN = _env.open
IRONFORGE_DEMO = _env.demo
IRONFORGE_GATEWAY = _env.gateway
IRONFORGE_BASE_PATH = _env.base_path
IRONFORGE_BEHIND_TLS = _env.behind_tls
IRONFORGE_LOG_LEVEL = _env.log_level
IRONFORGE_LOG_FORMAT = _env.log_format
IRONFORGE_PRIORITY = _env.priority
IRONFORGE_REPLICAS = _env.replicas
IRONFORGE_SHARDS = _env.shards
IRONFORGE_LEASE_MS = _env.lease_ms
IRONFORGE_APP_VERSION = _env.app_version
IRONFORGE_RETENTION_HOURS = _env.retention_hours
IRONFORGE_RETENTION_MAX_HOURS = _env.retention_max_hours
IRONFORGE_RETENTION_JOBS = _env.retention_jobs
IRONFORGE_RETENTION_BYTES = _env.retention_bytes
IRONFORGE_DLQ_RETENTION_DAYS = _env.dlq_retention_days
IRONFORGE_HANDLERS = _env.handlers
IRONFORGE_CELERY_APP = _env.celery_app
IRONFORGE_CELERY_ISOLATION = _env.celery_isolation
IRONFORGE_PUSH_ALLOW = _env.push_allow
IRONFORGE_TRACING = _env.tracing
IRONFORGE_TRACES_EXPORTER = _env.traces_exporter
IRONFORGE_TRACE_URL = _env.trace_url
IRONFORGE_EMAIL_URL = _env.email_url
IRONFORGE_EMAIL_FROM = _env.email_from
IRONFORGE_LOOPS = _env.loops
IRONFORGE_ENQUEUE = _env.enqueue
IRONFORGE_SETTING_SOURCES = setting_sources.told()
IRONFORGE_UNKNOWN_VARIABLES = environment.unknown_names()
IRONFORGE_COLOUR = sys.stdout.isatty() and not _env.no_color
