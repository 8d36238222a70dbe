"""The table of this folder is the site: a route that is not in it fails here before it can be forgotten elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from jobs.access.scopes import SCOPE_OF
from jobs.api.routes import ROUTES
from jobs.gateway.application import _OPERATIONS, _WORKER_OPERATIONS, _plain
from jobs.live.routing import LIVE_PATH
from tests.hostile.site_table import API, DATA_PLANE, FILES, PROTOCOL, ROWS, SOCKETS, Row, address, method_of

_FREE = {"HEAD", "OPTIONS"}


def served(patterns: list[Any], prefix: str = "") -> Iterator[str]:
    """Return every address of the URLconf."""
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from served(pattern.url_patterns, path)
        else:
            assert isinstance(pattern, URLPattern)
            yield path


def methods_of(path: str) -> set[str]:
    """Return what an address says that it answers; ANY for one that answers whatever comes."""
    row = Row("GET", path, ROWS[0].needs)
    answer = Client().generic("TRACE", address(row))
    told = {word.strip() for word in answer.headers.get("Allow", "").split(",") if word.strip()} - _FREE
    return told if told and told != {"GET", "POST", "PUT", "PATCH", "DELETE"} else {"ANY"}


@pytest.mark.django_db
def test_every_address_has_its_row_for_each_method() -> None:
    found = {(method, path) for path in served(get_resolver().url_patterns) for method in methods_of(path)}
    assert found == {(row.method, row.path) for row in ROWS}
    assert len(found) == len(ROWS), "a row is written down once"


def test_sockets_files_and_the_data_plane_have_theirs() -> None:
    assert {LIVE_PATH} == SOCKETS
    assert f"/{settings.STATIC_URL.strip('/')}/" == FILES
    assert set(_OPERATIONS) == set(DATA_PLANE)
    assert set(_WORKER_OPERATIONS) == set(PROTOCOL)
    served_there = DATA_PLANE | PROTOCOL
    for operation, row in served_there.items():
        for prefix in ("", "/api/v1"):
            assert operation_of(row.method, prefix + address(row)) == (operation, prefix)
    own = {row for row in ROWS if operation_of(method_of(row), address(row))[0]}
    assert {row.path.removeprefix("api/v1/") for row in own} == {row.path for row in served_there.values()}


def operation_of(method: str, path: str) -> tuple[str, str]:
    """Return what the data plane takes a request for, and the prefix of its address."""
    scope: dict[str, Any] = {"path": path, "method": method, "headers": [], "query_string": b""}
    return _plain(scope)[:2]


def test_the_scopes_are_those_of_the_code() -> None:
    code = {(method, route.path): SCOPE_OF[action] for route in ROUTES for method, action in route.actions.items()}
    table = {(row.method, row.path): row.needs for row in API}
    assert {key: table[key] for key in code} == code
    assert all(row.thing or "<str:" not in row.path for row in ROWS), "what an address names is somebody's"
