"""For tests of code that enqueues: `with fake() as jobs:` records, `with inline():` runs at once, without a store.

Both are decorators too.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from jobs.integrations.fake import ANY, EndlessJobs, FakeMode
from jobs.integrations.inline import InlineMode
from jobs.integrations.modes import entered
from jobs.integrations.rehearsal import NoHandler

__all__ = ["ANY", "EndlessJobs", "FakeMode", "InlineMode", "NoHandler", "fake", "inline"]


@contextmanager
def fake() -> Iterator[FakeMode]:
    """Record what is enqueued in the block, by all threads; yields what to ask and to run it with."""
    mode = FakeMode()
    with entered(mode):
        yield mode


@contextmanager
def inline(*, raises: bool = True) -> Iterator[InlineMode]:
    """Run what is enqueued in the block at once; errors that end a job are raised there, or only kept in `errors`."""
    mode = InlineMode(raises=raises)
    with entered(mode):
        yield mode
