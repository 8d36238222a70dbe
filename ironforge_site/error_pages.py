"""Answers to what no view answered: a problem document for programs, a small page for people in the console."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.template import loader

from jobs.domain import problem as documents
from jobs.domain.request_id import current_request_id


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer 400: the request cannot be trusted, such as one for another host."""
    return _refuse(request, 400, "bad_request", "The request could not be understood or was made for another host.")


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer 403."""
    return _refuse(request, 403, "forbidden", "This is not allowed.")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer 403 to a form or a fetch that does not prove that it came from our own pages."""
    return _refuse(
        request, 403, "csrf_failed", "The page is too old or the request came from elsewhere. Load it again."
    )


def page_not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer 404, without saying what was looked for."""
    # What many other APIs ask for, and what a client's base address often ends with.
    hint = " Addresses have no slash at the end." if request.path_info.endswith("/") else ""
    return _refuse(request, 404, "not_found", f"There is nothing at this address.{hint}")


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer 500: a mistake of ours. The request's name finds it in the log."""
    return _refuse(
        request, 500, "internal_error", "Something went wrong here. The log says what, under the request id."
    )


def _refuse(request: HttpRequest, status: int, code: str, detail: str) -> HttpResponse:
    document = documents.problem(status, code, detail, request_id=current_request_id(), retryable=status >= 500)
    if request.path_info.startswith("/console/"):
        page = loader.render_to_string("errors/error.html", {"problem": document})
        return HttpResponse(page, status=status)
    return HttpResponse(document.encode(), status=status, content_type=documents.CONTENT_TYPE)
