"""What the data plane does: each operation reads its request, calls one service and answers."""

from __future__ import annotations

import re
import time
from typing import Final

import msgspec

from jobs.access import policy
from jobs.access.actor import Actor
from jobs.access.scopes import Action
from jobs.domain.bulk_body import MAX_BULK_BYTES, split_array, split_lines
from jobs.domain.idempotency import HEADER, checked_key, fingerprint_of
from jobs.domain.job_document import job_shape
from jobs.domain.trace import TraceContext
from jobs.gateway.answer import submitted_answer
from jobs.gateway.exchange import Exchange
from jobs.gateway.head import LINES_TYPES, MAX_BODY_BYTES
from jobs.gateway.repeated_head import RepeatedHead, is_repeatable
from jobs.services.async_jobs import AsyncJobs
from jobs.services.bulk_submission import bulk_shape, require_atomic
from jobs.services.submission import NewJob, read_spec
from jobs.telemetry import tracing

_KEY: Final = HEADER.lower().encode()
_WAIT: Final = re.compile(rb"wait=([0-9]|[12][0-9]|30)")
_ATOMIC: Final = {b"": False, b"atomic=false": False, b"atomic=true": True}
_encode = msgspec.json.Encoder().encode


def takes_query(operation: str, query: bytes) -> bool:
    """Tell whether the data plane reads this query string; the control plane says what is wrong with any other."""
    if operation == "look":
        return not query or _WAIT.fullmatch(query) is not None
    return not query if operation == "submit" else query in _ATOMIC


async def submit(exchange: Exchange, actor: Actor, jobs: AsyncJobs) -> None:
    """Store one job: 202, or 200 for a repeated request."""
    policy.authorize(actor, Action.JOB_SUBMIT)
    body = await exchange.body(MAX_BODY_BYTES)
    key = _idempotency_key(exchange)
    spec = read_spec(body, now_ms=time.time_ns() // 1_000_000)
    made = await jobs.submit_one(actor, NewJob(spec, key, fingerprint_of(body) if key else ""), _trace(exchange))
    status, document, more = submitted_answer(made, exchange.prefix)
    await exchange.answer(status, document, *more)
    # A span of its own costs more than the head.
    if status == 202 and tracing.tracer() is None and is_repeatable(exchange.headers):
        exchange.remember(RepeatedHead(exchange.headers, exchange.prefix, jobs))


async def bulk(exchange: Exchange, actor: Actor, jobs: AsyncJobs) -> None:
    """Store up to 10 000 jobs: 202 with an item for each, in order."""
    policy.authorize(actor, Action.JOB_SUBMIT)
    body = await exchange.body(MAX_BULK_BYTES)
    key = _idempotency_key(exchange)
    is_lines = exchange.headers[b"content-type"].lower() in LINES_TYPES
    texts = split_lines(body) if is_lines else split_array(body)
    fingerprint = fingerprint_of(body) if key else ""
    jobs.require_room(actor, len(texts), len(body))
    entries = await jobs.read_entries(texts, key, fingerprint, time.time_ns() // 1_000_000)
    if _ATOMIC[exchange.scope["query_string"]]:
        stored = await jobs.submit_all_or_none(actor, require_atomic(entries), _trace(exchange))
        shape = bulk_shape(entries, stored, exchange.request_id)
    else:
        sound = [entry for entry in entries if isinstance(entry, NewJob)]
        shape = bulk_shape(entries, await jobs.submit_many(actor, sound, _trace(exchange)), exchange.request_id)
    await exchange.answer(202, _encode(shape))


async def look(exchange: Exchange, actor: Actor, jobs: AsyncJobs) -> None:
    """Show a job, or wait for its end."""
    match = _WAIT.fullmatch(exchange.scope["query_string"])
    wait_s = int(match.group(1)) if match else 0
    job = await jobs.get_job(actor, exchange.scope["path"].rpartition("/")[2], wait_s)
    await exchange.answer(200, _encode(job_shape(job)))


def _idempotency_key(exchange: Exchange) -> str | None:
    header = exchange.headers.get(_KEY)
    return checked_key(header.decode("latin-1")) if header is not None else None


def _trace(exchange: Exchange) -> TraceContext | None:
    def header(name: str) -> str | None:
        value = exchange.headers.get(name.encode())
        return None if value is None else value.decode("latin-1")

    return tracing.trace_asked_for(header)
