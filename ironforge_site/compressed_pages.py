"""Pages travel compressed to browsers that take it."""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware


class CompressedPagesMiddleware(GZipMiddleware):
    """Django's, for pages that are got alone: a table of fifty jobs is a tenth of its size then.

    Answers of the API and answers to posts, in which a new key or a revealed field may stand, stay as they are. What
    keeps lengths from telling a secret of a page is in decision 0060.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Compress a page; anything else passes."""
        if request.method != "GET" or not response.get("Content-Type", "").startswith("text/html"):
            return response
        return super().process_response(request, response)
