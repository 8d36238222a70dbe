"""What `administration` asks, on an event loop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import TypeVar, Unpack

from ironforge_client import acts, exports, limits, tenants, unique_locks
from ironforge_client.audit import AuditEntry, AuditFilter, audit_page
from ironforge_client.exchange import Act, Retrying
from ironforge_client.jobs import Job
from ironforge_client.limits import Limit, LimitFields
from ironforge_client.queues import Queue
from ironforge_client.tenants import Member
from ironforge_client.unique_locks import UniqueLock

T = TypeVar("T")


class AsyncAdministration:
    """The part of `AsyncClient` that steers limits and tenants."""

    _retrying: Retrying

    async def _run(self, act: Act[T]) -> T:
        raise NotImplementedError

    async def queue(self, name: str) -> Queue:
        """Look at a queue, with its `fair` weights and its `limit`."""
        return await self._run(acts.queue(name, self._retrying))

    async def share_queue(self, name: str, weights: Mapping[str, int] | None, reason: str = "") -> Queue:
        """Let the keys of a queue take turns, `{}` for equal ones; None: let it go by time again."""
        return await self._run(acts.share_queue(name, weights, reason, self._retrying))

    async def limits(self) -> tuple[Limit, ...]:
        """Return the limits of kinds, queues and keys."""
        return await self._run(limits.limits(self._retrying))

    async def limit(self, name: str, *, by: str = "kind", key: str | None = None) -> Limit:
        """Look at the limit of a kind, of a queue (`by="queue"`) or of keys of a kind (`by="key"`). Raises NotFound."""
        return await self._run(limits.limit(name, by, key, self._retrying))

    async def set_limit(self, name: str, *, by: str = "kind", **fields: Unpack[LimitFields]) -> Limit:
        """Limit something in place of what limited it before; what is left out does not limit it. Raises Invalid."""
        return await self._run(limits.set_limit(name, by, fields, self._retrying))

    async def drop_limit(self, name: str, *, by: str = "kind", reason: str = "") -> None:
        """End the limits of something. Raises NotFound."""
        await self._run(limits.drop_limit(name, by, reason, self._retrying))

    async def turn_circuit(self, kind: str, state: str, reason: str = "") -> Limit:
        """Turn the circuit of a kind `open` until somebody closes it, or `closed`. Raises NotFound without one."""
        return await self._run(limits.turn_circuit(kind, state, reason, self._retrying))

    async def unique_locks(self) -> AsyncIterator[UniqueLock]:
        """Go through the unique keys that are held, those taken last first."""
        cursor: str | None = None
        while True:
            found, cursor = await self._run(unique_locks.lock_page(cursor, self._retrying))
            for one in found:
                yield one
            if cursor is None:
                return

    async def release_lock(self, key: str, reason: str = "") -> UniqueLock:
        """Take a unique key from the job that holds it, which goes on without. Raises NotFound."""
        return await self._run(unique_locks.release(key, reason, self._retrying))

    async def members(self, namespace: str) -> tuple[Member, ...]:
        """Return the people of a namespace and their roles."""
        return await self._run(tenants.members(namespace, self._retrying))

    async def set_member(self, namespace: str, person: str, role: str, reason: str = "") -> Member:
        """Make a person `viewer`, `operator` or `admin`; the `password` of a new one is told this once."""
        return await self._run(tenants.set_member(namespace, person, role, reason, self._retrying))

    async def remove_member(self, namespace: str, person: str, reason: str = "") -> None:
        """End a person's role. Raises NotFound."""
        await self._run(tenants.remove_member(namespace, person, reason, self._retrying))

    async def audit(self, **wanted: Unpack[AuditFilter]) -> AsyncIterator[AuditEntry]:
        """Go through the audit log of the client's own namespace, newest first."""
        cursor: str | None = None
        while True:
            found, cursor = await self._run(audit_page(wanted, cursor, self._retrying))
            for one in found:
                yield one
            if cursor is None:
                return

    async def export(self, namespace: str, *, page_size: int = 1000) -> AsyncIterator[Job]:
        """Go through the jobs of a namespace, whole, newest first; an audit entry each `page_size`."""
        before: str | None = None
        while True:
            found, before = await self._run(exports.export_page(namespace, before, page_size, self._retrying))
            for one in found:
                yield one
            if before is None:
                return
