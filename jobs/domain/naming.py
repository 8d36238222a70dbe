"""The patterns that names must match. Every key, URL and label is built from names that passed here."""

from __future__ import annotations

import re

NAMESPACE = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
QUEUE = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
KIND = re.compile(r"[a-z0-9][a-z0-9._-]{0,127}")
WORKER_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}")

# Kinds and queues of IronForge's own begin so. What tells of the ends of jobs: as include/webhook.lua has it.
RESERVED = "ironforge."
DELIVERY_KIND = f"{RESERVED}webhook"
DELIVERY_QUEUE = f"{RESERVED}webhooks"

DEFAULT_NAMESPACE = "default"
# What a worker is told in place of a name; no namespace is made under it.
ALL_NAMESPACES = "all"
DEFAULT_QUEUE = "main"


def is_namespace(text: str) -> bool:
    """Tell whether `text` may name a tenant."""
    return NAMESPACE.fullmatch(text) is not None


def is_queue(text: str) -> bool:
    """Tell whether `text` may name a queue."""
    return QUEUE.fullmatch(text) is not None


def is_kind(text: str) -> bool:
    """Tell whether `text` may name a type of job."""
    return KIND.fullmatch(text) is not None


def is_worker_id(text: str) -> bool:
    """Tell whether `text` may name a worker."""
    return WORKER_ID.fullmatch(text) is not None


def is_reserved(text: str) -> bool:
    """Tell whether a kind or a queue is IronForge's own, to which nobody else submits."""
    return text.startswith(RESERVED)
