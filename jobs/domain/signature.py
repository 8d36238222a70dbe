"""Signatures of what IronForge sends, in the form of Standard Webhooks (standardwebhooks.com)."""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from collections.abc import Iterable

SECRET_MARK = "whsec_"  # noqa: S105 (what a secret begins with)
_SECRET_BYTES = 32


def new_secret() -> str:
    """Return a new secret as its owner gets it."""
    return SECRET_MARK + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def signature(secret: str, message_id: str, sent_at_s: int, body: bytes) -> str:
    """Return `v1,…` over id, time (Unix s) and body. Raises ValueError for what is no secret."""
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_MARK), validate=True)
    except binascii.Error:
        raise ValueError("not a secret") from None
    signed = f"{message_id}.{sent_at_s}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()


def signed_headers(texts: Iterable[str], message_id: str, sent_at_s: int, body: bytes) -> dict[str, str]:
    """Return the three headers; there is a signature of each secret that is valid now, a space between."""
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(sent_at_s),
        "webhook-signature": " ".join(signature(text, message_id, sent_at_s, body) for text in texts),
    }
