"""The ASGI application of the data plane: answers what is plain, passes everything else on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Final

from jobs.access.actor import Actor
from jobs.domain.errors import IronForgeError
from jobs.gateway.answer import failure, refusal
from jobs.gateway.credentials import Doorkeeper
from jobs.gateway.exchange import Application, ClientGone, Exchange, Headers, Receive, Refused, Scope, Send
from jobs.gateway.head import plain_headers, route_of, split_prefix
from jobs.gateway.operations import bulk, look, submit, takes_query
from jobs.gateway.worker_head import worker_headers, worker_route
from jobs.gateway.worker_operations import beat, claim, extend, leave, register, report, settle
from jobs.services.async_jobs import AsyncJobs
from jobs.services.leases import Leases
from jobs.telemetry.requests import answered

_OPERATIONS: Final[Mapping[str, Callable[[Exchange, Actor, AsyncJobs], Awaitable[None]]]] = {
    "submit": submit,
    "bulk": bulk,
    "look": look,
}
_WORKER_OPERATIONS: Final[Mapping[str, Callable[[Exchange, Actor, Leases], Awaitable[None]]]] = {
    "register": register,
    "beat": beat,
    "leave": leave,
    "claim": claim,
    "extend": extend,
    "settle": settle,
    "report": report,
}


class Gateway:
    """Stands in front of another application and answers the hot paths itself."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._doorkeeper = Doorkeeper()
        self._jobs: AsyncJobs | None = None
        self._leases: Leases | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request, or let the control plane answer it."""
        if scope["type"] == "http":
            operation, prefix, headers = _plain(scope)
            if headers is not None:
                await self._answer(
                    operation, Exchange(scope, headers, scope.get("root_path", "") + prefix, receive, send)
                )
                return
        await self._application(scope, receive, send)

    async def _answer(self, operation: str, exchange: Exchange) -> None:
        try:
            exchange.admit = partial(self._doorkeeper.actor_of, exchange)
            actor = await exchange.admit()
            if operation in _OPERATIONS:
                await _OPERATIONS[operation](exchange, actor, self._services(exchange.loop))
            else:
                await _WORKER_OPERATIONS[operation](exchange, actor, self._lease_services(exchange.loop))
        except IronForgeError as error:
            await _refuse(exchange, error)
        except Refused as refused:
            await exchange.refuse(refused.document)
        except ClientGone:
            return
        except Exception as error:  # noqa: BLE001 (whatever it is, the client gets an answer and the log the reason)
            await _fail(operation, exchange, error)
        answered(operation, exchange.status)

    def _services(self, loop: asyncio.AbstractEventLoop) -> AsyncJobs:
        """Return the services of the running loop, of which a server process has one."""
        if self._jobs is None or self._jobs.loop is not loop:
            self._jobs = AsyncJobs()
        return self._jobs

    def _lease_services(self, loop: asyncio.AbstractEventLoop) -> Leases:
        if self._leases is None or self._leases.loop is not loop:
            self._leases = Leases()
        return self._leases


def _plain(scope: Scope) -> tuple[str, str, Headers | None]:
    """Return the operation, the prefix of the address and the headers; None for those that go to the control plane."""
    operation, prefix = route_of(scope)
    if operation:
        is_ours = takes_query(operation, scope["query_string"])
        return operation, prefix, plain_headers(scope, operation) if is_ours else None
    prefix, path = split_prefix(scope["path"])
    operation = worker_route(scope["method"], path)
    return operation, prefix, worker_headers(scope, operation) if operation else None


async def _refuse(exchange: Exchange, error: IronForgeError) -> None:
    document, more = refusal(error)
    await exchange.refuse(document, *more)


async def _fail(operation: str, exchange: Exchange, error: Exception) -> None:
    scope = exchange.scope
    document = failure(error, operation, scope["method"], scope["path"], exchange.request_id)
    if not exchange.status:
        await exchange.refuse(document)
