"""The types a setting may have: each turns the text of an environment variable into a value, or says why it cannot."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Generic, TypeVar
from urllib.parse import urlsplit

T = TypeVar("T")

PROJECT_ROOT = Path(__file__).resolve().parent.parent

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"", "0", "false", "no", "off"})
_SIZE = re.compile(r"^(\d{1,15})\s*(b|kb|mb|gb|kib|mib|gib)?$", re.IGNORECASE)
_SIZE_UNITS = {"b": 1, "kb": 1 << 10, "kib": 1 << 10, "mb": 1 << 20, "mib": 1 << 20, "gb": 1 << 30, "gib": 1 << 30}
_STORE_SCHEMES = ("redis", "rediss", "unix", "redis+sentinel", "redis+cluster")
_DATABASE_SCHEMES = ("postgres", "postgresql", "sqlite")
_MODULE = re.compile(r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$")
_BASE_PATH = re.compile(r"(/[A-Za-z0-9_-][A-Za-z0-9._-]*){1,8}")
_APPLICATION = re.compile(r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*(:[A-Za-z_]\w*)?$")


@dataclass(frozen=True, slots=True)
class SettingType(Generic[T]):
    """How one type of setting is named in the documentation and read from text.

    `parse` raises ValueError whose text completes the sentence "NAME: …".
    """

    label: str
    parse: Callable[[str], T]


def text() -> SettingType[str]:
    """Any text, trimmed."""
    return SettingType("text", str.strip)


def switch() -> SettingType[bool]:
    """On or off, in the usual spellings."""

    def parse(raw: str) -> bool:
        word = raw.strip().lower()
        if word in _TRUE:
            return True
        if word in _FALSE:
            return False
        raise ValueError("must be on or off (also 1/0, true/false, yes/no)")

    return SettingType("on / off", parse)


def integer(low: int, high: int) -> SettingType[int]:
    """A whole number between `low` and `high`, both included."""

    def parse(raw: str) -> int:
        digits = raw.strip().replace("_", "")
        if not (digits.isascii() and digits.isdigit()) or not low <= int(digits[:20]) <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return int(digits)

    return SettingType(f"{low}–{high}", parse)


def choice(*options: str) -> SettingType[str]:
    """One word of a closed list."""

    def parse(raw: str) -> str:
        word = raw.strip().lower()
        if word not in options:
            raise ValueError(f"must be one of: {', '.join(options)}")
        return word

    return SettingType(" / ".join(options), parse)


def size() -> SettingType[int]:
    """A number of bytes, plain or with a unit of 1024 (`512mb`, `2gb`); empty is 0."""

    def parse(raw: str) -> int:
        if not raw.strip():
            return 0
        match = _SIZE.match(raw.strip())
        if match is None:
            raise ValueError("must be bytes, or a size like 512mb or 2gb")
        return int(match[1]) * _SIZE_UNITS[(match[2] or "b").lower()]

    return SettingType("size", parse)


def path() -> SettingType[Path]:
    """A path; a relative one starts at the project root, never at the present directory."""

    def parse(raw: str) -> Path:
        if not raw.strip() or "\0" in raw:
            raise ValueError("must be a path")
        return (PROJECT_ROOT / Path(raw.strip()).expanduser()).resolve()

    return SettingType("path", parse)


def optional_path() -> SettingType[Path | None]:
    """A path, or nothing."""
    required = path()
    return SettingType("path", lambda raw: required.parse(raw) if raw.strip() else None)


def words() -> SettingType[tuple[str, ...]]:
    """A comma separated list; empty parts are dropped."""
    return SettingType("list", lambda raw: tuple(part.strip() for part in raw.split(",") if part.strip()))


def modules() -> SettingType[tuple[str, ...]]:
    """A comma separated list of dotted Python names."""

    def parse(raw: str) -> tuple[str, ...]:
        names = words().parse(raw)
        for name in names:
            if not _MODULE.match(name):
                raise ValueError(f"{name!r} is not a dotted Python name")
        return names

    return SettingType("list of modules", parse)


def application() -> SettingType[str]:
    """A dotted Python name, with the name of an object in it after a colon; or nothing."""

    def parse(raw: str) -> str:
        name = raw.strip()
        if name and not _APPLICATION.match(name):
            raise ValueError("must be a dotted Python name, like proj.celery or proj.celery:app")
        return name

    return SettingType("module:name", parse)


def base_path() -> SettingType[str]:
    """A path of plain names without a slash at its end, or nothing."""

    def parse(raw: str) -> str:
        path = raw.strip().rstrip("/")
        if path and not _BASE_PATH.fullmatch(path):
            raise ValueError("must be a path of letters, digits and . _ - that begins with a slash, like /forge")
        return path

    return SettingType("path of an address", parse)


def origins() -> SettingType[tuple[str, ...]]:
    """A comma separated list of origins with their scheme, as browsers send them."""

    def parse(raw: str) -> tuple[str, ...]:
        found = words().parse(raw)
        for origin in found:
            if not origin.startswith(("https://", "http://")):
                raise ValueError(f"{origin!r} must start with https:// or http://")
        return found

    return SettingType("list of origins", parse)


def networks() -> SettingType[tuple[str, ...]]:
    """A comma separated list of networks, as addresses with a length of their prefix."""

    def parse(raw: str) -> tuple[str, ...]:
        found = words().parse(raw)
        for network in found:
            try:
                ip_network(network)
            except ValueError:
                raise ValueError(f"{network!r} is no network, like 10.0.0.0/8 or 127.0.0.1/32") from None
        return found

    return SettingType("list of networks", parse)


def store_url() -> SettingType[str]:
    """A URL of Redis or Valkey, or nothing."""

    def parse(raw: str) -> str:
        url = raw.strip()
        scheme = _scheme(url, _STORE_SCHEMES)
        if scheme == "unix" and not urlsplit(url).path:
            raise ValueError("must name a socket, like unix:///run/redis.sock")
        if scheme == "redis+sentinel" and not urlsplit(url).path.strip("/"):
            raise ValueError("must name hosts and the service, like redis+sentinel://host:26379,host:26379/service")
        if scheme in ("redis", "rediss"):
            _check_port(url)
        if scheme == "redis+cluster":
            for address in urlsplit(url).netloc.rpartition("@")[2].split(","):
                _check_port(f"redis://{address}")
        return url

    return SettingType("text", parse)


def database_url() -> SettingType[str]:
    """A URL of a database that Django keeps people in, or nothing."""

    def parse(raw: str) -> str:
        url = raw.strip()
        if _scheme(url, _DATABASE_SCHEMES).startswith("postgres"):
            _check_port(url)
        return url

    return SettingType("text", parse)


def trace_url() -> SettingType[str]:
    """A URL in which `{trace_id}` stands for the id of a trace, or nothing."""

    def parse(raw: str) -> str:
        url = raw.strip()
        if url:
            _scheme(url, ("http", "https"))
            _check_port(url)
            if not urlsplit(url).hostname or url.count("{") != 1 or url.count("}") != 1 or "{trace_id}" not in url:
                raise ValueError("must name a host and {trace_id}, like https://jaeger.example.com/trace/{trace_id}")
        return url

    return SettingType("text", parse)


def mail_url() -> SettingType[str]:
    """A URL of a mail server, or nothing."""

    def parse(raw: str) -> str:
        url = raw.strip()
        if _scheme(url, ("smtp", "smtps")):
            _check_port(url)
            if not urlsplit(url).hostname:
                raise ValueError("must name a host, like smtp://mail.example.com:587")
        return url

    return SettingType("text", parse)


def _scheme(url: str, allowed: tuple[str, ...]) -> str:
    """Return the scheme of a URL, empty for no URL. The texts show nothing of it: a password may be anywhere."""
    scheme, separator, _ = url.partition("://")
    if url and (not separator or scheme not in allowed):
        raise ValueError(
            "must start with " + ", ".join(f"{name}://" for name in allowed[:-1]) + f" or {allowed[-1]}://"
        )
    return scheme


def _check_port(url: str) -> None:
    try:
        _ = urlsplit(url).port
    except ValueError:
        raise ValueError(
            "has no number from 0 to 65535 as its port; write / @ : # in a password as %2F %40 %3A %23"
        ) from None
