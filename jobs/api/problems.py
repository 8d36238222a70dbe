"""Every refusal of the API as a problem document: errors of the tree, of the framework, and mistakes of ours."""

from __future__ import annotations

import logging

from django.core.exceptions import BadRequest, PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, UnreadablePostError
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.request import Request
from rest_framework.response import Response

from jobs.domain.errors import IronForgeError, NotAuthenticated, Problem
from jobs.domain.problem import BEARER_REALM, CONTENT_TYPE, ProblemDocument, problem, problem_of, retry_after_s
from jobs.domain.request_id import current_request_id
from jobs.telemetry.logs import get_logger, log_event

_log = get_logger("server")


class ApiRefusal(Exception):
    """A refusal that only HTTP knows, such as of a media type."""

    def __init__(self, status: int, code: str, detail: str, *, pointer: str | None = None) -> None:
        super().__init__(detail)
        errors = () if pointer is None else (Problem(pointer, code, detail),)
        self.document = problem(status, code, detail, errors=errors)


def refusal(request: Request, error: Exception) -> Response:
    """Return the answer to whatever a view raised. What nobody expected is logged and answered with 500."""
    headers: dict[str, str] = {}
    if isinstance(error, MethodNotAllowed):
        document = problem(405, "method_not_allowed", f"{str(request.method)[:16]} is not known here.")
    elif isinstance(error, (OperationalError, InterfaceError)):
        document = problem(503, "database_unavailable", "The database cannot be reached now.", retryable=True)
        headers["Retry-After"] = "1"
    elif isinstance(error, IronForgeError):
        document = problem_of(error)
        seconds = retry_after_s(error)
        if seconds is not None:
            headers["Retry-After"] = str(seconds)
        if isinstance(error, NotAuthenticated):
            headers["WWW-Authenticate"] = BEARER_REALM
    else:
        document = _of_framework(error) or _of_mistake(request, error)
    return problem_response(document, headers)


def problem_response(document: ProblemDocument, headers: dict[str, str] | None = None) -> Response:
    """Return the document under the present request's name."""
    members = document.members() | {"request_id": current_request_id()}
    return Response(members, status=document.status, headers=headers, content_type=CONTENT_TYPE)


def _of_framework(error: Exception) -> ProblemDocument | None:
    match error:
        case ApiRefusal():
            return error.document
        case Http404():
            return problem(404, "not_found", "There is nothing at this address.")
        case PermissionDenied():
            return problem(403, "forbidden", "This is not allowed.")
        case RequestDataTooBig():
            return problem(413, "too_large", "The body is too large.")
        case BadRequest() | SuspiciousOperation() | UnreadablePostError():
            return problem(400, "bad_request", "The request could not be understood.")
        case _:
            return None


def _of_mistake(request: Request, error: Exception) -> ProblemDocument:
    log_event(
        _log,
        "http.failed",
        level=logging.ERROR,
        exception=error,
        method=request.method,
        path=request.path,
        request_id=current_request_id(),
    )
    detail = "Something went wrong here. The log says what, under the request id."
    return problem(500, "internal_error", detail, retryable=True)
