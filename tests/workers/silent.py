"""Reports of attempts that say nothing: what a pool or an execution needs where no store is asked."""

from __future__ import annotations

from collections.abc import Callable

from jobs.domain.lease import Lease


class Silent:
    """Keeps what is said, and never knows of any."""

    def __init__(self) -> None:
        self.said: list[tuple[str, object]] = []

    def progress(self, lease: Lease, fraction: float, text: str) -> None:
        self.said.append((text, fraction))

    def line(self, lease: Lease, level: str, text: str) -> None:
        self.said.append((level, text))

    def checkpoint(self, lease: Lease, data: bytes) -> None:
        self.said.append(("checkpoint", data))

    def knows(self, token: str) -> bool:
        return False

    def tell_rest(self, token: str, then: Callable[[], object]) -> None:
        then()

    def forget(self, token: str) -> None:
        pass
