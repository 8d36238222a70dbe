"""The embedded store: a private server for machines where nobody set one up. Knows no Django."""

from __future__ import annotations

from jobs.backends.redis.embedded.address import StoreAddress, locate
from jobs.backends.redis.embedded.binary import StoreBinary, find_binary
from jobs.backends.redis.embedded.errors import (
    BinaryMissing,
    DataDirUnusable,
    StartCancelled,
    StoreError,
    StoreFailed,
    StoreLocked,
)
from jobs.backends.redis.embedded.server import EmbeddedStore

__all__ = [
    "BinaryMissing",
    "DataDirUnusable",
    "EmbeddedStore",
    "StartCancelled",
    "StoreAddress",
    "StoreBinary",
    "StoreError",
    "StoreFailed",
    "StoreLocked",
    "find_binary",
    "locate",
]
