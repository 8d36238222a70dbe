"""What runs around every handler: tracing, error hooks, a tenant's settings; a context manager for each attempt."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, AsyncExitStack, ExitStack
from typing import Any

from workers.context import Context

# Called with context and payload for each attempt, outermost first; what it returns is entered around the handler.
Middleware = Callable[[Context, Any], AbstractContextManager[Any] | AbstractAsyncContextManager[Any]]
# A handler takes any JSON value and may return any: the types of the values are its own business.
HandlerFunction = Callable[[Context, Any], Any]


def wrapped(function: HandlerFunction, around: Sequence[Middleware]) -> HandlerFunction:
    """Return a handler inside all its middleware, of the same kind: a coroutine function or a plain one."""
    if inspect.iscoroutinefunction(inspect.unwrap(function)):

        @functools.wraps(function)
        async def run_on_loop(context: Context, payload: Any) -> Any:
            async with AsyncExitStack() as stack:
                for make in around:
                    manager = make(context, payload)
                    if isinstance(manager, AbstractAsyncContextManager):
                        await stack.enter_async_context(manager)
                    else:
                        stack.enter_context(manager)
                return await function(context, payload)
            return None  # one of them swallowed what the handler raised

        return run_on_loop

    @functools.wraps(function)
    def run_in_thread(context: Context, payload: Any) -> Any:
        with ExitStack() as stack:
            for make in around:
                manager = make(context, payload)
                if not isinstance(manager, AbstractContextManager):
                    raise TypeError(f"{make!r} is asynchronous, and the handler of {context.kind} is a plain function")
                stack.enter_context(manager)
            return function(context, payload)
        return None  # as above

    return run_in_thread
