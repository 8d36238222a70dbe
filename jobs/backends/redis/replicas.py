"""Waiting until replicas have what somebody relies on: `WAIT` on the connection that wrote, right behind the call.

A write that too few replicas confirmed in time is refused as `not_durable`. It may be there all the same: repeating it,
a submission with the same id or idempotency key for one, is safe, as it is after any lost answer.

`WAIT` counts the replicas that have what its own connection wrote last. A call that is repeated writes nothing, and
often comes over another connection than the first: alone it would be confirmed by every replica, those too that never
got the first one's writes. So a mark is written between the two. What a replica has it has in the order of the master,
hence whoever has the mark has all that was there when the call was answered.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from jobs.backends.call import Call
from jobs.domain.errors import BackendUnavailable

Waits = tuple[tuple[str | int, ...], ...]

# A call may stand behind another one's wait, and a store that has just taken over asks for each script's text first:
# four times that is still below the 2 s in which the API answers.
WAIT_MS: Final = 400
# A script, since a plain SET is refused by a full store, in which jobs must still end. It writes each time, also where
# nothing changes: one empty key for each shard.
_MARK: Final = "#!lua flags=allow-oom\nreturn redis.call('SET', KEYS[1], '')"
# What is answered to a client, an operator or a worker as done. The rest is bookkeeping: a lost claim or renewal ends
# in another lease, and the time of each claim counts.
_RELIED_ON: Final = frozenset({"submit", "settle", "cancel", "retry", "promote", "resend", "purge", "pause", "resume"})


def _is_relied_on(call: Call[Any]) -> bool:
    # What makes ready what is due nobody asked for, and the next round repeats it.
    return call.script in _RELIED_ON and not (call.script == "promote" and call.args[0] == "")


def wait_commands(calls: Sequence[Call[Any]], replicas: int) -> Waits:
    """Return the mark and the `WAIT` that must follow these calls on their connection; nothing where none waits."""
    key = next((call.keys[0] for call in calls if replicas > 0 and _is_relied_on(call)), None)
    if key is None:
        return ()
    return ("EVAL", _MARK, 1, key[: key.index("}") + 2] + "marked"), ("WAIT", replicas, WAIT_MS)


def require_replicas(confirmed: Any, replicas: int) -> None:
    """Judge the answer of `WAIT`, the number of replicas that have all. Raises BackendUnavailable `not_durable`."""
    if not isinstance(confirmed, int) or confirmed < replicas:
        detail = (
            f"Not stored on {replicas} replica{'s' if replicas > 1 else ''} in time; it may be stored all the same."
        )
        raise BackendUnavailable(detail, code="not_durable")
