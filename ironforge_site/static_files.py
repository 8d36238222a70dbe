"""Serves the console's own files: WhiteNoise, answering with whole bodies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.http import HttpRequest, HttpResponse
from whitenoise.middleware import WhiteNoiseMiddleware  # type: ignore[import-untyped]


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
        return response
