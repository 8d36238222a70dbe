"""Masks credentials in text that leaves the process as a log line."""

from __future__ import annotations

import re
from typing import Final

MASK: Final = "***"
SECRET_FIELDS: Final = frozenset(
    {"password", "secret", "secret_key", "token", "lease_token", "api_key", "authorization", "cookie", "session"}
)

_API_KEY: Final = re.compile(r"ifk_[A-Za-z0-9_.~-]+")
_URL_PASSWORD: Final = re.compile(r'(\w://[^\s"/:@]*):[^\s"/]+@')
_BEARER: Final = re.compile(r"(?i)\b(bearer|basic)(\s+)[A-Za-z0-9._~+/=-]{8,}")


def masked(text: str) -> str:
    """Return `text` without API keys, passwords inside URLs, and Authorization values."""
    if "ifk_" in text:
        text = _API_KEY.sub("ifk_" + MASK, text)
    if "://" in text:
        text = _URL_PASSWORD.sub(rf"\1:{MASK}@", text)
    if "earer" in text or "asic" in text or "EARER" in text:
        text = _BEARER.sub(rf"\1\2{MASK}", text)
    return text
