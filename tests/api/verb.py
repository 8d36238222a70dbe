"""One act over HTTP that can be done again and again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.api.lane import Answer, Request
from tests.api.tenant import Tenant

Row = tuple[str, str]


@dataclass(frozen=True)
class Verb:
    """`prepare` makes what the request needs, anew for each request. `again` are the answers to a repeated one.

    `finish` does what a server does by itself later.
    """

    row: Row
    prepare: Callable[[Tenant, str], Request]
    status: int = 200
    again: tuple[int, ...] = (200,)
    finish: Callable[[], None] = lambda: None

    def is_done(self, answer: Answer) -> bool:
        """Tell whether the answer says that all was done."""
        if answer.status not in {self.status, *self.again}:
            return False
        return answer.status not in (200, 202) or self.row[0] != "jobs-bulk" or answer.body["rejected"] == 0
