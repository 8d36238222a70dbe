"""How far a worker process is, for whoever shows it."""

from __future__ import annotations

import msgspec


class Progress(msgspec.Struct, frozen=True):
    """`status` is that of the heartbeat; `running` counts slots in use, the others jobs since the start, settled by the
    store. `is_away`: the store did not answer when it was last asked.
    """

    status: str
    running: int
    completed: int
    failed: int
    is_away: bool
