"""A language made up for tests: each text is the English one in «»."""

from __future__ import annotations

from gettext import NullTranslations

import pytest
from django.utils.translation import trans_real
from pytest_django import Settings


class Wrapped(NullTranslations):
    """Its catalogue."""

    def to_language(self) -> str:
        """Return its code: Django knows only real ones."""
        return "de"

    def gettext(self, message: str) -> str:
        """Return a text in it."""
        return f"«{message}»"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        """Return a text that has a number in it."""
        return self.gettext(msgid1 if n == 1 else msgid2)


@pytest.fixture
def wrapped(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    """Have it as the second language, German by name."""
    settings.LANGUAGES = [("en", "English"), ("de", "Deutsch")]
    monkeypatch.setitem(trans_real._translations, "de", Wrapped())
