"""The one place that decides what of a payload a page may show: secret-looking fields are masked before rendering."""

from __future__ import annotations

import re
from dataclasses import dataclass

# Names are compared without case and punctuation, so that apiKey, API-KEY and api_key are one.
_SECRET_WORDS = (
    "password", "passwd", "passphrase", "secret", "token", "authorization", "apikey", "accesskey", "privatekey",
    "credential", "cookie", "sessionid", "cardnumber", "creditcard", "cvv", "cvc", "iban", "ssn", "otp",
)  # fmt: skip
_SECRET_NAMES = frozenset({"auth", "card", "pan", "pin", "pwd", "pass", "bearer", "jwt"})
_PUNCTUATION = re.compile(r"[^a-z0-9]")


@dataclass(frozen=True, slots=True)
class Masked:
    """Stands where a secret was; it holds nothing of it."""

    def __str__(self) -> str:
        return "[masked]"


MASKED = Masked()


def is_secret_name(name: str) -> bool:
    """Tell whether a field of this name is likely to hold a secret."""
    plain = _PUNCTUATION.sub("", name.lower())
    return plain in _SECRET_NAMES or any(word in plain for word in _SECRET_WORDS)


def redact(value: object) -> object:
    """Return a decoded JSON value with every secret-looking field replaced by MASKED, whatever it holds."""
    if isinstance(value, dict):
        return {name: MASKED if is_secret_name(str(name)) else redact(item) for name, item in value.items()}
    if isinstance(value, list):
        return [redact(item) for item in value]
    return value


def has_masked(value: object) -> bool:
    """Tell whether `redact` hid anything in this value."""
    if isinstance(value, dict):
        return any(has_masked(item) for item in value.values())
    if isinstance(value, list):
        return any(has_masked(item) for item in value)
    return value is MASKED
