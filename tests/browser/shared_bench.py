"""A bench on the store of an installation that is at work: its loops write into each namespace whenever they please."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from jobs.backends.redis.connection import connect
from jobs.backends.redis.embedded.address import locate
from tests.stores import Bench

# Its leases are to hold until their test is over: the janitor takes back what runs out while a page is looked at.
LONG_LEASE_MS = 3_600_000
_LONGEST_CHECK_MS = 20_000


class SharedBench(Bench):
    """A namespace whose jobs a test moves beside the installation."""

    def __init__(self, data_dir: Path, namespace: str, *, is_checked: bool = True) -> None:
        self._address = locate(data_dir)
        super().__init__(namespace, self._address.url, is_checked=is_checked, lease_ms=LONG_LEASE_MS)

    def check(self) -> None:
        """Fail if any raw key contradicts another, while nobody writes: a job on its way would stand in two places."""
        with closing(connect(self._address.admin_url, "judge", _LONGEST_CHECK_MS / 1000)) as admin:
            admin.execute_command("CLIENT", "PAUSE", _LONGEST_CHECK_MS, "WRITE")
            try:
                super().check()
            finally:
                admin.execute_command("CLIENT", "UNPAUSE")
