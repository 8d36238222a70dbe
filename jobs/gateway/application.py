"""The ASGI application of the data plane: answers what is plain, passes everything else on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from jobs.access.actor import Actor
from jobs.domain.errors import IronForgeError, NotAuthenticated
from jobs.domain.problem import BEARER_REALM, problem, problem_of, retry_after_s
from jobs.gateway.credentials import Doorkeeper
from jobs.gateway.exchange import Application, ClientGone, Exchange, Receive, Refused, Scope, Send
from jobs.gateway.head import plain_headers, route_of
from jobs.gateway.operations import bulk, look, submit, takes_query
from jobs.services.async_jobs import AsyncJobs
from jobs.telemetry.logs import get_logger, log_event
from jobs.telemetry.requests import answered

_OPERATIONS: Final[Mapping[str, Callable[[Exchange, Actor, AsyncJobs], Awaitable[None]]]] = {
    "submit": submit,
    "bulk": bulk,
    "look": look,
}
_log = get_logger("server")


class Gateway:
    """Stands in front of another application and answers the hot paths itself."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._doorkeeper = Doorkeeper()
        self._jobs: AsyncJobs | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request, or let the control plane answer it."""
        operation, prefix = route_of(scope) if scope["type"] == "http" else ("", "")
        if operation and takes_query(operation, scope["query_string"]):
            headers = plain_headers(scope, operation)
            if headers is not None:
                await self._answer(operation, Exchange(scope, headers, prefix, receive, send))
                return
        await self._application(scope, receive, send)

    async def _answer(self, operation: str, exchange: Exchange) -> None:
        try:
            actor = await self._doorkeeper.actor_of(exchange)
            await _OPERATIONS[operation](exchange, actor, self._services(exchange.loop))
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


async def _refuse(exchange: Exchange, error: IronForgeError) -> None:
    more = []
    seconds = retry_after_s(error)
    if seconds is not None:
        more.append((b"retry-after", b"%d" % seconds))
    if isinstance(error, NotAuthenticated):
        more.append((b"www-authenticate", BEARER_REALM.encode()))
    await exchange.refuse(problem_of(error), *more)


async def _fail(operation: str, exchange: Exchange, error: Exception) -> None:
    log_event(
        _log,
        "http.failed",
        level=logging.ERROR,
        exception=error,
        method=exchange.scope["method"],
        path=exchange.scope["path"],
        request_id=exchange.request_id,
        operation=operation,
    )
    if not exchange.status:
        detail = "Something went wrong here. The log says what, under the request id."
        await exchange.refuse(problem(500, "internal_error", detail, retryable=True))
