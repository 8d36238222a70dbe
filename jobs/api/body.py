"""Request bodies: read strictly as JSON, then field by field with every problem named."""

from __future__ import annotations

import re
from collections.abc import Callable

from rest_framework.request import Request

from jobs.api.problems import ApiRefusal
from jobs.domain.bulk_body import LINES_TYPES, MAX_BULK_BYTES
from jobs.domain.errors import InvalidInput, Problem
from jobs.domain.payload import read_json
from jobs.domain.reader import Reader

MAX_BODY_BYTES = 1024 * 1024
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_FORM = "application/x-www-form-urlencoded"


def read_body(request: Request) -> object:
    """Return the JSON value of the body. Raises ApiRefusal 413 or 415, or MalformedInput."""
    return read_json(json_body(request))


def json_body(request: Request, limit_bytes: int = MAX_BODY_BYTES) -> bytes:
    """Return the body as it was sent, which is declared to be JSON. Raises ApiRefusal 413 or 415."""
    _require_json(request)
    return raw_body(request, limit_bytes)


def bulk_body(request: Request) -> tuple[bytes, bool]:
    """Return the body of a bulk request, and whether it holds a JSON object a line. Raises ApiRefusal 413 or 415."""
    if _media_type(request)[0] in LINES_TYPES:
        _refuse_encoding(request)
        return raw_body(request, MAX_BULK_BYTES), True
    _require_json(request)
    return raw_body(request, MAX_BULK_BYTES), False


def raw_body(request: Request, limit_bytes: int = MAX_BODY_BYTES) -> bytes:
    """Return the body as it was sent. Raises ApiRefusal 413."""
    body: bytes = request.body
    if len(body) > limit_bytes:
        raise ApiRefusal(413, "too_large", f"The body is larger than {limit_bytes} bytes.")
    return body


def read_optional_object(request: Request) -> dict[str, object]:
    """Return the members of the body, {} for none, whatever its type says then."""
    _refuse_encoding(request)
    if not raw_body(request).strip():
        return {}
    return as_object(read_body(request))


def as_object(value: object) -> dict[str, object]:
    """Return the members of an object. Raises InvalidInput for anything else."""
    if not isinstance(value, dict):
        raise InvalidInput([Problem("", "invalid_type", "The body must be a JSON object.")])
    return value


def read_fields(source: dict[str, object], known: frozenset[str], take: Callable[[Fields], None]) -> None:
    """Let `take` take its fields. Raises InvalidInput with all problems, unknown fields among them."""
    fields = Fields(source)
    fields.reader.refuse_unknown(known)
    take(fields)
    if fields.problems:
        raise InvalidInput(fields.problems)


class Fields:
    """The fields of one body, with what is wrong with them."""

    def __init__(self, source: dict[str, object]) -> None:
        self.source = source
        self.problems: list[Problem] = []
        self.reader = Reader(source, "", self.problems)

    def text(self, name: str, longest: int, *, default: str | None = None) -> str:
        """Return a text without control characters; no default: required."""
        value = self.source.get(name)
        if value is None and default is not None:
            return default
        if name not in self.source:
            self.reader.refuse(name, "required", f"{name} is required.")
        elif not isinstance(value, str):
            self.reader.refuse(name, "invalid_type", f"{name} must be a string.")
        elif len(value) > longest:
            self.reader.refuse(name, "too_large", f"{name} has at most {longest} characters.")
        elif _CONTROL.search(value):
            self.reader.refuse(name, "invalid_text", f"{name} holds control characters.")
        else:
            return value
        return ""

    def flag(self, name: str, *, default: bool) -> bool:
        """Return true or false; nothing means the default."""
        value = self.source.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            self.reader.refuse(name, "invalid_type", f"{name} must be true or false.")
            return default
        return value

    def texts(self, name: str, most: int) -> list[str]:
        """Return 1 to `most` strings; required."""
        value = self.source.get(name)
        if name not in self.source:
            self.reader.refuse(name, "required", f"{name} is required.")
        elif not isinstance(value, list):
            self.reader.refuse(name, "invalid_type", f"{name} must be an array of strings.")
        elif not 1 <= len(value) <= most:
            self.reader.refuse(name, "out_of_range", f"{name} must hold 1–{most} ids.")
        else:
            texts = [item for item in value if isinstance(item, str)]
            if len(texts) == len(value):
                return texts
            wrong = next(index for index, item in enumerate(value) if not isinstance(item, str))
            self.reader.refuse_at(f"{name}/{wrong}", "invalid_type", "An id is a string.")
        return []


def _require_json(request: Request) -> None:
    _refuse_encoding(request)
    media_type, parameters = _media_type(request)
    if media_type != "application/json":
        hint = " curl sends a form unless told otherwise." if media_type == _FORM else ""
        detail = f"Send the body as JSON, with the header Content-Type: application/json.{hint}"
        raise ApiRefusal(415, "unsupported_media_type", detail)
    if parameters.strip().lower().replace('"', "") not in ("", "charset=utf-8"):
        raise ApiRefusal(415, "unsupported_media_type", "The only charset is utf-8.")


def _media_type(request: Request) -> tuple[str, str]:
    media_type, _, parameters = str(request.META.get("CONTENT_TYPE", "")).partition(";")
    return media_type.strip().lower(), parameters


def _refuse_encoding(request: Request) -> None:
    if request.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
        raise ApiRefusal(415, "unsupported_encoding", "Content-Encoding is refused: send the body plain.")
