"""What a base path may be, and what of an address each part of the site sees; `tests/journeys` has the whole."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pytest_django import Settings

from ironforge_site.base_path import BasePath, WholePath
from ironforge_site.setting_types import base_path
from jobs.processes.draining import Draining


@pytest.mark.parametrize(("given", "meant"), [("", ""), ("/", ""), ("/forge/", "/forge"), ("/a/b-1.0", "/a/b-1.0")])
def test_a_path_has_no_slash_at_its_end(given: str, meant: str) -> None:
    assert base_path().parse(given) == meant


@pytest.mark.parametrize("given", ["forge", "//evil.example", "/a//b", "/..", "/a?b", '/"', "/a b", "https://x/forge"])
def test_what_is_no_plain_path_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match="/forge"):
        base_path().parse(given)


@pytest.mark.parametrize(
    ("asked", "seen"),
    [("/forge", "/"), ("/forge/", "/"), ("/forge/jobs", "/jobs"), ("/jobs", "/jobs"), ("/forged", "/forged")],
)
def test_the_path_is_taken_off_and_django_gets_it_back(asked: str, seen: str) -> None:
    found: list[tuple[str, str]] = []

    async def note(scope: dict[str, Any], receive: object, send: object) -> None:
        found.append((scope["path"], scope["root_path"]))

    async def both(scope: dict[str, Any], receive: object, send: object) -> None:
        await note(scope, receive, send)
        await WholePath(note)(scope, receive, send)

    for kind in ("http", "websocket"):
        asyncio.run(BasePath(both, "/forge")({"type": kind, "path": asked, "root_path": ""}, None, None))
    assert found == [(seen, "/forge"), (f"/forge{seen}", "/forge")] * 2


@pytest.mark.parametrize("path", ["/health/ready", "/forge/health/ready"])
def test_a_server_that_stops_is_not_ready_under_its_path_either(settings: Settings, path: str) -> None:
    settings.IRONFORGE_BASE_PATH = "/forge"
    told: list[int] = []

    async def application(scope: object, receive: object, send: object) -> None:
        told.append(200)

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            told.append(message["status"])

    draining = Draining(application)
    for _ in range(2):
        asyncio.run(draining({"type": "http", "method": "GET", "path": path}, None, send))
        draining.begin()
    assert told == [200, 503]
