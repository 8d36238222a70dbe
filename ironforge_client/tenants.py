"""Namespaces and API keys as the server shows them, and what can be asked about them, each once for both clients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypedDict
from urllib.parse import quote

from ironforge_client.exchange import JSON_TYPE, Act, Request, Retrying, encode, exchange
from ironforge_client.jobs import maybe_time, read_time

Rules = Mapping[str, int | None]


class NamespaceRules(TypedDict, total=False):
    """What a namespace may have, how long it keeps what has ended, and its weight at workers that serve several."""

    quota: Rules | None
    retention: Rules | None
    weight: int | None


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key without its text; `text` is there once, in the answer of the call that made it."""

    prefix: str
    name: str
    namespace: str
    scopes: tuple[str, ...]
    status: str
    expires_at: datetime | None
    last_used_at: datetime | None
    text: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Namespace:
    """A namespace, what it may have (None: no limit), how long it keeps what has ended, and how much it has.

    `weight` is its turns at workers that serve several namespaces, for one of a namespace of weight 1.

    `first_key` is there once, in the answer of the call that made the namespace.
    """

    name: str
    status: str
    quota: Rules
    retention: Rules
    weight: int
    use: Mapping[str, int]
    first_key: ApiKey | None
    document: Mapping[str, Any] = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Member:
    """A person of a namespace: viewer, operator or admin. `password` is there once, where the person was made."""

    name: str
    role: str
    since: datetime
    password: str | None = field(default=None, repr=False)


def namespace(name: str, retrying: Retrying) -> Act[Namespace]:
    """Return a namespace."""
    answer = yield from exchange(Request("GET", _path("namespaces", name), is_repeatable=True), retrying)
    return _read_namespace(answer.document())


def create_namespace(name: str, rules: NamespaceRules, key_name: str | None, retrying: Retrying) -> Act[Namespace]:
    """Make a namespace and, under a name of it, its first key. Not repeated: its key would be lost with the answer."""
    body = {"name": name, **_told(rules)}
    if key_name is not None:
        body["key"] = {"name": key_name}
    document = (yield from exchange(_with_body("POST", "/namespaces", body), retrying)).document()
    return _read_namespace(document["namespace"], document["key"])


def change_namespace(name: str, rules: NamespaceRules, retrying: Retrying) -> Act[Namespace]:
    """Change the parts of the rules that are named. Doing it twice is doing it once."""
    request = _with_body("PATCH", _path("namespaces", name), _told(rules), is_repeatable=True)
    return _read_namespace((yield from exchange(request, retrying)).document())


def delete_namespace(name: str, reason: str, retrying: Retrying) -> Act[None]:
    """Begin to delete a namespace. Doing it twice is doing it once."""
    body = {"confirm": name, "reason": reason}
    yield from exchange(_with_body("DELETE", _path("namespaces", name), body, is_repeatable=True), retrying)


def members(name: str, retrying: Retrying) -> Act[tuple[Member, ...]]:
    """Return the people of a namespace, by name."""
    answer = yield from exchange(Request("GET", f"{_path('namespaces', name)}/members", is_repeatable=True), retrying)
    return tuple(map(_read_member, answer.document()["data"]))


def set_member(name: str, person: str, role: str, reason: str, retrying: Retrying) -> Act[Member]:
    """Give a person a role. Not repeated: the password of a new one would be lost with the answer."""
    path = f"{_path('namespaces', name)}{_path('members', person)}"
    answer = yield from exchange(_with_body("PUT", path, {"role": role, "reason": reason}), retrying)
    return answer.read(_read_member)


def remove_member(name: str, person: str, reason: str, retrying: Retrying) -> Act[None]:
    """End a person's role."""
    path = f"{_path('namespaces', name)}{_path('members', person)}"
    yield from exchange(_with_body("DELETE", path, {"reason": reason}), retrying)


def api_keys(retrying: Retrying) -> Act[tuple[ApiKey, ...]]:
    """Return the keys of one's namespace, oldest first."""
    answer = yield from exchange(Request("GET", "/api-keys", is_repeatable=True), retrying)
    return tuple(_read_key(key) for key in answer.document()["data"])


def create_api_key(name: str, scopes: Sequence[str], expires_days: int | None, retrying: Retrying) -> Act[ApiKey]:
    """Make a key. Not repeated: a lost answer would leave a key that nobody knows."""
    body = {"name": name, "scopes": list(scopes), "expires_days": expires_days}
    return _read_key((yield from exchange(_with_body("POST", "/api-keys", body), retrying)).document())


def revoke_api_key(prefix: str, reason: str, retrying: Retrying) -> Act[ApiKey]:
    """Revoke a key. Doing it twice is doing it once."""
    request = _with_body("DELETE", _path("api-keys", prefix), {"reason": reason}, is_repeatable=True)
    return _read_key((yield from exchange(request, retrying)).document())


def _told(rules: NamespaceRules) -> dict[str, object]:
    quota, retention = rules.get("quota") or {}, rules.get("retention") or {}
    told: dict[str, object] = {"quota": dict(quota), "retention": dict(retention)}
    weight = rules.get("weight")
    return told if weight is None else {**told, "weight": weight}


def _path(list_name: str, name: str) -> str:
    if not name:
        raise ValueError("a name is not empty")
    return f"/{list_name}/{quote(name, safe='')}"


def _with_body(method: str, path: str, body: Mapping[str, object], *, is_repeatable: bool = False) -> Request:
    headers = {"Content-Type": JSON_TYPE}
    return Request(method, path, body=encode(body), headers=headers, is_repeatable=is_repeatable)


def _read_namespace(document: Mapping[str, Any], key: Mapping[str, Any] | None = None) -> Namespace:
    return Namespace(
        name=document["name"],
        status=document["status"],
        quota=document["quota"],
        retention=document["retention"],
        weight=document["weight"],
        use=document["use"],
        first_key=None if key is None else _read_key(key),
        document=document,
    )


def _read_member(document: Mapping[str, Any]) -> Member:
    return Member(document["name"], document["role"], read_time(document["since"]), document.get("password"))


def _read_key(document: Mapping[str, Any]) -> ApiKey:
    return ApiKey(
        prefix=document["prefix"],
        name=document["name"],
        namespace=document["namespace"],
        scopes=tuple(document["scopes"]),
        status=document["status"],
        expires_at=maybe_time(document["expires_at"]),
        last_used_at=maybe_time(document["last_used_at"]),
        text=document.get("key"),
    )
