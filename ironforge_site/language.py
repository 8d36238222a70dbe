"""The languages of the console: English, in which it is written, and each whose catalogue is there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from django.conf.locale import LANG_INFO
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import translation
from django.utils.cache import patch_vary_headers


def languages_of(folder: Path) -> list[tuple[str, str]]:
    """Return the languages with a compiled catalogue in a folder, and English, as code and own name.

    Django has catalogues of its own for a hundred others: in those a form's error would stand among English words.
    """
    names = sorted(path.parent.parent.name for path in folder.glob("*/LC_MESSAGES/django.mo"))
    codes = ["en", *(code for code in map(translation.to_language, names) if code != "en")]
    return [(code, str(LANG_INFO.get(code, {}).get("name_local", code))) for code in codes]


class LanguageMiddleware:
    """Answers pages of the console in the language that the browser asks for; all else, such as the API, in English."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer one request."""
        if not request.path_info.startswith("/console/"):
            return self._get_response(request)
        language = translation.get_language_from_request(request)
        with translation.override(language):
            response = self._get_response(request)
        response.headers.setdefault("Content-Language", language)
        patch_vary_headers(response, ["Accept-Language"])
        return response
