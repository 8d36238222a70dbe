"""The handlers of a process, and for every other kind the one that sends its jobs to where the kind is bound.

What sends is loaded with the first job that needs it: a worker whose kinds all have handlers pays nothing for it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from django.utils.module_loading import import_string

from workers.context import Context
from workers.registry import Handler, Registry

_SENDER = "workers.push.sender.sender_of"


class BoundKinds(Registry):
    """Looks a kind up among the handlers first. Whether another is bound is asked of the store when it runs."""

    def __init__(self, own: Registry) -> None:
        super().__init__()
        self._own = own
        self._senders: dict[str, Callable[[Context, Any], object]] = {}
        self._loading = threading.Lock()

    def find(self, kind: str) -> Handler | None:
        """Return the handler of a kind, or the one that sends."""
        return self._own.find(kind) or Handler(kind, self._push, "thread")

    def kinds(self) -> tuple[str, ...]:
        """Return the kinds with a handler here, sorted."""
        return self._own.kinds()

    def _push(self, context: Context, payload: object) -> object:
        namespace = context.namespace
        with self._loading:
            send = self._senders.get(namespace)
            if send is None:
                send = self._senders[namespace] = import_string(_SENDER)(namespace)
        return send(context, payload)
