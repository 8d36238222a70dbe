"""The form in which the documents describe a method of a route."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

JSON = "application/json"
# Refusals of what has a body, of all, and of what names a thing.
BODY = (400, 413, 415)
REFUSED = (401, 403, 422, 503)
ON_THING = (*REFUSED, 404)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query parameter or header."""

    name: str
    description: str
    schema: dict[str, Any]
    place: str = "query"
    example: object = None


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that is no refusal; without struct it is text."""

    status: int
    description: str
    struct: type[msgspec.Struct] | None
    example: object = None
    media_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Documented:
    """One method of one route. `request` names a schema of `jobs.api.request_schemas`."""

    operation: str
    summary: str
    answers: tuple[Answer, ...]
    description: str = ""
    refusals: tuple[int, ...] = REFUSED
    parameters: tuple[Parameter, ...] = ()
    request: str | None = None
    request_example: object = None
    is_body_required: bool = False
