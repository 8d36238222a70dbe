"""The text of an API key, `ifk_<prefix>_<secret>`: made here, taken apart here, and hashed here.

The prefix is public and finds the row. The secret is 190 random bits, so a plain SHA-256 guards it as well as a slow
hash would, and costs microseconds on every request instead of a tenth of a second.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import string
from dataclasses import dataclass, field

PREFIX_LENGTH = 12
SECRET_LENGTH = 32

_PREFIX_ALPHABET = string.ascii_lowercase + string.digits
_SECRET_ALPHABET = string.ascii_letters + string.digits
_KEY = re.compile(rf"ifk_([a-z0-9]{{{PREFIX_LENGTH}}})_[A-Za-z0-9]{{{SECRET_LENGTH}}}", re.ASCII)


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made. `text` exists nowhere else and is shown once."""

    prefix: str
    text: str = field(repr=False)

    @property
    def secret_hash(self) -> str:
        """Return what is kept of it."""
        return hash_key(self.text)


def new_key() -> NewKey:
    """Make a random key."""
    prefix = "".join(secrets.choice(_PREFIX_ALPHABET) for _ in range(PREFIX_LENGTH))
    secret = "".join(secrets.choice(_SECRET_ALPHABET) for _ in range(SECRET_LENGTH))
    return NewKey(prefix=prefix, text=f"ifk_{prefix}_{secret}")


def hash_key(text: str) -> str:
    """Return the SHA-256 of a whole key, in hex; any text has one."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def prefix_of(text: str) -> str | None:
    """Return the prefix, or None for a text that cannot be a key."""
    match = _KEY.fullmatch(text)
    return match[1] if match else None
