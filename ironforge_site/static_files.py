"""Serves the console's own files: WhiteNoise, answering with whole bodies, texts compressed."""

from __future__ import annotations

import gzip
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from whitenoise.middleware import WhiteNoiseMiddleware  # type: ignore[import-untyped]

_TEXTS = ("text/css", "text/javascript", "application/javascript", "image/svg+xml")


class StaticFilesMiddleware(WhiteNoiseMiddleware):  # type: ignore[misc]
    """WhiteNoise without streaming: under ASGI Django would warn of each file and read it whole all the same."""

    def add_files(self, root: str, prefix: str | None = None) -> None:
        """Take in a folder. The one of `collectstatic` is missing where that was not run, and nothing is wrong."""
        if Path(root).is_dir():
            super().add_files(root, prefix=prefix)

    @staticmethod
    def serve(static_file: Any, request: HttpRequest) -> HttpResponse:
        """Answer with one file, or with 304, 206 or 405, as WhiteNoise decides."""
        found = static_file.get_response(request.method, request.META)
        body = b""
        if found.file is not None:
            with found.file as file:
                body = file.read()
        response = HttpResponse(body, status=int(found.status))
        del response["Content-Type"]
        for name, value in found.headers:
            response[name] = value
        if found.status == 200 and body and "Content-Encoding" not in response:
            _compress(request, response)
        return response


def _compress(request: HttpRequest, response: HttpResponse) -> None:
    """Compress a text for who takes it. Those that come with a `.gz` of their own are compressed already.

    Files hold no secret that the length of a compressed answer could tell, so no random bytes are put in as in pages.
    """
    if not response.get("Content-Type", "").startswith(_TEXTS):
        return
    patch_vary_headers(response, ["Accept-Encoding"])
    if "gzip" in request.META.get("HTTP_ACCEPT_ENCODING", ""):
        response.content = _packed(response.content)
        response["Content-Encoding"] = "gzip"
        response["Content-Length"] = str(len(response.content))


@lru_cache(maxsize=128)
def _packed(text: bytes) -> bytes:
    return gzip.compress(text, mtime=0)
