"""The worker protocol: each operation reads its request, calls one service and answers."""

from __future__ import annotations

import asyncio
import time
from typing import Final

import msgspec

from jobs.access import policy
from jobs.access.actor import Actor
from jobs.access.scopes import Action
from jobs.domain.instant import instant
from jobs.domain.lease import DEFAULT_LEASE_MS
from jobs.domain.lease_body import read_claim, read_renewal, read_settlements
from jobs.domain.report_body import read_reports
from jobs.domain.worker_body import read_farewell, read_heartbeat, read_registration
from jobs.domain.worker_document import (
    HeartbeatShape,
    RegisteredShape,
    claimed_shape,
    extended_shape,
    reported_shape,
    settled_shape,
)
from jobs.gateway.exchange import ClientGone, Exchange, Refused
from jobs.gateway.worker_head import LIMITS, worker_of
from jobs.services.claims import Taken
from jobs.services.leases import Leases
from jobs.services.polls import Poll, PollEnded

# Three signs of life a lease, so that one may be lost.
HEARTBEAT_MS: Final = 3_000
# What was known of a key when a request came is good for so long.
_KEY_HOLDS_S: Final = 1.0
_encode = msgspec.json.Encoder().encode


async def register(exchange: Exchange, actor: Actor, leases: Leases) -> None:
    """Begin the life of a worker: 201 with its id."""
    policy.authorize(actor, Action.WORKER_REPORT)
    registration = read_registration(await exchange.body(LIMITS["register"]))
    worker_id = await leases.workers.register(actor, registration)
    location = (b"location", f"{exchange.prefix}/workers/{worker_id}".encode())
    await exchange.answer(201, _encode(RegisteredShape(worker_id, DEFAULT_LEASE_MS, HEARTBEAT_MS)), location)


async def beat(exchange: Exchange, actor: Actor, leases: Leases) -> None:
    """Note that a worker lives, extend what it holds and tell it what to do."""
    policy.authorize(actor, Action.WORKER_REPORT)
    heartbeat = read_heartbeat(await _optional_body(exchange, LIMITS["beat"]))
    order = await leases.workers.beat(actor, worker_of(exchange.scope["path"]), heartbeat)
    extension = await leases.extend(actor, heartbeat.leases, heartbeat.lease_ms)
    shape = HeartbeatShape(
        order.value,
        extension.extended,
        extension.lost,
        extension.cancel_requested,
        instant(time.time_ns() // 1_000_000),
    )
    await exchange.answer(200, _encode(shape))


async def leave(exchange: Exchange, actor: Actor, leases: Leases) -> None:
    """End the life of a worker; what it names goes back unused."""
    policy.authorize(actor, Action.WORKER_REPORT)
    held = read_farewell(await _optional_body(exchange, LIMITS["leave"]))
    await leases.leave(actor, worker_of(exchange.scope["path"]), held)
    await exchange.answer_nothing()


async def claim(exchange: Exchange, actor: Actor, leases: Leases) -> None:
    """Hand out jobs, waiting for the first; nothing is left claimed for a client that is gone."""
    policy.authorize(actor, Action.LEASE_CLAIM)
    order = read_claim(await exchange.body(LIMITS["claim"]))
    watch = _Watch(exchange)
    poll = watch.poll
    began = exchange.loop.time()
    try:
        taken = await leases.claim(actor, order, poll)
        if taken.leases and exchange.loop.time() - began > _KEY_HOLDS_S:
            await _require_key(exchange, leases, taken)
    except PollEnded as ended:
        raise ClientGone from ended
    finally:
        watch.end()
    if poll.is_gone or exchange.is_gone:
        leases.give_back(taken)
        raise ClientGone
    await exchange.answer(200, _encode(claimed_shape(taken.leases, order.worker_id, taken.server_time)))


class _Watch:
    """Ends a claim that waits when its client leaves or the server is to stop."""

    def __init__(self, exchange: Exchange) -> None:
        self.poll = Poll(self._begin)
        self._exchange = exchange
        self._task: asyncio.Task[None] | None = None
        if not exchange.knows_when_gone:
            self._begin()

    def end(self) -> None:
        """Watch no more."""
        if self._task is not None:
            self._task.cancel()
            self._exchange.forget_stopping(self.poll.end)

    def _begin(self) -> None:
        # A claim that is answered at once needs no task for this.
        if self._task is None:
            self._task = self._exchange.loop.create_task(self._watch())
            self._exchange.when_stopping(self.poll.end)

    async def _watch(self) -> None:
        await self._exchange.until_gone()
        self.poll.end(is_gone=True)


async def _require_key(exchange: Exchange, leases: Leases, taken: Taken) -> None:
    """Hand out nothing for a key that was revoked during the wait, or that cannot be looked up."""
    try:
        policy.authorize(await exchange.admit(), Action.LEASE_CLAIM)
    except BaseException:
        leases.give_back(taken)
        raise


async def extend(exchange: Exchange, actor: Actor, leases: Leases) -> None:
    """Renew leases."""
    policy.authorize(actor, Action.LEASE_EXTEND)
    held, lease_ms = read_renewal(await exchange.body(LIMITS["extend"]))
    await exchange.answer(200, _encode(extended_shape(await leases.extend(actor, held, lease_ms))))


async def settle(exchange: Exchange, actor: Actor, leases: Leases) -> None:
    """Record how attempts ended: an entry for each, in order."""
    policy.authorize(actor, Action.LEASE_SETTLE)
    settlements = read_settlements(await exchange.body(LIMITS["settle"]))
    answers = await leases.settle(actor, settlements.items, settlements.app_version)
    await exchange.answer(200, _encode(settled_shape(settlements, answers)))


async def report(exchange: Exchange, actor: Actor, leases: Leases) -> None:
    """Note what running attempts say of themselves: an entry for each, in order."""
    policy.authorize(actor, Action.LEASE_REPORT)
    reports = read_reports(await exchange.body(LIMITS["report"]))
    await exchange.answer(200, _encode(reported_shape(reports, await leases.report(actor, reports))))


async def _optional_body(exchange: Exchange, limit_bytes: int) -> bytes:
    body = await exchange.body(limit_bytes)
    if not body.strip():
        return b""
    if b"content-type" not in exchange.headers:
        detail = "Send the body as JSON, with the header Content-Type: application/json."
        raise Refused(415, "unsupported_media_type", detail)
    return body
