"""Where the embedded store listens and with which passwords; any process of the same user may ask, without the lock."""

from __future__ import annotations

import hashlib
import os
import secrets
import socket
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import msgspec

from jobs.backends.redis.embedded import directory
from jobs.backends.redis.embedded.errors import DataDirUnusable

APP_USER = "app"
ADMIN_USER = "admin"
SOCKET_PATH_LIMIT_BYTES = 107  # sun_path is 108 bytes with its closing zero
_PORTS = range(20_000, 30_000)  # below the range from which Linux hands out ports for outgoing connections


class Credentials(msgspec.Struct, frozen=True, forbid_unknown_fields=False):
    """The random passwords of one data directory, and the loopback port if the socket path is too long."""

    app_password: str
    admin_password: str
    port: int = 0

    def __repr__(self) -> str:
        return "Credentials(…)"


@dataclass(frozen=True, slots=True)
class StoreAddress:
    """How to reach the embedded store. The URLs carry passwords, so they never show in repr()."""

    url: str = field(repr=False)
    admin_url: str = field(repr=False)
    place: str  # socket path or host:port, fit for logs
    socket_path: str  # "" when the store listens on loopback
    port: int  # 0 when the store listens on a socket


def locate(data_dir: Path) -> StoreAddress:
    """Return the address of the store of this directory, whether it runs or not. Raises DataDirUnusable."""
    path = directory.prepare(data_dir)
    return address_of(path, read_credentials(path))


def address_of(data_dir: Path, credentials: Credentials) -> StoreAddress:
    """Build the address from a prepared directory and its credentials."""
    socket_path = socket_path_of(data_dir)
    if socket_path:
        place, prefix, suffix = socket_path, "unix://", f"{quote(socket_path)}?db=0"
    else:
        place = f"127.0.0.1:{credentials.port}"
        prefix, suffix = "redis://", f"{place}/0"
    return StoreAddress(
        url=f"{prefix}{APP_USER}:{credentials.app_password}@{suffix}",
        admin_url=f"{prefix}{ADMIN_USER}:{credentials.admin_password}@{suffix}",
        place=place,
        socket_path=socket_path,
        port=0 if socket_path else credentials.port,
    )


def read_credentials(data_dir: Path) -> Credentials:
    """Return the directory's credentials; the first caller makes them, and all callers get the same."""
    path = data_dir / directory.CREDENTIALS
    try:
        if not path.exists():
            port = 0 if socket_path_of(data_dir) else free_port(data_dir)
            fresh = Credentials(secrets.token_urlsafe(32), secrets.token_urlsafe(32), port)
            directory.create_private(path, msgspec.json.encode(fresh).decode())
        credentials = msgspec.json.decode(path.read_bytes(), type=Credentials)
    except OSError as error:
        raise DataDirUnusable(f"Cannot read or write {path}: {error.strerror}.") from error
    except msgspec.DecodeError as error:
        raise DataDirUnusable(f"{path} is damaged; stop the store and delete the file to get new passwords.") from error
    if credentials.port or socket_path_of(data_dir):
        return credentials
    # The directory was moved to a longer path after the passwords were made.
    return change_port(data_dir, credentials)


def change_port(data_dir: Path, credentials: Credentials) -> Credentials:
    """Record another free loopback port."""
    changed = msgspec.structs.replace(credentials, port=free_port(data_dir))
    directory.write_private(data_dir / directory.CREDENTIALS, msgspec.json.encode(changed).decode())
    return changed


def socket_path_of(data_dir: Path) -> str:
    """Return the socket's path: in the directory, else in the user's runtime directory, else ""."""
    path = str(data_dir / directory.SOCKET)
    if len(os.fsencode(path)) <= SOCKET_PATH_LIMIT_BYTES:
        return path
    runtime = Path(f"/run/user/{os.geteuid()}")
    try:
        is_private = runtime.stat().st_uid == os.geteuid() and not runtime.stat().st_mode & 0o077
    except OSError:
        return ""
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    return str(runtime / f"if-{digest}.sock") if is_private else ""


def free_port(data_dir: Path) -> int:
    """Return a free loopback port; the same directory tends to get the same one."""
    start = int.from_bytes(hashlib.sha256(os.fsencode(data_dir)).digest()[:4], "big")
    for step in range(len(_PORTS)):
        port = _PORTS[(start + step) % len(_PORTS)]
        if is_port_free(port):
            return port
    raise DataDirUnusable("No free loopback port is left between 20000 and 30000.")


def is_port_free(port: int) -> bool:
    """Tell whether nothing listens on this loopback port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
