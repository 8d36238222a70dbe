"""Which requests the data plane answers itself, and which go on untouched."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from jobs.gateway.application import Gateway

HOST = (b"host", b"localhost:3000")
JSON = (b"content-type", b"application/json")
KEY = (b"authorization", b"Bearer ifk_no_key")
JOB_PATH = "/jobs/019a9c4e-7c1f-7d3a-9b1e-5f0c2a7d4e00"


def scope(method: str, path: str, *headers: tuple[bytes, bytes], query: bytes = b"") -> dict[str, Any]:
    return {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query,
        "headers": list(headers),
        "client": ("127.0.0.1", 50_000),
    }


def is_answered_by_the_data_plane(asked: dict[str, Any]) -> bool:
    """Ask with a control plane that only notes that it was asked, before anything of the body was read."""
    passed_on: list[dict[str, Any]] = []
    was_read = False

    async def control_plane(passed: dict[str, Any], receive: object, send: object) -> None:
        assert not was_read
        passed_on.append(passed)

    async def receive() -> dict[str, Any]:
        nonlocal was_read
        was_read = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        return

    asyncio.run(Gateway(control_plane)(asked, receive, send))
    assert passed_on in ([], [asked])
    return not passed_on


@pytest.mark.parametrize(
    "asked",
    [
        scope("POST", "/jobs", HOST, JSON, KEY),
        scope("POST", "/api/v1/jobs", HOST, JSON, KEY),
        scope("POST", "/jobs", HOST, (b"content-type", b"application/json; charset=UTF-8"), KEY),
        scope("POST", "/jobs/bulk", HOST, JSON, KEY, query=b"atomic=true"),
        scope("POST", "/jobs/bulk", HOST, (b"content-type", b"application/x-ndjson"), KEY),
        scope("GET", JOB_PATH, HOST, KEY),
        scope("GET", JOB_PATH, HOST, KEY, query=b"wait=30"),
        scope("POST", "/jobs", HOST, JSON, KEY, (b"cookie", b"ironforge_session=abc")),
    ],
)
def test_a_plain_request_is_answered(transactional_db: None, asked: dict[str, Any]) -> None:
    assert is_answered_by_the_data_plane(asked)


@pytest.mark.parametrize(
    "asked",
    [
        {**scope("POST", "/jobs", HOST, JSON, KEY), "type": "websocket"},
        scope("GET", "/jobs", HOST, KEY),
        scope("HEAD", JOB_PATH, HOST, KEY),
        scope("DELETE", JOB_PATH, HOST, KEY),
        scope("OPTIONS", "/jobs", HOST),
        scope("POST", "/jobs/", HOST, JSON, KEY),
        scope("POST", "/api/v2/jobs", HOST, JSON, KEY),
        scope("GET", JOB_PATH + "/explain", HOST, KEY),
        scope("POST", "/jobs", HOST, JSON, KEY, query=b"a=1"),
        scope("POST", "/jobs/bulk", HOST, JSON, KEY, query=b"atomic=1"),
        scope("GET", JOB_PATH, HOST, KEY, query=b"wait=31"),
        scope("GET", JOB_PATH, HOST, KEY, query=b"wait=1&wait=1"),
        scope("POST", "/jobs", JSON, KEY),
        scope("POST", "/jobs", (b"host", b"evil.example"), JSON, KEY),
        scope("POST", "/jobs", (b"host", b"localhost:3000\xff"), JSON, KEY),
        scope("POST", "/jobs", HOST, JSON, KEY, KEY),
        scope("POST", "/jobs", HOST, KEY),
        scope("POST", "/jobs", HOST, (b"content-type", b"text/plain"), KEY),
        scope("POST", "/jobs", HOST, (b"content-type", b"application/x-ndjson"), KEY),
        scope("POST", "/jobs", HOST, (b"content-type", b"application/json; charset=latin-1"), KEY),
        scope("POST", "/jobs", HOST, JSON, KEY, (b"content-encoding", b"gzip")),
        scope("POST", "/jobs", HOST, JSON, KEY, (b"content-length", b"1048577")),
        scope("POST", "/jobs", HOST, JSON, KEY, (b"content-length", b"-1")),
        scope("POST", "/jobs/bulk", HOST, JSON, KEY, (b"content-length", b"16777217")),
        scope("POST", "/jobs", HOST, JSON, (b"cookie", b"ironforge_session=abc")),
    ],
)
def test_whatever_is_unusual_goes_on_untouched(asked: dict[str, Any]) -> None:
    assert not is_answered_by_the_data_plane(asked)
