"""`/openapi.json` and `/docs`: what the API can do, for programs and for people."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from rest_framework.request import Request

from jobs.api.openapi import openapi_document
from jobs.api.view import ApiView

_AN_HOUR = "public, max-age=3600"
_making = threading.Lock()


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one address, ready to be shown."""

    method: str
    path: str
    anchor: str
    summary: str
    paragraphs: tuple[SafeString, ...]
    parameters: tuple[tuple[str, str, SafeString], ...]  # name, place, description
    request_example: str
    answers: tuple[tuple[str, SafeString, str], ...]  # status, description, example


class OpenApiView(ApiView):
    """The document."""

    is_public = True

    def get(self, request: Request) -> HttpResponse:
        """Return it as JSON."""
        return HttpResponse(_text(), content_type="application/json", headers={"Cache-Control": _AN_HOUR})


class DocsView(ApiView):
    """The document as a page."""

    is_public = True

    def get(self, request: Request) -> HttpResponse:
        """Return a page without script."""
        info = _document()["info"]
        context = {"info": info, "description": _marked(info["description"]), "operations": _operations()}
        page = render(request._request, "api/docs.html", context)
        page["Cache-Control"] = _AN_HOUR
        return page


@cache
def _document() -> dict[str, Any]:
    # The library looks for its extensions at first, and another thread would take them for found meanwhile.
    with _making:
        return openapi_document()


@cache
def _text() -> str:
    return json.dumps(_document(), ensure_ascii=False, indent=1)


@cache
def _operations() -> tuple[Operation, ...]:
    return tuple(_described())


def _described() -> Iterator[Operation]:
    for path, methods in _document()["paths"].items():
        for method, operation in methods.items():
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            yield Operation(
                method=method.upper(),
                path=path,
                anchor=operation["operationId"],
                summary=operation["summary"],
                paragraphs=tuple(_marked(text) for text in operation["description"].split("\n\n") if text),
                parameters=tuple(_parameters(operation["parameters"])),
                request_example=_example(body),
                answers=tuple(_answers(operation["responses"])),
            )


def _parameters(parameters: list[dict[str, Any]]) -> Iterator[tuple[str, str, SafeString]]:
    for parameter in parameters:
        yield parameter["name"], parameter["in"], _marked(parameter.get("description", "Required."))


def _answers(responses: dict[str, Any]) -> Iterator[tuple[str, SafeString, str]]:
    for status, response in responses.items():
        content: dict[str, Any] = next(iter(response.get("content", {}).values()), {})
        yield status, _marked(response["description"]), _example(content)


def _marked(text: str) -> SafeString:
    """Return Markdown text with what stands in backticks as code; all of it is escaped."""
    parts = text.split("`")
    drawn = (format_html("<code>{}</code>", part) if number % 2 else part for number, part in enumerate(parts))
    return format_html_join("", "{}", ((part,) for part in drawn))


def _example(content: dict[str, Any]) -> str:
    value = content.get("examples", {}).get("example", {}).get("value")
    return "" if value is None else json.dumps(value, ensure_ascii=False, indent=2)
