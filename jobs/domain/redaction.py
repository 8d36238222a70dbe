"""The one place that decides what of a payload a page may show: secret-looking fields are masked before rendering.

A field is named by its place, a JSON pointer (RFC 6901) such as `/card/cvv`; those inside a masked one are not named.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from jobs.domain.errors import InvalidInput, Problem

# Names are compared without case and punctuation, so that apiKey, API-KEY and api_key are one.
_SECRET_WORDS = (
    "password", "passwd", "passphrase", "secret", "token", "authorization", "apikey", "accesskey", "privatekey",
    "credential", "cookie", "sessionid", "cardnumber", "creditcard", "cvv", "cvc", "iban", "ssn", "otp",
)  # fmt: skip
_SECRET_NAMES = frozenset({"auth", "card", "pan", "pin", "pwd", "pass", "bearer", "jwt"})
_PUNCTUATION = re.compile(r"[^a-z0-9]")
# What stands for a secret, in a page and in the text that a person edits.
MASK = "[masked]"


@dataclass(frozen=True, slots=True)
class Masked:
    """Stands where a secret was; it holds nothing of it."""

    def __str__(self) -> str:
        return MASK


MASKED = Masked()


def is_secret_name(name: str) -> bool:
    """Tell whether a field of this name is likely to hold a secret."""
    plain = _PUNCTUATION.sub("", name.lower())
    return plain in _SECRET_NAMES or any(word in plain for word in _SECRET_WORDS)


def redact(value: object, shown: Collection[str] = (), at: str = "") -> object:
    """Return a decoded JSON value with every secret-looking field replaced by MASKED, whatever it holds.

    The fields at the places `shown` stay, with all that is in them; `at` is the place of the value itself.
    """
    if isinstance(value, dict):
        return {name: _redact_field(str(name), item, shown, place_in(at, name)) for name, item in value.items()}
    if isinstance(value, list):
        return [redact(item, shown, place_in(at, number)) for number, item in enumerate(value)]
    return value


def masked_places(value: object) -> list[str]:
    """Return the places of what `redact` hides, in order."""
    return [place for place, _ in _secrets(value)]


def to_edit(value: object, at: str = "") -> object:
    """Return a decoded JSON value for a person to edit: in place of each secret stands a text that names its place."""
    if isinstance(value, dict):
        return {
            name: _stand_in(place_in(at, name)) if is_secret_name(str(name)) else to_edit(item, place_in(at, name))
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [to_edit(item, place_in(at, number)) for number, item in enumerate(value)]
    return value


def has_stand_in(edited: object) -> bool:
    """Tell whether a secret is to be kept in an edited value."""
    if isinstance(edited, dict):
        return any(
            _is_stand_in(item) if is_secret_name(str(name)) else has_stand_in(item) for name, item in edited.items()
        )
    return isinstance(edited, list) and any(has_stand_in(item) for item in edited)


def with_secrets(edited: object, original: object) -> object:
    """Put the secrets of `original` back where a person left the texts of `to_edit` standing.

    They name places, so that items may be moved or removed. In a field that is shown they mean nothing: nobody sees a
    secret by moving its text. Raises InvalidInput `not_masked` for a text whose place has no secret.
    """
    secrets = dict(_secrets(original))

    def filled(value: object) -> object:
        if isinstance(value, dict):
            return {
                name: _known(item, secrets) if is_secret_name(str(name)) else filled(item)
                for name, item in value.items()
            }
        return [filled(item) for item in value] if isinstance(value, list) else value

    return filled(edited)


def place_in(at: str, name: object) -> str:
    """Return the place of a field or an item of what is at `at`."""
    return f"{at}/{str(name).replace('~', '~0').replace('/', '~1')}"


def _redact_field(name: str, item: object, shown: Collection[str], place: str) -> object:
    if is_secret_name(name):
        return item if place in shown else MASKED
    return redact(item, shown, place)


def _secrets(value: object, at: str = "") -> Iterator[tuple[str, object]]:
    """Yield each masked field with its place."""
    if isinstance(value, dict):
        for name, item in value.items():
            place = place_in(at, name)
            if is_secret_name(str(name)):
                yield place, item
            else:
                yield from _secrets(item, place)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _secrets(item, place_in(at, number))


def _stand_in(place: str) -> str:
    return f"{MASK} {place}"


def _is_stand_in(value: object) -> bool:
    return isinstance(value, str) and value.startswith(f"{MASK} ")


def _known(item: object, secrets: dict[str, object]) -> object:
    if not _is_stand_in(item):
        return item
    place = str(item).removeprefix(f"{MASK} ")
    if place not in secrets:
        raise InvalidInput([Problem("/payload", "not_masked", f"Nothing is masked at {place[:100]!r}, to be kept.")])
    return secrets[place]
